package masking

import (
	"errors"
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

func aliasOf(id int64) (string, error) { return fmt.Sprintf("Customer %d", id), nil }

// contact has values in clear; an error stands for one that does not open.
func contact(listed string, fields map[chat.Field]any) *chat.Contact {
	var present chat.Fields
	for f := range fields {
		present = present.With(f)
	}
	return &chat.Contact{ID: 5, AccountID: 1, ListedName: listed, AliasOf: aliasOf, Values: chat.Values{Present: present,
		Open: func(f chat.Field) (chat.PII, error) {
			if err, ok := fields[f].(error); ok {
				return "", err
			}
			return chat.PII(fields[f].(string)), nil
		}}}
}

func TestName(t *testing.T) {
	t.Parallel()
	masked := who{kind: chat.KindAgent, role: chat.Agent, flag: true, readable: true}.viewer()
	open := who{kind: chat.KindAgent, role: chat.Administrator, flag: true, readable: true}.viewer()
	fields := func(more map[chat.Field]any) map[chat.Field]any {
		all := map[chat.Field]any{chat.FieldEmail: "john.doe+x@example.com", chat.FieldPhone: "+15551234567", chat.FieldIdentifier: "crm-42"}
		for f, v := range more {
			all[f] = v
		}
		return all
	}
	for name, c := range map[string]struct {
		contact *chat.Contact
		masked  string
		open    string
	}{
		"a name":                       {contact("Inês Moura", fields(nil)), "Inês Moura", "Inês Moura"},
		"a name with digits":           {contact("R2-D2", fields(nil)), "R2-D2", "R2-D2"},
		"another":                      {contact("Area 51", fields(nil)), "Area 51", "Area 51"},
		"with an ordinal":              {contact("Jean-Luc 3rd", fields(nil)), "Jean-Luc 3rd", "Jean-Luc 3rd"},
		"blank":                        {contact("", fields(nil)), "", ""},
		"the e-mail":                   {contact("John.Doe+x@Example.com", fields(nil)), "Customer 5", "John.Doe+x@Example.com"},
		"the local part":               {contact("John.doe+x", fields(nil)), "Customer 5", "John.doe+x"},
		"the local part without a tag": {contact("john.doe", fields(nil)), "Customer 5", "john.doe"},
		"the phone":                    {contact("+1 555-123-4567", fields(nil)), "Customer 5", "+1 555-123-4567"},
		"six of its digits":            {contact("Max 551234", fields(nil)), "Customer 5", "Max 551234"},
		"the identifier":               {contact("crm-42", fields(nil)), "Customer 5", "crm-42"},
		"somebody else's address":      {contact("eve@example.org", fields(nil)), "Customer 5", "eve@example.org"},
		"sealed away":                  {contact("", fields(map[chat.Field]any{chat.FieldName: "john.doe"})), "Customer 5", "john.doe"},
		"sealed away, still listed":    {contact("Inês", fields(map[chat.Field]any{chat.FieldName: "john.doe"})), "Customer 5", "john.doe"},
		"an e-mail that does not open": {contact("Inês", fields(map[chat.Field]any{chat.FieldEmail: chat.ErrUnreadable})), "Customer 5", "Inês"},
		"a phone that does not open":   {contact("Inês", fields(map[chat.Field]any{chat.FieldPhone: chat.ErrUnreadable})), "Customer 5", "Inês"},
		"no addresses":                 {contact("john.doe", nil), "john.doe", "john.doe"},
		"no addresses, a number":       {contact("555 1234567", nil), "Customer 5", "555 1234567"},
	} {
		if got, err := Name(masked, c.contact); got != c.masked || err != nil {
			t.Errorf("%s: a masked viewer sees %q, %v", name, got, err)
		}
		if got, err := Name(open, c.contact); got != c.open || err != nil {
			t.Errorf("%s: another sees %q, %v", name, got, err)
		}
	}
	sealed := contact("", map[chat.Field]any{chat.FieldName: chat.ErrUnreadable})
	if _, err := Name(open, sealed); !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("a name that does not open: %v", err)
	}
	if got, err := Name(masked, sealed); got != "Customer 5" || err != nil {
		t.Errorf("a masked viewer needs no name that opens: %q, %v", got, err)
	}
	// Half of the scopes is not enough for a name, which may be either.
	half := who{kind: chat.KindService, role: "in the account", readable: true, scopes: []chat.Scope{chat.ScopePIIEmail}}.viewer()
	if got, err := Name(half, contact("+15551234567", fields(nil))); got != "Customer 5" || err != nil {
		t.Errorf("%q, %v", got, err)
	}
}

func TestTextAndAttributes(t *testing.T) {
	t.Parallel()
	masked := who{kind: chat.KindAgent, role: chat.Agent, flag: true, readable: true}.viewer()
	open := who{kind: chat.KindAgent, role: chat.Agent, readable: true}.viewer()
	for text, hidden := range map[string]bool{
		"": false, "Re: your order": false, "Lisboa": false, "Re: from ann@example.org": true, "call 555 123 4567": true, "?e=a%40b": true,
	} {
		if got := Text(masked, 1, &text); (got == nil) != hidden || got != nil && *got != text {
			t.Errorf("%q: a masked viewer sees %v", text, got)
		}
		if got := Text(open, 1, &text); got == nil || *got != text {
			t.Errorf("%q: another sees %v", text, got)
		}
	}
	if Text(masked, 1, nil) != nil || Text(open, 1, nil) != nil {
		t.Error("no text became one")
	}
	list := []*chat.CustomAttribute{{Key: "plan"}, {Key: "ann@example.org"}, {Key: "tel 5551234567"}, {Key: "tier 2"}}
	if got := Attributes(masked, 1, list); len(got) != 2 || got[0].Key != "plan" || got[1].Key != "tier 2" || len(list) != 4 {
		t.Errorf("a masked viewer sees %d attributes", len(got))
	}
	if got := Attributes(open, 1, list); len(got) != 4 {
		t.Errorf("another sees %d attributes", len(got))
	}
	if got := Attributes(masked, 1, nil); len(got) != 0 {
		t.Errorf("%v", got)
	}
}
