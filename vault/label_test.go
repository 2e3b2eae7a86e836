package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestAWriteThatFailsLeavesNoLabel: it is one transaction with the row.
func TestAWriteThatFailsLeavesNoLabel(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	before := r.labelled(chat.ContactsByEmail)
	rows, err := r.store.ListOrderValues(t.Context(), schema.Acme, chat.ContactQuery{Order: addressOrders[0]}, 1)
	if err != nil {
		t.Fatal(err)
	}
	email := chat.PII("000@x.example")
	failed := errors.New("the power is out")
	err = r.store.InTx(t.Context(), func(tx *store.Store) error {
		p := &putting{vault: r.Vault, account: r.account(schema.Acme), contactID: rows[0].ContactID, Change: ContactChange{chat.FieldEmail: &email}}
		if p.keys, err = r.keys.Account(t.Context(), schema.Acme); err != nil {
			return err
		}
		if err := p.write(t.Context(), tx); err != nil {
			return err
		}
		return tx.AtLast(t.Context(), func(context.Context) error { return failed })
	})
	if !errors.Is(err, failed) {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.labelled(chat.ContactsByEmail)); diff != "" {
		t.Errorf("(-before +after):\n%s", diff)
	}
	r.putEmail(rows[0].ContactID, &email)
	r.keeps(chat.ContactsByEmail)
}

// TestLabelsGoRoundWhatDoesNotOpen: no writer fails because of another contact's row.
func TestLabelsGoRoundWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	places := r.valued(chat.ContactsByEmail)
	var sound []*chat.Position
	for i, p := range places {
		if i%3 == 0 {
			sound = append(sound, p)
			continue
		}
		storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = '\x00' WHERE contact_id = $1`, p.ID)
	}
	for i := range 20 {
		email := chat.PII(*places[i*5].Text + "m")
		c, err := r.CreateContact(t.Context(), r.account(schema.Acme), ContactChange{chat.FieldEmail: &email})
		if err != nil {
			t.Fatal(err)
		}
		sound = append(sound, &chat.Position{ID: c.ID, Text: chat.ContactsByEmail.Norm(email)})
	}
	slices.SortFunc(sound, labelOrder.Compare)
	known := make(map[int64]bool)
	for _, p := range sound {
		known[p.ID] = true
	}
	got := slices.DeleteFunc(r.labelled(chat.ContactsByEmail), func(id int64) bool { return !known[id] })
	if diff := cmp.Diff(placeIDs(sound), got); diff != "" {
		t.Errorf("(-by value +by label):\n%s", diff)
	}
}

// TestManyAtOnceWaitForTheJob: what one transaction writes in bulk is listed last until all labels are made anew.
func TestManyAtOnceWaitForTheJob(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByCompany)
	rows := r.crowd(maxPlaced+1, map[chat.ContactOrderField]func(int) string{chat.ContactsByCompany: func(n int) string { return fmt.Sprint("aa", n) }})
	list := r.byLabel(chat.ContactQuery{Order: chat.ContactOrder{Field: chat.ContactsByCompany, Direction: chat.Ascending}, Page: all})
	for _, row := range rows {
		if at := slices.Index(placeIDs(list), row.ID); at < len(list)-500 || slices.Contains(r.labelled(chat.ContactsByCompany), row.ID) {
			t.Fatalf("contact %d stands at %d of %d", row.ID, at, len(list))
		}
	}
	if err := r.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.finish(r.orderJob())
	r.keeps(chat.ContactsByCompany)
}

// TestRoomIsMade where labels lie side by side, and left to the job where that would move too many.
func TestRoomIsMade(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	places := r.valued(chat.ContactsByEmail)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contact_labels l SET label = n FROM (SELECT contact_id, row_number() OVER (ORDER BY label) AS n
 FROM cloakroom.contact_labels WHERE label IS NOT NULL) o WHERE o.contact_id = l.contact_id`)
	for i := range 40 {
		email := chat.PII(fmt.Sprintf("%s%03d", *places[len(places)/2].Text, i))
		if _, err := r.CreateContact(t.Context(), r.account(schema.Acme), ContactChange{chat.FieldEmail: &email}); err != nil {
			t.Fatal(err)
		}
	}
	r.keeps(chat.ContactsByEmail)
}

// TestNamesThatAreSealedAwayAreNotLabelled, also those that are sealed because they were an address once.
func TestNamesThatAreSealedAwayAreNotLabelled(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByName)
	away := storetest.Value[[]int64](t, r.store, `SELECT array_agg(contact_id) FROM cloakroom.contacts WHERE account_id = 1 AND name_sealed IS NOT NULL`)
	if len(away) < 3 {
		t.Fatalf("%d names are sealed away", len(away))
	}
	none := func() {
		t.Helper()
		for _, id := range away {
			if slices.Contains(r.labelled(chat.ContactsByName), id) {
				t.Errorf("the name of contact %d is sealed away, and has a place", id)
			}
		}
		r.keeps(chat.ContactsByName)
	}
	none()
	r.putEmail(away[0], nil) // its name is no address of its own any more, and stays sealed
	none()
	name := chat.PII("Zoe Plain")
	if err := r.PutContact(t.Context(), r.account(schema.Acme), away[0], ContactChange{chat.FieldName: &name}); err != nil {
		t.Fatal(err)
	}
	away = away[1:]
	none()
}

// BenchmarkPlaceContacts moves one of many contacts from place to place.
func BenchmarkPlaceContacts(b *testing.B) {
	r := newSealed(b)
	draw := rand.New(rand.NewPCG(1, 1))
	rows := r.crowd(20_000, map[chat.ContactOrderField]func(int) string{chat.ContactsByEmail: func(int) string { return fmt.Sprintf("%016x@x.example", draw.Uint64()) }})
	r.labels(chat.ContactsByEmail)
	keys, err := r.keys.Account(b.Context(), schema.Acme)
	if err != nil {
		b.Fatal(err)
	}
	var took []float64
	for b.Loop() {
		row := rows[draw.IntN(len(rows))]
		row.Columns = slices.Clone(row.Columns)
		row.Columns[0] = fmt.Appendf(nil, "%016x@x.example", draw.Uint64())
		start := b.Elapsed()
		err := r.store.InTx(context.WithoutCancel(b.Context()), func(tx *store.Store) error {
			settings, err := tx.HoldSearchSettings(b.Context(), schema.Acme)
			if err != nil {
				return err
			}
			return r.placeContacts(b.Context(), tx, keys, settings.Orderings, []store.PlainRow{row})
		})
		if err != nil {
			b.Fatal(err)
		}
		took = append(took, float64((b.Elapsed() - start).Microseconds()))
	}
	slices.Sort(took)
	b.ReportMetric(took[len(took)/2]/1000, "p50-ms")
	b.ReportMetric(took[len(took)*95/100]/1000, "p95-ms")
}
