package vault

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// sealAll seals an account and says that it is.
func (r *replica) sealAll(account int64) *chat.Account {
	r.t.Helper()
	if err := r.SealAccount(r.t.Context(), account, func(Sealing) {}); err != nil {
		r.t.Fatal(err)
	}
	for _, d := range chat.Datasets {
		if err := r.SetPhase(r.t.Context(), account, d, chat.SealedOnly); err != nil {
			r.t.Fatal(err)
		}
	}
	setEpoch(r.t, r.store)
	return r.account(account)
}

// TestSealAccountInterrupted stops the sealing after each kind in turn and in the middle of writing one, and runs it
// again: nothing is sealed twice, nothing is left out.
func TestSealAccountInterrupted(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.WithDemo(t), nil)
	plain := r.all(plainly(r.account(schema.Acme)))
	for stops := 1; ; stops++ {
		ctx, cancel := context.WithCancel(t.Context())
		reports := 0
		err := r.SealAccount(ctx, schema.Acme, func(Sealing) {
			if reports++; reports == 1 {
				cancel()
			}
		})
		cancel()
		if err == nil {
			break
		}
		if !errors.Is(err, context.Canceled) || stops > 20 {
			t.Fatalf("stop %d: %v", stops, err)
		}
	}
	// As if a process had died between the two halves of a thread and of the contacts.
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.messages WHERE message_id % 3 = 0`)
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.contacts WHERE contact_id % 2 = 0`)
	acme := r.sealAll(schema.Acme)
	if diff := cmp.Diff(plain, r.all(acme)); diff != "" {
		t.Errorf("%.3000s", diff)
	}
	var again []Sealing
	if err := r.SealAccount(t.Context(), schema.Acme, func(s Sealing) { again = append(again, s) }); err != nil || again != nil {
		t.Errorf("a run with nothing to do reports %v, %v", again, err)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.contacts WHERE account_id <> 1`); n != 0 {
		t.Errorf("%d rows of other accounts", n)
	}
}

func TestSealAccountKeepsChatwootsRows(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	plain := storetest.WithDemo(t)
	for _, table := range []string{"contacts", "contact_inboxes", "conversations", "messages", "attachments", "notes"} {
		sum := `SELECT md5(string_agg(t::text, '|' ORDER BY id)) FROM ` + table + ` t`
		if storetest.Value[string](t, r.store, sum) != storetest.Value[string](t, plain, sum) {
			t.Errorf("sealing changed %s", table)
		}
	}
}

func TestOrphansAreSealed(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for what, sql := range map[string]string{
		"conversations of contacts that are gone": `SELECT count(*) FROM conversations c LEFT JOIN contacts ct ON ct.id = c.contact_id
			JOIN cloakroom.conversations s ON s.account_id = 1 AND s.conversation_id = c.id WHERE c.account_id = 1 AND ct.id IS NULL`,
		"messages of contacts that are gone": `SELECT count(*) FROM messages m JOIN conversations c ON c.id = m.conversation_id LEFT JOIN contacts ct ON ct.id = c.contact_id
			JOIN cloakroom.messages s ON s.account_id = 1 AND s.message_id = m.id WHERE m.account_id = 1 AND ct.id IS NULL`,
	} {
		if n := storetest.Value[int64](t, r.store, sql); n < 1 {
			t.Errorf("%d %s are sealed", n, what)
		}
	}
	// Rows that name no contact at all share a key of their own.
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `UPDATE conversations SET contact_id = NULL WHERE account_id = 1 AND id % 7 = 0`)
	storetest.Exec(t, s, `DELETE FROM conversations WHERE account_id = 1 AND id % 11 = 0`)
	o := newReplica(t, s, nil)
	plain := o.all(plainly(o.account(schema.Acme)))
	if diff := cmp.Diff(plain, o.all(o.sealAll(schema.Acme))); diff != "" {
		t.Errorf("%.3000s", diff)
	}
	if n := storetest.Value[int64](t, s, `SELECT count(*) FROM cloakroom.subject_keys WHERE contact_id = $1`, int64(unknownContact)); n != 1 {
		t.Errorf("%d keys for rows of no contact", n)
	}
}

// TestAccountsShareNothing seals both accounts, in which a contact has the same e-mail and phone.
func TestAccountsShareNothing(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	twin := schema.ContactOfBorealis
	storetest.Exec(t, r.store, `UPDATE contacts SET email = $1, phone_number = $2 WHERE id = $3`,
		plainValue(r, everything, "email"), plainValue(r, everything, "phone_number"), twin)
	borealis := r.sealAll(schema.Borealis)
	for what, sql := range map[string]string{
		"look-up tags": `SELECT count(*) FROM cloakroom.lookup_tags a JOIN cloakroom.lookup_tags b USING (tag_index) WHERE a.account_id = 1 AND b.account_id = 2`,
		"envelopes":    `SELECT count(*) FROM cloakroom.contacts a JOIN cloakroom.contacts b ON substr(a.email_sealed, 25) = substr(b.email_sealed, 25) WHERE a.account_id = 1 AND b.account_id = 2`,
		"keys":         `SELECT count(*) FROM cloakroom.subject_keys a JOIN cloakroom.subject_keys b USING (key_sealed) WHERE a.account_id <> b.account_id`,
	} {
		if n := storetest.Value[int64](t, r.store, sql); n != 0 {
			t.Errorf("the accounts share %d %s", n, what)
		}
	}
	address := LookupField{Field: chat.FieldEmail, Value: chat.PII(plainValue(r, everything, "email"))}
	mine, err := r.LookupContact(t.Context(), r.account(schema.Acme), address)
	if err != nil || mine.ID != everything {
		t.Errorf("%+v, %v", mine, err)
	}
	theirs, err := r.LookupContact(t.Context(), borealis, address)
	if err != nil || theirs.ID != twin {
		t.Errorf("%+v, %v", theirs, err)
	}
	// A row that is carried into the other account does not open there.
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts b SET email_sealed = a.email_sealed FROM cloakroom.contacts a
		WHERE a.account_id = 1 AND a.contact_id = $1 AND b.account_id = 2 AND b.contact_id = $2`, everything, twin)
	if _, err := r.contacts(borealis, twin)[0].Email(); !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("in another account: %v", err)
	}
	mineAlias, _ := mine.Alias()
	theirsAlias, _ := (&chat.Contact{ID: everything, AliasOf: theirs.AliasOf}).Alias()
	if mineAlias == theirsAlias {
		t.Error("one contact id has one alias in two accounts")
	}
}

func TestSealersRace(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	replicas := []*replica{newReplica(t, s, nil), newReplica(t, s, nil)}
	errs := make(chan error, len(replicas))
	for _, r := range replicas {
		go func() { errs <- r.SealAccount(t.Context(), schema.Borealis, func(Sealing) {}) }()
	}
	for range replicas {
		if err := <-errs; err != nil && !errors.Is(err, chat.ErrDuplicate) {
			t.Errorf("%v", err)
		}
	}
	plain := replicas[0].all(plainly(replicas[0].account(schema.Borealis)))
	if diff := cmp.Diff(plain, replicas[1].all(replicas[1].sealAll(schema.Borealis))); diff != "" {
		t.Errorf("%.3000s", diff)
	}
}
