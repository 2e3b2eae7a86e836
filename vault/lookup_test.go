package vault

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestNormalise(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field       chat.Field
		value, want string
	}{
		{chat.FieldEmail, "Ann@Example.COM", "ann@example.com"},
		{chat.FieldEmail, "  ann@example.com\n", "ann@example.com"},
		{chat.FieldEmail, "ann+tag@example.com", "ann+tag@example.com"},
		{chat.FieldPhone, "+15551234567", "+15551234567"},
		{chat.FieldPhone, "15551234567", "+15551234567"},
		{chat.FieldPhone, "+1 (555) 123-45.67", "+15551234567"},
		{chat.FieldPhone, "\u00a0+1\t555 123 4567 ", "+15551234567"},
		{chat.FieldPhone, "++1 555 1234567", "+15551234567"},
		{chat.FieldIdentifier, " CRM-42 ", " CRM-42 "},
		{chat.FieldIdentifier, "Ann@Example.com", "Ann@Example.com"},
	} {
		if got := Normalise(c.field, c.value); got != c.want {
			t.Errorf("%s %q: %q, want %q", fieldNames[c.field], c.value, got, c.want)
		}
		if again := Normalise(c.field, c.want); again != c.want {
			t.Errorf("%s %q: %q the second time", fieldNames[c.field], c.want, again)
		}
	}
}

// TestLookupContact asks a sealed and a plain account the same: both answer alike, in one statement for hit and miss.
func TestLookupContact(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	sealed := r.account(schema.Acme)
	for state, account := range map[string]*chat.Account{"sealed": sealed, "plain": plainly(sealed)} {
		email, phone, identifier := plainValue(r, everything, "email"), plainValue(r, everything, "phone_number"), plainValue(r, everything, "identifier")
		shared := plainValue(r, schema.ContactWithSharedPhone, "phone_number")
		for name, c := range map[string]struct {
			field chat.Field
			value string
			want  int64 // 0: nobody
		}{
			"e-mail":                      {chat.FieldEmail, email, everything},
			"e-mail as people type it":    {chat.FieldEmail, " " + strings.ToUpper(email) + " ", everything},
			"phone":                       {chat.FieldPhone, phone, everything},
			"phone as people type it":     {chat.FieldPhone, " " + phone[:2] + " (" + phone[2:5] + ") " + phone[5:], everything},
			"phone without plus":          {chat.FieldPhone, phone[1:], everything},
			"identifier":                  {chat.FieldIdentifier, identifier, everything},
			"the older of two":            {chat.FieldPhone, shared, schema.ContactWithSharedPhone},
			"e-mails that differ in case": {chat.FieldEmail, plainValue(r, schema.ContactWithLowerCaseTwin, "email"), schema.ContactWithUpperCaseEmail},
			"part of an e-mail":           {chat.FieldEmail, email[:len(email)-1], 0},
			"part of a phone":             {chat.FieldPhone, phone[:len(phone)-1], 0},
			"an e-mail as identifier":     {chat.FieldIdentifier, email, 0},
			"an identifier as e-mail":     {chat.FieldEmail, identifier, 0},
			"a pattern":                   {chat.FieldEmail, "%", 0},
			"nobody's":                    {chat.FieldEmail, "nobody@nowhere.example", 0},
		} {
			ctx, count := store.WithCount(t.Context())
			contact, err := r.LookupContact(ctx, account, LookupField{Field: c.field, Value: chat.PII(c.value)})
			switch {
			case c.want == 0 && !errors.Is(err, chat.ErrNotFound):
				t.Errorf("%s, %s: %v, %v", state, name, contact, err)
			case c.want != 0 && (err != nil || contact.ID != c.want):
				t.Errorf("%s, %s: %v, %v", state, name, contact, err)
			}
			if n := count.Statements.Load(); n > 3 { // one, and the keys and the epochs when they are read for the first time
				t.Errorf("%s, %s: %d statements", state, name, n)
			}
		}
	}
}

