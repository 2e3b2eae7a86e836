package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

type changes = map[chat.Field]*chat.PII

func to(s string) *chat.PII {
	p := chat.PII(s)
	return &p
}

func (r *replica) put(id int64, change changes) {
	r.t.Helper()
	if err := r.PutContact(r.t.Context(), r.account(schema.Acme), id, change); err != nil {
		r.t.Errorf("change contact %d: %v", id, err)
	}
}

// whole gives every value of a contact as the next request would show it, its true name included.
func (r *replica) whole(id int64) map[string]string {
	r.t.Helper()
	c := r.contacts(r.account(schema.Acme), id)[0]
	c.ListedName = plainValue(r, id, "name")
	rows := Rows{Contacts: []*chat.Contact{c}, ContactAttributes: []*chat.Contact{c}}
	return values(r.t, rows)
}

func TestPutContact(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	want := r.whole(everything)
	name := func(f string) string { return fmt.Sprintf("contact %d %s", everything, f) }
	r.put(everything, changes{chat.FieldEmail: to("new.address@example.org"), chat.FieldIdentifier: nil})
	want[name("email")] = "new.address@example.org"
	delete(want, name("identifier"))
	if diff := cmp.Diff(want, r.whole(everything)); diff != "" {
		t.Error(diff)
	}
	r.put(everything, changes{chat.FieldProfile: to(`{"city":"Porto"}`), chat.FieldCustomAttributes: to(`{}`), chat.FieldPhone: to("")})
	want[fmt.Sprintf("contact_attributes %d profile", everything)] = `{"city":"Porto"}`
	delete(want, fmt.Sprintf("contact_attributes %d custom_attributes", everything))
	delete(want, name("phone_number"))
	if diff := cmp.Diff(want, r.whole(everything)); diff != "" {
		t.Error(diff)
	}
	if v := storetest.Value[int64](t, r.store, `SELECT row_version FROM cloakroom.contacts WHERE account_id = 1 AND contact_id = $1`, everything); v != 3 {
		t.Errorf("row version %d after two changes", v)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM contacts WHERE email LIKE 'new.address%'`); n != 0 {
		t.Error("the new address stands in Chatwoot's column")
	}
	if n := r.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values did not open", n)
	}
}

func TestPutContactFindsNewAddressesAndNoOldOnes(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	find := func(f chat.Field, value string) string {
		c, err := r.LookupContact(t.Context(), r.account(schema.Acme), LookupField{Field: f, Value: chat.PII(value)})
		if err != nil {
			return string(chat.CodeOf(err))
		}
		return chat.FormatID(c.ID)
	}
	oldEmail, phone, identifier := plainValue(r, everything, "email"), plainValue(r, everything, "phone_number"), plainValue(r, everything, "identifier")
	r.put(everything, changes{chat.FieldEmail: to("Moved@Example.org")})
	for _, c := range []struct {
		f     chat.Field
		value string
		want  string
	}{
		{chat.FieldEmail, oldEmail, "NOT_FOUND"}, {chat.FieldEmail, " moved@example.ORG", "1"},
		{chat.FieldPhone, phone, "1"}, {chat.FieldIdentifier, identifier, "1"},
	} {
		if got := find(c.f, c.value); got != c.want {
			t.Errorf("by %s: %s, want %s", fieldNames[c.f], got, c.want)
		}
	}
	r.put(everything, changes{chat.FieldEmail: nil, chat.FieldPhone: nil, chat.FieldIdentifier: nil})
	if got := find(chat.FieldEmail, "moved@example.org") + find(chat.FieldPhone, phone) + find(chat.FieldIdentifier, identifier); got != strings.Repeat("NOT_FOUND", 3) {
		t.Error(got)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.lookup_tags WHERE account_id = 1 AND contact_id = $1`, everything); n != 0 {
		t.Errorf("%d tags are left", n)
	}
}

