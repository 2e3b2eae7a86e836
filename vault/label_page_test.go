package vault

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestPagesSurviveNewLabels: the labels move between any two pages, or are made anew altogether, and nobody is lost or
// listed twice.
func TestPagesSurviveNewLabels(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	for _, order := range addressOrders[:2] {
		q := chat.ContactQuery{Order: order, Page: all}
		want := placeIDs(r.byLabel(q))
		turns := 0
		q.Page = chat.Page{Limit: 20}
		got := r.turn(q, func(q chat.ContactQuery) []*chat.Position {
			switch turns++; {
			case turns == 5:
				storetest.Exec(t, r.store, `UPDATE cloakroom.contact_orderings SET due = true`)
				if err := r.Tend(t.Context()); err != nil {
					t.Fatal(err)
				}
				r.finish(r.orderJob())
			case turns%2 == 0: // all of them together at one end, then spread
				of := store.Labels{AccountID: schema.Acme, Field: chat.ContactsByEmail, Generation: r.account(schema.Acme).Settings.Search.Orderings[0].Live}
				if err := r.store.SpreadLabels(t.Context(), of, 0, labelEnd, map[bool]int64{true: 1, false: 1 << 40}[turns%4 == 0]); err != nil {
					t.Fatal(err)
				}
			}
			return r.byLabel(q)
		})
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%v (-before +paged):\n%s", order, diff)
		}
	}
}

// TestCursorsOutliveTheirContacts: one that was given another value, or none, or is gone, leaves its place behind.
func TestCursorsOutliveTheirContacts(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	for _, order := range addressOrders[:2] {
		for i, change := range []func(id int64){
			func(id int64) { r.putEmail(id, to("zzz."+strings.ToLower(string(order.Direction))+"@x.example")) },
			func(id int64) { r.putEmail(id, nil) },
			func(id int64) { storetest.Exec(t, r.store, `DELETE FROM contacts WHERE id = $1`, id) },
			func(id int64) {
				storetest.Exec(t, r.store, `DELETE FROM cloakroom.contact_labels WHERE contact_id = $1`, id)
			},
			func(id int64) {
				storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = '\x00' WHERE contact_id = $1`, id)
			},
		} {
			before := r.byLabel(chat.ContactQuery{Order: order, Page: all})
			cursor := r.cursor(order.Field, before[40])
			change(cursor.ID)
			page := chat.Page{Limit: 2, From: cursor}
			if got := r.byLabel(chat.ContactQuery{Order: order, Page: page}); got[0].ID != before[41].ID || got[1].ID != before[42].ID {
				t.Errorf("%v, %d: %v follow, want %v", order, i, placeIDs(got), placeIDs(before[41:43]))
			}
			page.Backward = true
			if got := r.byLabel(chat.ContactQuery{Order: order, Page: page}); got[0].ID != before[39].ID || got[1].ID != before[38].ID {
				t.Errorf("%v, %d: %v come before, want %v", order, i, placeIDs(got), placeIDs(before[38:40]))
			}
		}
		list := r.byLabel(chat.ContactQuery{Order: order, Page: all})
		last := r.cursor(order.Field, list[len(list)-3]) // without a value
		r.putEmail(last.ID, to("late."+strings.ToLower(string(order.Direction))+"@x.example"))
		if got := r.byLabel(chat.ContactQuery{Order: order, Page: chat.Page{Limit: 5, From: last}}); len(got) != 2 || got[0].ID != list[len(list)-2].ID {
			t.Errorf("%v: %v follow one that had no value, want %v", order, placeIDs(got), placeIDs(list[len(list)-2:]))
		}
	}
}

// TestPagesByLabelUnderAFilter are those of the plain columns.
func TestPagesByLabelUnderAFilter(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	strangeContacts(r, 60)
	fields := []chat.ContactOrderField{chat.ContactsByEmail, chat.ContactsByCompany, chat.ContactsByCity, chat.ContactsByCountry}
	r.labels(fields...)
	yes, no := true, false
	for _, f := range fields {
		for _, direction := range []chat.OrderDirection{chat.Ascending, chat.Descending} {
			for _, filter := range []chat.ContactFilter{{}, {Blocked: &yes}, {Resolved: &no}, {Labels: []string{"vip"}}} {
				q := chat.ContactQuery{Order: chat.ContactOrder{Field: f, Direction: direction}, Filter: filter, Page: chat.Page{Limit: 70}}
				want := placeIDs(plainOrder(r, q))
				for _, q.Page.Backward = range []bool{false, true} {
					if diff := cmp.Diff(want, r.turn(q, r.byLabel)); diff != "" {
						t.Errorf("%s %s backward %v (-plain +by label):\n%s", f, direction, q.Page.Backward, diff)
					}
				}
			}
		}
	}
}
