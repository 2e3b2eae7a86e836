package vault

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// BenchmarkAudit writes in turn with entries and without, by the same statements on the same data: what being on record costs a
// write. It reports the medians and their ratio, which is to be 1.3 at most for what is written all day. A setting is one row:
// there the entry is half of what is written, and a person does it once in a while.
func BenchmarkAudit(b *testing.B) {
	for name, prepare := range map[string]func(*replica) (recorded, unrecorded func(n int) error){
		"a contact is made": contactMade, "a contact is changed": contactChanged, "a credential is stored": credentialStored, "a setting is changed": settingChanged,
	} {
		b.Run(name, func(b *testing.B) {
			r := newSealed(b)
			recorded, unrecorded := prepare(r)
			var took [2][]time.Duration
			for i := 0; b.Loop(); i++ {
				for _, way := range [][]int{{0, 1}, {1, 0}}[i%2] { // neither is always the first
					start := time.Now()
					if err := []func(int) error{recorded, unrecorded}[way](2*i + way); err != nil {
						b.Fatal(err)
					}
					took[way] = append(took[way], time.Since(start))
				}
			}
			with, without := median(took[0]), median(took[1])
			b.ReportMetric(float64(with.Microseconds()), "µs-on-record")
			b.ReportMetric(float64(without.Microseconds()), "µs-without")
			b.ReportMetric(with.Seconds()/without.Seconds(), "ratio")
		})
	}
}

func newAddress(n int) chat.PII { return chat.PII(fmt.Sprintf("bench.%d@example.net", n)) }

func contactMade(r *replica) (recorded, unrecorded func(int) error) {
	ctx, account, keys := r.t.Context(), r.account(schema.Acme), r.acmeKeys()
	recorded = func(n int) error {
		email := newAddress(n)
		_, err := r.CreateContact(ctx, account, ContactChange{chat.FieldEmail: &email})
		return err
	}
	unrecorded = func(n int) error {
		plain := store.PlainRow{Columns: make([][]byte, len(contactFields))}
		plain.Columns[0] = []byte(newAddress(n).Reveal())
		if err := r.store.InTx(ctx, func(tx *store.Store) error { return r.createContact(ctx, tx, keys, &plain) }); err != nil {
			return err
		}
		_, err := r.FindContact(ctx, account, plain.ID)
		return err
	}
	return recorded, unrecorded
}

func contactChanged(r *replica) (recorded, unrecorded func(int) error) {
	ctx, account, keys := r.t.Context(), r.account(schema.Acme), r.acmeKeys()
	recorded = func(n int) error {
		email := newAddress(n)
		return r.PutContact(ctx, account, everything, ContactChange{chat.FieldEmail: &email})
	}
	unrecorded = func(n int) error {
		email := newAddress(n)
		p := &putting{vault: r.Vault, keys: keys, account: account, contactID: everything, Change: ContactChange{chat.FieldEmail: &email}}
		err := r.store.InTx(ctx, func(tx *store.Store) error {
			if err := p.write(ctx, tx); err != nil {
				return err
			}
			return p.drop(ctx, tx)
		})
		p.settle(ctx)
		return err
	}
	return recorded, unrecorded
}

func credentialStored(r *replica) (recorded, unrecorded func(int) error) {
	ctx := r.t.Context()
	stored := func(n int) TokenStored {
		return TokenStored{AccountID: schema.Acme, Provider: "acme", Subject: "hook/5", Kind: chat.OAuth2Token,
			Credential: chat.Credential{Access: chat.Secret(fmt.Sprintf("access %d", n)), Refresh: "refresh"}}
	}
	recorded = func(n int) error {
		_, err := r.StoreToken(ctx, stored(n))
		return err
	}
	unrecorded = func(n int) error {
		given := stored(n)
		if err := checkStored(&given); err != nil {
			return err
		}
		if _, err := r.store.FindAccount(ctx, schema.Acme); err != nil {
			return err
		}
		return r.store.InTx(ctx, func(tx *store.Store) error {
			row, err := tx.ReserveVaultToken(ctx, schema.Acme, given.Provider, given.Subject, given.Kind)
			if err != nil {
				return err
			}
			_, err = r.putToken(ctx, tx, &chat.AuditEntry{Details: make(map[string]any)}, row, &given)
			return err
		})
	}
	return recorded, unrecorded
}

func settingChanged(r *replica) (recorded, unrecorded func(int) error) {
	ctx := r.t.Context()
	version := 0
	recorded = func(int) error {
		version++
		return r.SetMasking(ctx, root(), MaskingChange{AgentID: schema.Ivy, Masked: true, Reason: "as agreed", ExpectedVersion: version - 1})
	}
	unrecorded = func(int) error {
		version++
		return r.store.InTx(ctx, func(tx *store.Store) error {
			_, err := tx.SetMasking(ctx, schema.Ivy, true, version-1, schema.Root)
			return err
		})
	}
	return recorded, unrecorded
}

func (r *replica) acmeKeys() *keyring.Account {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Fatal(err)
	}
	return keys
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
