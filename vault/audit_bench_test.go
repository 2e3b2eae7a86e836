package vault

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
)

// BenchmarkCreateContact makes contacts in turn with their entries and without, on the same data: what being on record costs
// a write. It reports the medians and their ratio.
func BenchmarkCreateContact(b *testing.B) {
	r := newSealed(b)
	account := r.account(schema.Acme)
	keys, err := r.keys.Account(b.Context(), account.ID)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	address := func() chat.PII { n++; return chat.PII(fmt.Sprintf("bench.%d@example.net", n)) }
	recorded := func() error {
		email := address()
		_, err := r.CreateContact(b.Context(), account, ContactChange{chat.FieldEmail: &email})
		return err
	}
	unrecorded := func() error {
		plain := store.PlainRow{Columns: make([][]byte, len(contactFields))}
		plain.Columns[0] = []byte(address().Reveal())
		if err := r.store.InTx(b.Context(), func(tx *store.Store) error { return r.createContact(b.Context(), tx, keys, &plain) }); err != nil {
			return err
		}
		_, err := r.FindContact(b.Context(), account, plain.ID)
		return err
	}
	var took [2][]time.Duration
	for i := 0; b.Loop(); i++ {
		for _, way := range [][]int{{0, 1}, {1, 0}}[i%2] { // neither is always the first
			start := time.Now()
			if err := []func() error{recorded, unrecorded}[way](); err != nil {
				b.Fatal(err)
			}
			took[way] = append(took[way], time.Since(start))
		}
	}
	with, without := median(took[0]), median(took[1])
	b.ReportMetric(float64(with.Microseconds()), "µs-on-record")
	b.ReportMetric(float64(without.Microseconds()), "µs-without")
	b.ReportMetric(with.Seconds()/without.Seconds(), "ratio")
}

func median(list []time.Duration) time.Duration {
	slices.Sort(list)
	return list[len(list)/2]
}
