package vault

import (
	"regexp"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// find resolves the comparisons of sealed values: by tags that the list's own statement joins, by opening what an index
// leads to, and for the rest by opening all rows that pass what else narrows the list, once for all of them.
func (f *filtering) find() error {
	f.pending = make(map[*chat.Comparison]bool)
	for _, list := range f.lists {
		for _, c := range list {
			if f.sealed(c) {
				f.pending[c] = true
			}
		}
	}
	if len(f.pending) == 0 {
		return nil
	}
	var err error
	if f.reader, err = f.vault.reader(f.ctx, f.account); err != nil {
		return err
	}
	var rest []*chat.Comparison
	for _, list := range f.lists {
		for _, c := range list {
			if !f.pending[c] {
				continue
			}
			found, err := f.byIndex(c)
			if err != nil {
				return err
			}
			if !found {
				rest = append(rest, c)
			}
		}
	}
	if len(rest) == 0 {
		return nil
	}
	return f.byOpening(rest)
}

// settle puts the rows that were found in place of the operand, which nothing may bind from here on. A name's stays for
// the names that are listed, unless it looks like what is sealed away.
func (f *filtering) settle(c *chat.Comparison, found *chat.Found) {
	c.Found = found
	if c.Attribute != chat.ByName || slices.ContainsFunc(c.Values, operandIsAddress) {
		c.Values = nil
	}
	delete(f.pending, c)
}

// byIndex resolves a comparison by an index where there is one for it.
func (f *filtering) byIndex(c *chat.Comparison) (found bool, err error) {
	if c.Attribute == chat.ByName && c.Shown { // a name that is sealed away is not shown
		f.settle(c, &chat.Found{})
		return true, nil
	}
	except := negations[c.Operator] != ""
	tags, exact, err := f.attributeTags(c)
	if err != nil {
		return false, err
	}
	if exact {
		f.settle(c, &chat.Found{AccountID: f.account.ID, Tags: tags, Except: except})
		return true, nil
	}
	from := &store.FilterCandidates{Key: c.Key, Tags: tags}
	if tags == nil {
		if from, err = f.candidates(c, except); from == nil || err != nil {
			return false, err
		}
	} else if at := sealedFields[c.Attribute]; at.key != "" {
		from.Key = at.key
	}
	holding := *c // of candidates it is asked which hold the value, whether those or the others are meant
	if except {
		holding.Operator = negations[c.Operator]
	}
	rows, err := f.open([]*chat.Comparison{&holding}, from)
	if err != nil {
		return false, err
	}
	f.settle(c, &chat.Found{IDs: rowsPassing(rows, &holding), Except: except})
	return true, nil
}

// negations are the operators that ask for the others.
var negations = map[chat.FilterOperator]chat.FilterOperator{chat.NotEqualTo: chat.EqualTo, chat.DoesNotContain: chat.Contains}

// attributeTags are the tags of whole values of a searchable attribute, nil where it has none to go by. exact says that
// they are all there is to know: not where a profile's own city lies under the same key, and not where a masked viewer may
// be shown some of the equal values and others not, because numbers and days can be written in several ways.
func (f *filtering) attributeTags(c *chat.Comparison) (tags []chat.AttributeTag, exact bool, err error) {
	at := sealedFields[c.Attribute]
	key, t := c.Key, c.Type
	profile := at.field == chat.FieldProfile
	if profile {
		key, t = at.key, chat.AttributeText
	}
	whole := c.Operator == chat.EqualTo || c.Operator == chat.NotEqualTo && !profile // a profile without a city is not in any other
	if !whole || key == "" || at.field == chat.FieldAdditionalAttributes || !f.account.Settings.Search.Attribute(f.model, key).Findable(t) {
		return nil, false, nil
	}
	tags = []chat.AttributeTag{}
	exact = !c.Shown || !isTyped(t)
	for _, value := range c.Values {
		exact = exact && !(c.Shown && chat.TextHoldsAddress(value.Reveal()))
		kind, canonical, ok := search.CanonicalOperand(t, value.Reveal())
		if !ok {
			continue
		}
		for _, generation := range f.reader.account.IndexGenerations() {
			tag, err := f.reader.account.AttributeTag(generation, string(f.model), key, kind, canonical)
			if err != nil {
				return nil, false, err
			}
			tags = append(tags, chat.AttributeTag{Generation: generation, Tag: tag})
		}
	}
	shared := f.model == chat.ContactAttributes && slices.Contains(chat.ProfileAttributes, key)
	return tags, exact && !shared, nil
}

// isTyped says that equal values of a type need not be the same text but for case.
func isTyped(t chat.AttributeType) bool {
	return t != chat.AttributeText && t != chat.AttributeLink && t != chat.AttributeList
}

// candidates are where to look for the contacts that hold an address, a name or a company; nil is everywhere.
func (f *filtering) candidates(c *chat.Comparison, except bool) (*store.FilterCandidates, error) {
	if f.model != chat.ContactAttributes || len(c.Values) == 0 {
		return nil, nil
	}
	at, keys, value := sealedFields[c.Attribute], f.reader.account, c.Values[0].Reveal()
	whole := c.Operator == chat.EqualTo || c.Operator == chat.NotEqualTo
	if field, tagged := tagFields[at.field]; tagged && whole && (at.field == chat.FieldEmail || strings.ToUpper(value) == strings.ToLower(value)) {
		// Phone numbers and identifiers have tags of their letters as they are, and are compared in any case.
		tag, err := keys.Tag(field, []byte(Normalise(at.field, value)))
		if err != nil {
			return nil, err
		}
		return &store.FilterCandidates{Lookup: &store.LookupTag{Field: int16(field), Generation: keys.IndexGeneration(), Tag: tag}}, nil
	}
	settings := f.account.Settings.Search
	field, parted := partedFields[c.Attribute]
	if settings.Mode != chat.SearchByTokens || !settings.ContactsIndexed || !parted || except && c.Attribute == chat.ByCompany {
		return nil, nil
	}
	lists, err := contactTokens(keys, field, partsAsked(c.Attribute, value, whole))
	if err != nil || len(lists) == 0 {
		return nil, err
	}
	return &store.FilterCandidates{Tokens: lists}, nil
}

// partedFields have tokens of their parts.
var partedFields = map[chat.FilterAttribute]keyring.Field{
	chat.ByEmail: keyring.FieldEmail, chat.ByPhone: keyring.FieldPhoneNumber, chat.ByIdentifier: keyring.FieldIdentifier,
	chat.ByName: keyring.FieldName, chat.ByCompany: keyring.FieldProfile,
}

// partsAsked are the parts that every value has which passes.
func partsAsked(a chat.FilterAttribute, value string, whole bool) []string {
	stretches := []string{value}
	if !whole {
		stretches = search.Stretches(value)
	}
	var parts []string
	for _, s := range stretches {
		if a == chat.ByPhone { // whatever else a number is written with, its digits have parts
			s = chat.Digits(s)
		}
		if len([]rune(s)) >= 3 {
			parts = append(parts, search.Needle(s)...)
		}
	}
	slices.Sort(parts)
	return slices.Compact(parts)
}

var encodedAddress = regexp.MustCompile(`[^\s%_]+%40[^\s%_]+\.[^\s%_]{2}`)

// operandIsAddress says that an operand looks like an address, which no listed name does. Between the wildcards of a
// pattern it is 40 that stands after a %.
func operandIsAddress(operand chat.PII) bool {
	text := operand.Reveal()
	return chat.TextHoldsAddress(strings.ReplaceAll(text, "%", " % ")) || encodedAddress.MatchString(text)
}