// TestPutContactName follows the rule of sealing: a name is sealed away when it is an address, and until another is
// written: without the address it is the part of, it would tell what that was.
func TestPutContactName(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for i, step := range []struct {
		change changes
		listed string
		full   string
	}{
		{changes{chat.FieldName: to("Inês Moura")}, "Inês Moura", "Inês Moura"},
		{changes{chat.FieldEmail: to("inês moura@example.org")}, "", "Inês Moura"}, // the local part of an address now
		{changes{chat.FieldCustomAttributes: nil}, "", "Inês Moura"},
		{changes{chat.FieldEmail: to("other@example.org")}, "", "Inês Moura"},
		{changes{chat.FieldEmail: nil}, "", "Inês Moura"},
		{changes{chat.FieldName: to("Inês Moura")}, "Inês Moura", "Inês Moura"},
		{changes{chat.FieldName: to("+1 555-201-0001")}, "", "+1 555-201-0001"},
		{changes{chat.FieldName: to("Inês")}, "Inês", "Inês"},
		{changes{chat.FieldName: nil}, "", ""},
	} {
		r.put(everything, step.change)
		c := r.contacts(r.account(schema.Acme), everything)[0]
		c.ListedName = plainValue(r, everything, "name")
		full, err := c.FullName()
		if c.ListedName != step.listed || full != step.full || err != nil {
			t.Errorf("step %d: listed %q, full %q, %v", i, c.ListedName, full, err)
		}
	}
	// While plain columns are kept beside the sealed ones, a name that was sealed away is left as Chatwoot has it.
	account := r.account(schema.Acme)
	account.Settings.Phases[chat.Contacts] = chat.ReadSealed
	const other = schema.ContactNamedByEmail
	before := plainValue(r, other, "name")
	if err := r.PutContact(t.Context(), account, other, changes{chat.FieldCustomAttributes: nil}); err != nil {
		t.Fatal(err)
	}
	if after := plainValue(r, other, "name"); after != before || before == "" {
		t.Errorf("listed %q, then %q", before, after)
	}
}

func TestPutContactRefuses(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	const mail = "nobody@example.org"
	for name, c := range map[string]struct {
		account *chat.Account
		id      int64
		change  changes
		code    chat.Code
	}{
		"an unknown contact":           {acme, 999_999, changes{chat.FieldEmail: to(mail)}, chat.NotFound},
		"another account's contact":    {acme, schema.ContactOfBorealis, changes{chat.FieldEmail: to(mail)}, chat.NotFound},
		"an account in clear":          {r.account(schema.Borealis), schema.ContactOfBorealis, changes{chat.FieldEmail: to(mail)}, chat.Invalid},
		"a field of a message":         {acme, everything, changes{chat.FieldContent: to(mail)}, chat.Internal},
		"a profile that is no object":  {acme, everything, changes{chat.FieldProfile: to(`["` + mail + `"]`)}, chat.Internal},
		"attributes that are not JSON": {acme, everything, changes{chat.FieldCustomAttributes: to(mail)}, chat.Internal},
	} {
		err := r.PutContact(t.Context(), c.account, c.id, c.change)
		if err == nil || chat.CodeOf(err) != c.code || strings.Contains(err.Error(), "nobody") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v := storetest.Value[int64](t, r.store, `SELECT max(row_version) FROM cloakroom.contacts`); v != 1 {
		t.Errorf("row version %d after changes that were refused", v)
	}
}

// TestPutContactOverBroken: a value that does not open stops a change that would keep it, not one that replaces it.
func TestPutContactOverBroken(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = '\x0102' WHERE account_id = 1 AND contact_id = $1`, everything)
	before := r.whole(everything)
	err := r.PutContact(t.Context(), r.account(schema.Acme), everything, changes{chat.FieldPhone: to("+351912345678")})
	if !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, r.whole(everything)); diff != "" {
		t.Errorf("a change that failed left a trace: %s", diff)
	}
	r.put(everything, changes{chat.FieldEmail: to("fresh@example.org")})
	if got := r.email(everything); got != "fresh@example.org" {
		t.Error(got)
	}
}
