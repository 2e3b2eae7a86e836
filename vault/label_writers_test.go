package vault

import (
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
