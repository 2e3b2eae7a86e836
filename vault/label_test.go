package vault

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestLabelsThroughPostgreSQL inserts in four patterns at once, each in an order of its own, fifty in a transaction, and
// compares the whole after each. Then it turns pages.
func TestLabelsThroughPostgreSQL(t *testing.T) {
	t.Parallel()
	const inserts = 300
	r := newSealed(t)
	patterns := make(map[chat.ContactOrderField]func(int) string)
	for f, name := range map[chat.ContactOrderField]string{chat.ContactsByEmail: "random", chat.ContactsByCompany: "sorted", chat.ContactsByCity: "reversed", chat.ContactsByCountry: "hot gap"} {
		draw := rand.New(rand.NewPCG(5, 6))
		patterns[f] = func(n int) string { return "v" + letters(insertPatterns[name](draw, n, inserts)) }
	}
	email := patterns[chat.ContactsByEmail]
	patterns[chat.ContactsByEmail] = func(n int) string { return email(n) + "@x.example" }
	rows := r.crowd(inserts, patterns)
	fields := slices.Collect(func(yield func(chat.ContactOrderField) bool) {
		for _, f := range []chat.ContactOrderField{chat.ContactsByCity, chat.ContactsByCompany, chat.ContactsByCountry, chat.ContactsByEmail} {
			if !yield(f) {
				return
			}
		}
	})
	r.empties(fields...)
	sorted := make(map[chat.ContactOrderField][]*chat.Position)
	for i := 0; i < len(rows); i += 50 {
		batch := rows[i:min(i+50, len(rows))]
		r.place(batch...)
		for _, f := range fields {
			ids := r.labelled(f)
			for _, row := range batch {
				source, _ := f.Source()
				at := &chat.Position{ID: row.ID, Text: f.TextIn(chat.PII(row.Columns[contactColumn(source)]))}
				n, _ := slices.BinarySearchFunc(sorted[f], at, labelOrder.Compare)
				sorted[f] = slices.Insert(sorted[f], n, at)
			}
			if !slices.Equal(ids, placeIDs(sorted[f])) {
				t.Fatalf("after %d inserts the labels of %s are out of order", i+len(batch), f)
			}
		}
	}
	t.Run("pages", func(t *testing.T) { labelPages(t, r, fields, sorted) })
}

// letters writes digits so that no text looks like a phone number.
func letters(text string) string {
	return strings.Map(func(c rune) rune {
		if c >= '0' && c <= '9' {
			return c - '0' + 'a'
		}
		return c - 'a' + 'k'
	}, text)
}

func labelPages(t *testing.T, r *replica, fields []chat.ContactOrderField, sorted map[chat.ContactOrderField][]*chat.Position) {
	blank := func(f chat.ContactOrderField) []int64 { // those of the demo have no row, because no job has seen them
		return storetest.Value[[]int64](t, r.store, `SELECT COALESCE(array_agg(contact_id ORDER BY contact_id), '{}') FROM cloakroom.contact_labels WHERE field = $1 AND label IS NULL`, string(f))
	}
	r.putEmail(sorted[chat.ContactsByEmail][100].ID, nil)
	sorted[chat.ContactsByEmail] = slices.Delete(sorted[chat.ContactsByEmail], 100, 101)
	for _, f := range fields {
		for _, direction := range []chat.OrderDirection{chat.Ascending, chat.Descending} {
			want, tail := placeIDs(sorted[f]), blank(f)
			if direction == chat.Descending {
				slices.Reverse(want)
				slices.Reverse(tail)
			}
			want = append(want, tail...)
			for _, backward := range []bool{false, true} {
				q := chat.ContactQuery{Order: chat.ContactOrder{Field: f, Direction: direction}, Page: chat.Page{Limit: 90, Backward: backward}}
				if diff := cmp.Diff(want, r.turn(q, r.byLabel)); diff != "" {
					t.Errorf("%s %s, backward %v (-sorted +paged):\n%s", f, direction, backward, diff)
				}
			}
		}
	}
}

// TestWritersKeepTheOrderTogether: three replicas with fingers of their own write what they like, while somebody looks.
func TestWritersKeepTheOrderTogether(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail, chat.ContactsByCompany)
	replicas := []*replica{r, newReplica(t, r.store, nil), newReplica(t, r.store, nil)}
	ids := storetest.Value[[]int64](t, r.store, `SELECT array_agg(contact_id) FROM cloakroom.contacts WHERE account_id = 1`)
	over := make(chan struct{})
	var writers, checker sync.WaitGroup
	for n, v := range replicas {
		writers.Go(func() {
			draw := rand.New(rand.NewPCG(uint64(n), 1))
			for i := range 40 {
				email, company := chat.PII(fmt.Sprintf("w%d.%03d@x.example", n, i)), chat.PII(fmt.Sprintf(`{"company_name": "w%d"}`, draw.IntN(3)))
				change := ContactChange{chat.FieldEmail: &email, chat.FieldProfile: &company}
				var err error
				switch i % 4 {
				case 0, 1: // a run
					_, err = v.CreateContact(t.Context(), v.account(schema.Acme), change)
				case 2:
					err = v.PutContact(t.Context(), v.account(schema.Acme), ids[draw.IntN(len(ids))], change)
				default:
					err = v.PutContact(t.Context(), v.account(schema.Acme), ids[draw.IntN(len(ids))], ContactChange{chat.FieldEmail: nil})
				}
				if err != nil && !errors.Is(err, chat.ErrNotFound) {
					t.Error(err)
				}
			}
		})
	}
	checker.Go(func() {
		for {
			select {
			case <-over:
				return
			default:
				r.inOrder(chat.ContactsByEmail, chat.ContactsByCompany)
			}
		}
	})
	writers.Wait()
	close(over)
	checker.Wait()
	r.keeps(chat.ContactsByEmail)
	r.keeps(chat.ContactsByCompany)
}

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
