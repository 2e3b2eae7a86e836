package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestSearchSettings: an account that has decided nothing is searched by tokens that are not complete; what it decides is
// read the same by writers and with the policy.
func TestSearchSettings(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	ctx := t.Context()
	yes, no := true, false
	set := func(do func(tx *store.Store) error) {
		t.Helper()
		if err := s.InTx(ctx, do); err != nil {
			t.Fatal(err)
		}
	}
	for _, step := range []struct {
		name string
		do   func(tx *store.Store) error
		want chat.SearchSettings
	}{
		{"nothing", func(*store.Store) error { return nil }, chat.SearchSettings{Mode: chat.SearchByTokens}},
		{"messages", func(tx *store.Store) error { return tx.SetIndexed(ctx, 1, &yes, nil) }, chat.SearchSettings{Mode: chat.SearchByTokens, MessagesIndexed: true}},
		{"contacts", func(tx *store.Store) error { return tx.SetIndexed(ctx, 1, nil, &yes) },
			chat.SearchSettings{Mode: chat.SearchByTokens, MessagesIndexed: true, ContactsIndexed: true}},
		{"not messages", func(tx *store.Store) error { return tx.SetIndexed(ctx, 1, &no, nil) }, chat.SearchSettings{Mode: chat.SearchByTokens, ContactsIndexed: true}},
		{"scan", func(tx *store.Store) error { return tx.SetSearchMode(ctx, 1, chat.SearchByScan) }, chat.SearchSettings{Mode: chat.SearchByScan}},
		{"another's", func(tx *store.Store) error { return tx.SetIndexed(ctx, 2, &yes, &yes) }, chat.SearchSettings{Mode: chat.SearchByScan}},
		{"an order and an attribute", func(tx *store.Store) error {
			return tx.RunScript(ctx, `INSERT INTO cloakroom.contact_orderings (account_id, field, live, building, enabled) VALUES (1, 'NAME', 3, 4, true), (2, 'CITY', 1, 0, true);
 INSERT INTO cloakroom.attribute_policies (account_id, model, attribute_key, value_type, personal, searchable, indexed, version) VALUES (1, 'CONTACT', 'plan', 'LIST', false, true, true, 2)`)
		}, chat.SearchSettings{Mode: chat.SearchByScan, Orderings: []*chat.ContactOrdering{{Field: "NAME", Live: 3, Building: 4, Enabled: true}},
			Attributes: []chat.AttributePolicy{{Model: chat.ContactAttributes, Key: "plan", Type: chat.AttributeList, Searchable: true, Indexed: true, Version: 2}}}},
	} {
		set(step.do)
		for name, read := range map[string]func(*store.Store) (chat.SearchSettings, error){
			"who writes":  func(tx *store.Store) (chat.SearchSettings, error) { return tx.HoldSearchSettings(ctx, 1) },
			"who changes": func(tx *store.Store) (chat.SearchSettings, error) { return tx.LockSearchSettings(ctx, 1) },
			"who reads": func(tx *store.Store) (chat.SearchSettings, error) {
				p, err := tx.ReadPolicy(ctx, 0, []int64{1})
				return p.Settings[1].Search, err
			},
		} {
			set(func(tx *store.Store) error {
				got, err := read(tx)
				if diff := cmp.Diff(step.want, got); diff != "" {
					t.Errorf("%s, as %s has it: %s", step.name, name, diff)
				}
				return err
			})
		}
	}
}

