package vault

import (
	"errors"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// ask says which contacts are candidates. A text that holds an address is no part of a listed name of a sealed account, and
// so not bound: a parameter of a statement is a place where a plaintext could be read.
func (s *contactSearch) ask(scans bool) error {
	text := s.Query.Text.Reveal()
	if holds := chat.TextHoldsAddress(text); !holds || !s.source.Sealed && s.Query.Parts[chat.Name] {
		s.candidates.Name = store.LikePattern(text, false)
		s.candidates.ListedOnly = !s.Query.Parts[chat.Name]
	}
	if !s.source.Sealed {
		s.askPlain(text)
	} else if err := s.askSealed(text, scans); err != nil {
		return err
	}
	switch {
	case !s.source.SealedAttributes:
		if s.seesCompany(text) {
			s.candidates.Company = store.LikePattern(text, len([]rune(text)) < 3)
		}
	case !scans && s.seesCompany(text):
		return s.tokensOf(keyring.FieldProfile, search.Needle(text))
	}
	return nil
}

// askPlain asks Chatwoot's own columns, as Chatwoot does. Its phone numbers have nothing between their digits.
func (s *contactSearch) askPlain(text string) {
	parts, few := s.Query.Parts, len([]rune(text)) < 3
	if parts[chat.Email] {
		s.candidates.Email = store.LikePattern(text, few)
	}
	if parts[chat.Identifier] {
		s.candidates.Identifier = store.LikePattern(text, few)
	}
	if parts[chat.Phone] {
		if digits, dialled := chat.Dialled(text); dialled {
			s.candidates.Phone = store.LikePattern(digits, false)
		} else {
			s.candidates.Phone = store.LikePattern(text, few)
		}
	}
}

func (s *contactSearch) askSealed(text string, scans bool) (err error) {
	if s.candidates.Tags, err = s.tagsOf(text); err != nil || scans {
		return err
	}
	for _, p := range []struct {
		kind  chat.Kind
		field keyring.Field
		parts []string
	}{
		{chat.Email, keyring.FieldEmail, search.Needle(text)}, {chat.Phone, keyring.FieldPhoneNumber, search.PhoneNeedle(text)},
		{chat.Identifier, keyring.FieldIdentifier, search.Needle(text)}, {chat.Name, keyring.FieldName, search.Needle(text)},
	} {
		if s.Query.Parts[p.kind] {
			if err := s.tokensOf(p.field, p.parts); err != nil {
				return err
			}
		}
	}
	return nil
}

// seesCompany says that the viewer may find companies by a text: one that holds an address is in none that they see.
func (s *contactSearch) seesCompany(text string) bool {
	return s.Query.Parts[chat.Attribute] || !chat.TextHoldsAddress(text)
}

// matches says that the viewer may find a contact by the text.
func (s *contactSearch) matches(row *store.FoundContact) bool {
	if s.lacksTwin(row) {
		return s.matchesName(row.Contact)
	}
	for _, f := range addressFields {
		if s.matchesPart(row.Contact, f) {
			return true
		}
	}
	for _, f := range s.Query.Whole {
		if s.matchesWhole(row.Contact, f) {
			return true
		}
	}
	return s.matchesName(row.Contact) || s.matchesCompany(row)
}

// lacksTwin says that a contact's values are missing. Of many the first are put on record: each is a fault, and all of an
// account's would fill the trail.
func (s *contactSearch) lacksTwin(row *store.FoundContact) bool {
	if (!s.source.Sealed || row.Record != nil) && (!s.source.SealedAttributes || row.Profile != nil) {
		return false
	}
	if s.twinless++; s.twinless <= searchReports && !s.unsure {
		_ = s.vault.unreadable(s.ctx, s.id, contactKey(row.Contact), chat.FieldEmail, errMissing) // what is missing is found by nothing
	}
	return true
}

func (s *contactSearch) matchesPart(c *chat.Contact, f chat.Field) bool {
	if !s.Query.Parts[lookupKinds[f]] {
		return false
	}
	value, ok := s.value(c.Values, f)
	if !ok {
		return false
	}
	switch f {
	case chat.FieldPhone:
		return search.PhoneHolds(value.Reveal(), s.Query.Text.Reveal())
	case chat.FieldIdentifier:
		return search.HoldsExactly(value.Reveal(), s.Query.Text.Reveal())
	default:
		return search.Holds(value.Reveal(), s.Query.Text.Reveal())
	}
}

func (s *contactSearch) matchesWhole(c *chat.Contact, f chat.Field) bool {
	value, ok := s.value(c.Values, f)
	return ok && Normalise(f, value.Reveal()) == Normalise(f, s.Query.Text.Reveal())
}

// matchesName looks in the name: anywhere in one that is listed, and in one that is an address as in an address.
func (s *contactSearch) matchesName(c *chat.Contact) bool {
	text := s.Query.Text.Reveal()
	if strings.Contains(strings.ToLower(c.ListedName), strings.ToLower(text)) && masking.NameIsListed(c) {
		return true
	}
	if !s.Query.Parts[chat.Name] {
		return false
	}
	if !c.Values.Present.Has(chat.FieldName) {
		return search.Holds(c.ListedName, text)
	}
	name, ok := s.value(c.Values, chat.FieldName)
	return ok && search.Holds(name.Reveal(), text)
}

func (s *contactSearch) matchesCompany(row *store.FoundContact) bool {
	profile, ok := s.value(s.values(contactAttributesKey(row.Contact), row.Profile), chat.FieldProfile)
	if !ok {
		return false
	}
	company := companyIn(profile)
	return search.Holds(company, s.Query.Text.Reveal()) && (s.Query.Parts[chat.Attribute] || !chat.TextHoldsAddress(company))
}

// value opens a value. One that does not open is on record, and no match.
func (s *contactSearch) value(values chat.Values, f chat.Field) (chat.PII, bool) {
	p, err := values.Get(f)
	if errors.Is(err, chat.ErrUnreadable) {
		s.unopened++
	}
	if p == nil || err != nil {
		return "", false
	}
	return *p, true
}
