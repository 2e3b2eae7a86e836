package leaktest

import (
	"slices"
	"strconv"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// Values are what random documents give as arguments, so that most of them hit rows that are there. A list that is
// empty is replaced by made-up values.
type Values struct {
	Accounts, Contacts, Conversations, Users, Inboxes, Teams []string // numbers; of conversations the display ids
	Emails, Phones, Identifiers, Labels, Cursors             []string
}

// DemoValues gives the values of the demo's account 1, and ids of the other account's now and then.
func DemoValues(demo schema.Data) Values {
	v := Values{
		Accounts: append(slices.Repeat([]string{"1"}, 19), "2"),
		Contacts: append(numbers(1, 90), "262", "271", "301"), Conversations: append(numbers(1, 90), "251", "358", "360"),
		Users: numbers(1, 8), Inboxes: numbers(1, 8), Teams: numbers(1, 3),
	}
	for _, c := range demo.Canaries() {
		list := map[string]*[]string{
			"P01 contacts.email": &v.Emails, "P02 contacts.phone_number": &v.Phones,
			"P03 contacts.identifier": &v.Identifiers, "P10 contact_inboxes.source_id": &v.Identifiers,
		}[c.Carrier]
		if list != nil && (c.AccountID == schema.Acme || len(*list)%50 == 49) {
			*list = append(*list, c.Value)
		}
	}
	v.Labels = []string{"billing", "shipping", "returns", "vip", "bug", "lead_hot", "Wholesale"}
	return v
}

func numbers(from, to int) []string {
	var list []string
	for n := from; n <= to; n++ {
		list = append(list, strconv.Itoa(n))
	}
	return list
}

// madeUp stands where nothing is known.
var madeUp = []string{"0", "-1", "999999", "07", "", "x", "nobody@example.invalid", "ünï ✓", "\"quoted\"\\", "line\nline"}

// What is searched for beside addresses: names, words, phrases, and parts of addresses.
var searched = []string{"ines", "moura", "order", "\"your order\"", "refund invoice", "the", "example.com", "@", "+1555", "001", "%", "a_b", "ü", "客户", "acme"}

// What conditions compare with beside addresses.
var compared = []string{"open", "all", "1", "3", "true", "false", "2026-01-31", "30", "gold", "%a%", "_", "example", "+1", "de"}

// The keys of the demo's custom attributes, and one that nobody has defined.
var attributeKeys = []string{"plan", "orders", "newsletter", "score", "city", "nobody_defined_this"}

// list gives what an argument or input field is filled from, by its name and by the type it belongs to.
func (v Values) list(owner, name string) []string {
	switch name {
	case "accountId":
		return v.Accounts
	case "displayId":
		return v.Conversations
	case "agentId", "assigneeId":
		return v.Users
	case "inboxId":
		return v.Inboxes
	case "teamId":
		return v.Teams
	case "email":
		return v.Emails
	case "phoneNumber":
		return v.Phones
	case "identifier":
		return v.Identifiers
	case "labels":
		return v.Labels
	case "after", "before":
		return v.Cursors
	case "id":
		if owner == "Account" {
			return v.Contacts
		}
		return v.Accounts
	case "name":
		return []string{"contact_pii_masking"}
	case "contactId", "baseContactId", "mergeeContactId":
		return v.Contacts
	case "query":
		return slices.Concat(v.Emails, v.Phones, v.Identifiers, searched)
	case "values":
		return slices.Concat(v.Emails, v.Phones, v.Labels, compared)
	case "customAttribute", "key":
		return attributeKeys
	case "reason":
		return []string{"as agreed", "asked for by the account's owner"}
	}
	return nil
}
