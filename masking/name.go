package masking

import "github.com/cloakroom/cloakroom/chat"

// Name is the name of a contact as the viewer may see it: the true name, or the alias where names are hidden
// and this one is an address. A name whose addresses cannot be opened for the comparison is hidden as well.
func Name(v *chat.Viewer, c *chat.Contact) (string, error) {
	if Decide(v, c.AccountID, chat.Name) == Show {
		return c.FullName()
	}
	if !NameIsListed(c) {
		return c.Alias()
	}
	return c.ListedName, nil
}

// NameIsListed says that a contact's listed name is its name and no address: whoever sees the contact sees it.
func NameIsListed(c *chat.Contact) bool {
	if c.Values.Present.Has(chat.FieldName) || chat.NameIsAddress(c.ListedName) {
		return false
	}
	for _, f := range []chat.Field{chat.FieldEmail, chat.FieldPhone, chat.FieldIdentifier} {
		own, err := c.Values.Get(f)
		if err != nil || own != nil && chat.NameIsAddress(c.ListedName, own.Reveal()) {
			return false
		}
	}
	return true
}

// Text is a short text around the history, such as a subject, a file name or a city, as the viewer may see
// it: nil where addresses are hidden from them and it looks as if it holds one. It is never edited.
func Text(v *chat.Viewer, accountID int64, text *string) *string {
	if text == nil || Decide(v, accountID, chat.Attribute) == Show || !chat.TextHoldsAddress(*text) {
		return text
	}
	return nil
}
