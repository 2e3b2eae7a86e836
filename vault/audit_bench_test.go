package vault

import (
	"fmt"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
)

// BenchmarkCreateContact makes contacts with their entries, and the same without: what being on record costs a write.
func BenchmarkCreateContact(b *testing.B) {
	r := newSealed(b)
	account := r.account(schema.Acme)
	keys, err := r.keys.Account(b.Context(), account.ID)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	address := func() chat.PII { n++; return chat.PII(fmt.Sprintf("bench.%d@example.net", n)) }
	b.Run("on record", func(b *testing.B) {
		for b.Loop() {
			email := address()
			if _, err := r.CreateContact(b.Context(), account, ContactChange{chat.FieldEmail: &email}); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("without", func(b *testing.B) {
		for b.Loop() {
			plain := store.PlainRow{Columns: make([][]byte, len(contactFields))}
			plain.Columns[0] = []byte(address().Reveal())
			if err := r.store.InTx(b.Context(), func(tx *store.Store) error { return r.createContact(b.Context(), tx, keys, &plain) }); err != nil {
				b.Fatal(err)
			}
			if _, err := r.FindContact(b.Context(), account, plain.ID); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// BenchmarkRecordReads puts a page of 25 contacts with name, e-mail and phone on record.
func BenchmarkRecordReads(b *testing.B) {
	r := newSealed(b)
	var readings []chat.Reading
	for id := range int64(25) {
		for _, kind := range []chat.Kind{chat.Name, chat.Email, chat.Phone} {
			readings = append(readings, chat.Reading{AccountID: schema.Acme, Of: chat.Whose{Kind: chat.ContactRecord, ID: id + 1}, Kind: kind})
		}
	}
	for b.Loop() {
		if err := r.RecordReads(b.Context(), readings); err != nil {
			b.Fatal(err)
		}
	}
}
