package schema

import "strings"

// Labels an account has defined. "Wholesale" is how somebody typed the tag of the label wholesale: tags keep
// what was typed, labels are lower case.
var (
	acmeLabels     = []string{"billing", "shipping", "returns", "vip", "bug", "lead_hot", "Wholesale"}
	borealisLabels = []string{"vip", "tour-2026"}
)

func labelsOf(account int64) []string {
	if account == Borealis {
		return borealisLabels
	}
	return acmeLabels
}

func (b *builder) labels() {
	colours := []string{"#1f93ff", "#f6ad55", "#68d391", "#9f7aea", "#e53e3e", "#319795", "#718096"}
	for _, account := range []int64{Acme, Borealis} {
		for i, title := range labelsOf(account) {
			b.insert("labels", row{
				"account_id": account, "title": strings.ToLower(title), "description": "About " + strings.ToLower(title),
				"color": colours[i], "show_on_sidebar": i < 5,
			})
		}
	}
}

// tag labels a conversation or a contact.
func (b *builder) tag(kind string, id int64, labels []string) {
	for _, label := range labels {
		if _, ok := b.tags[label]; !ok {
			b.tags[label] = b.insert("tags", row{"name": label})
		}
		b.insert("taggings", row{"tag_id": b.tags[label], "taggable_type": kind, "taggable_id": id})
	}
}

// someLabels gives none, one or two labels of an account.
func (b *builder) someLabels(account int64, percent int) []string {
	if !b.chance(percent) {
		return nil
	}
	all := labelsOf(account)
	first := b.rng.IntN(len(all))
	if b.chance(70) {
		return all[first : first+1]
	}
	return []string{all[first], all[(first+1)%len(all)]}
}