func TestFindContactAndAlias(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	aliases := map[string]bool{}
	for _, id := range []int64{1, 4, 7, 13} {
		c, err := r.FindContact(t.Context(), acme, id)
		if err != nil {
			t.Fatal(err)
		}
		if got, want := show(c.Email()), plainValue(r, id, "email"); got != want && want != "" {
			t.Errorf("contact %d: %q, want %q", id, got, want)
		}
		one, err := c.Alias()
		again, _ := r.contacts(acme, id)[0].Alias()
		if err != nil || one != again || !strings.HasPrefix(one, "Customer ") || aliases[one] {
			t.Errorf("contact %d: alias %q, then %q, %v", id, one, again, err)
		}
		aliases[one] = true
	}
	for _, id := range []int64{0, -1, 999_999, schema.ContactDeleted, schema.ContactOfBorealis} {
		if c, err := r.FindContact(t.Context(), acme, id); !errors.Is(err, chat.ErrNotFound) || c != nil {
			t.Errorf("contact %d: %v, %v", id, c, err)
		}
	}
	gone, err := r.DeletedContact(t.Context(), schema.Acme, schema.ContactDeleted)
	if err != nil || !strings.HasPrefix(gone.ListedName, "Customer ") {
		t.Errorf("%+v, %v", gone, err)
	}
	if p, err := gone.Email(); p != nil || err != nil {
		t.Errorf("a contact that is gone has e-mail %v, %v", p, err)
	}
}

func TestContactInboxesOf(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	list, err := r.ContactInboxesOf(t.Context(), r.account(schema.Acme), []int64{1, 4, 13}, storetest.DemoTime)
	if err != nil || len(list) < 5 {
		t.Fatalf("%d addresses, %v", len(list), err)
	}
	for _, ci := range list {
		want := storetest.Value[string](t, r.store, `SELECT source_id FROM contact_inboxes WHERE id = $1`, ci.ID)
		if got := show(ci.SourceID()); got != want {
			t.Errorf("contact inbox %d: %q, want %q", ci.ID, got, want)
		}
	}
	if list, err := r.ContactInboxesOf(t.Context(), r.account(schema.Borealis), []int64{1, 4}, time.Now()); err != nil || len(list) != 0 {
		t.Errorf("another account's contacts have %d addresses, %v", len(list), err)
	}
}

func TestCursors(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	at := storetest.DemoTime
	position := &chat.Position{Time: &at, ID: 77}
	list := r.Cursors(schema.Acme, "conversations/LAST_ACTIVITY_AT/DESC")
	cursor, err := list.Seal(t.Context(), position)
	if err != nil {
		t.Fatal(err)
	}
	got, err := list.Open(t.Context(), "after", cursor)
	if err != nil || got.ID != 77 || !got.Time.Equal(at) {
		t.Errorf("%+v, %v", got, err)
	}
	name := "ann@customer.example"
	named, err := list.Seal(t.Context(), &chat.Position{Text: &name, ID: 1})
	if err != nil || strings.Contains(named, "ann") {
		t.Errorf("%s, %v", named, err)
	}
	if again, _ := list.Seal(t.Context(), position); again == cursor {
		t.Error("two cursors of one place are equal")
	}
	refused := func(what string, c Cursors, cursor string) {
		t.Helper()
		_, err := c.Open(t.Context(), "after", cursor)
		var e *chat.Error
		if !errors.As(err, &e) || e.Code != chat.Invalid || e.Field != "after" || len(cursor) > 8 && strings.Contains(err.Error(), cursor) {
			t.Errorf("%s: %v", what, err)
		}
	}
	refused("another account", r.Cursors(schema.Borealis, "conversations/LAST_ACTIVITY_AT/DESC"), cursor)
	refused("another list", r.Cursors(schema.Acme, "contacts/LAST_ACTIVITY_AT/DESC"), cursor)
	refused("another order", r.Cursors(schema.Acme, "conversations/CREATED_AT/DESC"), cursor)
	refused("another direction", r.Cursors(schema.Acme, "conversations/LAST_ACTIVITY_AT/ASC"), cursor)
	for _, bad := range []string{"", "x", "AAAA", cursor[1:], cursor[:len(cursor)-4], cursor + "AAAA", cursor + "=", "not base64!", strings.Repeat("A", 10_000)} {
		refused("a broken cursor", list, bad)
	}
}