// TestSearchSettingsStayAsTheyAre: writers share them; who changes them is alone, and another account's are its own affair.
func TestSearchSettingsStayAsTheyAre(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	ctx := t.Context()
	hold := func(tx *store.Store, account int64) error { _, err := tx.HoldSearchSettings(ctx, account); return err }
	lock := func(tx *store.Store, account int64) error { _, err := tx.LockSearchSettings(ctx, account); return err }
	for name, c := range map[string]struct {
		one, other func(tx *store.Store, account int64) error
		account    int64
		waits      bool
	}{
		"two who write":                  {hold, hold, 1, false},
		"who changes beside who writes":  {hold, lock, 1, true},
		"who writes beside who changes":  {lock, hold, 1, true},
		"two who change":                 {lock, lock, 1, true},
		"two who change, of two":         {lock, lock, 2, false},
		"who writes, of another account": {lock, hold, 2, false},
	} {
		done := make(chan error, 1)
		err := s.InTx(ctx, func(tx *store.Store) error {
			if err := c.one(tx, 1); err != nil {
				return err
			}
			go func() { done <- s.InTx(ctx, func(tx *store.Store) error { return c.other(tx, c.account) }) }()
			if !c.waits {
				return <-done
			}
			select {
			case err := <-done:
				t.Errorf("%s: does not wait: %v", name, err)
			case <-time.After(50 * time.Millisecond):
			}
			return nil
		})
		if c.waits && err == nil {
			err = <-done
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestUnindexedIsWhatLacksTokens goes by hand through what the job and the counts take for missing, stale or nobody's.
func TestUnindexedIsWhatLacksTokens(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	ctx := t.Context()
	if err := s.RunScript(ctx, `INSERT INTO cloakroom.messages (account_id, conversation_id, message_id, subject_key_id, key_id, row_version, content_sealed) VALUES
 (1, 10, 1, 1, 1, 1, 'x'), (1, 10, 2, 1, 1, 1, 'x'), (1, 10, 3, 1, 1, 1, NULL), (1, 11, 4, 1, 1, 1, 'x'), (2, 20, 9, 1, 1, 1, 'x');
 INSERT INTO cloakroom.message_tokens (account_id, message_id, conversation_id, inbox_id, created_at, epoch, generation, tokens) VALUES
 (1, 2, 10, 1, now(), 202601, 1, '{1}'), (1, 4, 11, 1, now(), 202601, 2, '{1}'), (1, 5, 11, 1, now(), 202601, 1, '{1}'), (1, 3, 10, 1, now(), 202601, 1, '{1}');
 INSERT INTO cloakroom.contacts (account_id, contact_id, subject_key_id, key_id, row_version) VALUES (1, 1, 1, 1, 1), (1, 2, 1, 0, 1);
 INSERT INTO cloakroom.contact_tokens (account_id, contact_id, generation, tokens) VALUES (1, 7, 1, '{1}')`); err != nil {
		t.Fatal(err)
	}
	err := s.InTx(ctx, func(tx *store.Store) error {
		for _, c := range []struct {
			kind         chat.RecordKind
			generation   int
			parent, from int64
			want         []chat.RecordKey
		}{
			{chat.MessageRecord, 1, 0, 0, []chat.RecordKey{{Kind: chat.MessageRecord, Parent: 10, ID: 1}, {Kind: chat.MessageRecord, Parent: 11, ID: 4}}},
			{chat.MessageRecord, 2, 0, 0, []chat.RecordKey{{Kind: chat.MessageRecord, Parent: 10, ID: 1}, {Kind: chat.MessageRecord, Parent: 10, ID: 2}}},
			{chat.MessageRecord, 1, 10, 1, []chat.RecordKey{{Kind: chat.MessageRecord, Parent: 11, ID: 4}}},
			{chat.ContactRecord, 1, 0, 0, []chat.RecordKey{{Kind: chat.ContactRecord, ID: 1}}},
		} {
			got, err := tx.LockUnindexed(ctx, 1, c.kind, c.parent, c.from, c.generation, 10)
			if err != nil {
				return err
			}
			if diff := cmp.Diff(c.want, got); diff != "" {
				t.Errorf("%+v: %s", c, diff)
			}
			n, err := tx.CountUnindexed(ctx, 1, c.kind, c.generation)
			if err != nil || c.from == 0 && n != int64(len(c.want)) {
				t.Errorf("%+v: %d are counted, %v", c, n, err)
			}
		}
		if err := tx.DropOrphans(ctx, 1, 2); err != nil {
			return err
		}
		n, err := tx.CountOldWords(ctx, 1, 2)
		if err != nil || n != 1 {
			t.Errorf("%d rows name another generation, %v; want the one that is somebody's", n, err)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}
