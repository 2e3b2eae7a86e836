package resolvers_test

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const (
	contactOne = `query { account(id: "1") { contact(id: "1") { id alias name email emailState phoneNumber phoneState identifier identifierState labels
 customAttributes { key value } additionalAttributes { city socialProfiles { key value } others { key value } }
 contactInboxes { sourceId sourceIdState } notes { content }
 conversations(first: 8) { nodes { displayId customAttributes { key value } lastMessage { content }
  messages(first: 20) { nodes { content email { subject from to } attachments { fileName title meta { key value } } } } } } } } }`
	eraseOne = `mutation { eraseContact(input: {accountId: "1", contactId: "1", reason: "asked for by the customer"}) { erasure { contactId erasedAt verifiedAt } } }`
)

// valuesIn are the texts of an answer that say something of a contact, by the names of their fields.
func valuesIn(body any, under string, found map[string]bool) {
	switch v := body.(type) {
	case map[string]any:
		for key, inner := range v {
			valuesIn(inner, key, found)
		}
	case []any:
		for _, inner := range v {
			valuesIn(inner, under, found)
		}
	case string:
		switch under {
		case "email", "phoneNumber", "identifier", "value", "sourceId", "content", "subject", "from", "to", "fileName", "title":
			if len(v) >= 12 {
				found[v] = true
			}
		}
	}
}

// TestErasedFromAnswers erases a contact on one replica while others hold it in their caches: once the mutation is
// answered, nobody is shown anything of it by any replica, and what is shown is absence.
func TestErasedFromAnswers(t *testing.T) {
	t.Parallel()
	here := newEdge(t)
	there := newReplica(t, here.store, here.redis)
	found := make(map[string]bool)
	for _, e := range []*edge{here, there} {
		before := e.ask(t, "exempt", contactOne, nil)
		if bytes.Contains(before.body, []byte(`"errors"`)) {
			t.Fatalf("%.500s", before.body)
		}
		var body any
		decode(t, before.body, &body)
		valuesIn(body, "", found)
		e.vault.Settle()
	}
	if len(found) < 40 {
		t.Fatalf("only %d values of the contact are shown before", len(found))
	}
	answer := here.ask(t, "admin", eraseOne, nil)
	var out struct {
		Data struct {
			EraseContact struct {
				Erasure struct {
					ContactID  string     `json:"contactId"`
					ErasedAt   time.Time  `json:"erasedAt"`
					VerifiedAt *time.Time `json:"verifiedAt"`
				}
			}
		}
	}
	decode(t, answer.body, &out)
	if e := out.Data.EraseContact.Erasure; e.ContactID != "1" || time.Since(e.ErasedAt).Abs() > time.Hour || e.VerifiedAt != nil {
		t.Fatalf("%s", answer.body)
	}
	for _, e := range []*edge{here, there} {
		for _, viewer := range []string{"masked", "exempt", "admin", "pii-service", "root", "everything"} {
			text := e.ask(t, viewer, contactOne, nil).body
			for value := range found {
				if bytes.Contains(text, []byte(value)) {
					t.Errorf("%s is still shown %q", viewer, value)
				}
			}
			if bytes.Contains(text, []byte(chat.SealedUnreadable)) {
				t.Errorf("%s is told of a failure: %.300s", viewer, text)
			}
		}
		shown := string(e.ask(t, "exempt", contactOne, nil).body)
		for _, want := range []string{`"name":"Customer `, `"email":null,"emailState":"ABSENT"`, `"phoneNumber":null,"phoneState":"ABSENT"`, `"content":null`} {
			if !strings.Contains(shown, want) {
				t.Errorf("%s is not in what is shown: %.600s", want, shown)
			}
		}
	}
	if n := storetest.Value[int64](t, here.store, `SELECT count(*) FROM cloakroom.audit_entries WHERE action = $1`, string(chat.SealedUnreadableHit)); n != 0 {
		t.Errorf("%d entries say that something was unreadable", n)
	}
}

// TestErasingIsRefused: who administers another account erases nothing here, and that is on record.
func TestErasingIsRefused(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	refused := 0
	for _, viewer := range []string{"masked", "exempt", "pii-service", "everything", "stranger"} {
		answer := e.ask(t, viewer, eraseOne, nil)
		if !bytes.Contains(answer.body, []byte(`"FORBIDDEN"`)) {
			t.Errorf("%s: %s", viewer, answer.body)
		}
		refused++
	}
	admin := e.ask(t, "admin", strings.Replace(eraseOne, `accountId: "1"`, `accountId: "2"`, 1), nil)
	if !bytes.Contains(admin.body, []byte(`"FORBIDDEN"`)) {
		t.Errorf("an administrator elsewhere: %s", admin.body)
	}
	refused++
	if n := storetest.Value[int64](t, e.store, `SELECT count(*) FROM cloakroom.audit_entries WHERE action = $1 AND entity_id = 'eraseContact'`, string(chat.Refused)); int(n) != refused {
		t.Errorf("%d refusals are on record, want %d", n, refused)
	}
	if n := storetest.Value[int64](t, e.store, `SELECT count(*) FROM cloakroom.erasures`); n != 0 {
		t.Errorf("%d contacts were erased", n)
	}
}
