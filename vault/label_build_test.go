package vault

import (
	"context"
	"errors"
	"fmt"
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

// TestABuildSurvivesEveryCrash: the worker dies before and after each of its transactions, another goes on each time, and
// somebody writes contacts in between.
func TestABuildSurvivesEveryCrash(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.crowd(30, map[chat.ContactOrderField]func(int) string{chat.ContactsByCompany: func(n int) string { return fmt.Sprint("c", n%7) }})
	for _, f := range []chat.ContactOrderField{chat.ContactsByEmail, chat.ContactsByCompany} {
		r.setLabels(f, true)
	}
	job := r.orderJob()
	if _, err := r.SetJobRate(t.Context(), job.ID, 400); err != nil { // batches of a hundred
		t.Fatal(err)
	}
	crashes, turns := 0, 0
	for !r.dies(job.ID, &crashes) && crashes < 500 {
		storetest.Exec(t, r.store, `UPDATE cloakroom.jobs SET holder = 'the dead', held_until = now() - interval '1 second'`)
		r = newReplica(t, r.store, nil)
		if turns++; turns%3 == 0 {
			email, profile := chat.PII(fmt.Sprintf("crash%d@x.example", turns)), chat.PII(`{"company_name": "crash"}`)
			if _, err := r.CreateContact(t.Context(), r.account(schema.Acme), ContactChange{chat.FieldEmail: &email, chat.FieldProfile: &profile}); err != nil {
				t.Fatal(err)
			}
		}
	}
	if crashes < 20 {
		t.Errorf("%d crashes", crashes)
	}
	r.keeps(chat.ContactsByEmail)
	r.keeps(chat.ContactsByCompany)
	if left := r.wrong(leftLabels); left != "" {
		t.Errorf("labels of other generations: %s", left)
	}
}

// leftLabels are those that belong to nothing that is read.
const leftLabels = `SELECT l.field || ' ' || l.generation || ': ' || count(*) FROM cloakroom.contact_labels l LEFT JOIN cloakroom.contact_orderings o USING (account_id, field)
 WHERE l.generation IS DISTINCT FROM o.live OR l.waiting GROUP BY l.field, l.generation`

// TestABuildBesideWriters: whoever writes while labels are made is not waited for, and is not forgotten.
func TestABuildBesideWriters(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	ids := r.labelled(chat.ContactsByEmail)
	other := newReplica(t, r.store, nil)
	stop := make(chan struct{})
	var writers sync.WaitGroup
	for n, v := range []*replica{r, other} {
		writers.Go(func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				default:
				}
				var err error
				switch email := to(fmt.Sprintf("b%d.%d@x.example", n, i)); i % 3 {
				case 0:
					_, err = v.CreateContact(t.Context(), v.account(schema.Acme), ContactChange{chat.FieldEmail: email})
				case 1:
					err = v.PutContact(t.Context(), v.account(schema.Acme), ids[(i*13+n)%len(ids)], ContactChange{chat.FieldEmail: email})
				default:
					err = v.PutContact(t.Context(), v.account(schema.Acme), ids[(i*17+n)%len(ids)], ContactChange{chat.FieldEmail: nil})
				}
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	for range 2 {
		storetest.Exec(t, r.store, `UPDATE cloakroom.contact_orderings SET due = true`)
		if err := r.Tend(t.Context()); err != nil {
			t.Fatal(err)
		}
		job := r.orderJob()
		if _, err := r.SetJobRate(t.Context(), job.ID, 400); err != nil {
			t.Fatal(err)
		}
		r.finish(job)
		r.inOrder(chat.ContactsByEmail)
	}
	close(stop)
	writers.Wait()
	r.keeps(chat.ContactsByEmail)
	if left := r.wrong(leftLabels); left != "" {
		t.Errorf("labels of other generations: %s", left)
	}
	if live := storetest.Value[int64](t, r.store, `SELECT live::int8 FROM cloakroom.contact_orderings`); live != 3 {
		t.Errorf("generation %d is live, want 3", live)
	}
}

// TestAnotherWorkerLabelsTheRest between the labels that are there, and leaves to be placed what finds no room.
func TestAnotherWorkerLabelsTheRest(t *testing.T) {
	t.Parallel()
	o := &build{}
	for i := range 9 {
		text := fmt.Sprint(i)
		o.read = append([]readPlace{{chat.Position{ID: int64(i + 1), Text: &text}, 1}}, o.read...)
	}
	o.read = append(o.read, readPlace{chat.Position{ID: 50}, 1}, readPlace{chat.Position{ID: 51}, 1})
	o.sort(map[int64]int64{1: 100, 4: 103, 6: 104, 8: 1000, 51: 0})
	want := []store.BuiltLabel{{ContactID: 2, Version: 1, Label: 101}, {ContactID: 3, Version: 1, Label: 102}, {ContactID: 5, Version: 1, Waiting: true},
		{ContactID: 7, Version: 1, Label: 552}, {ContactID: 9, Version: 1, Label: 1000 + (labelEnd-1000)/2}, {ContactID: 50, Version: 1}}
	if diff := cmp.Diff(want, o.built); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// TestLabelsTurnedOff are gone, and the order is what it was.
func TestLabelsTurnedOff(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	q := chat.ContactQuery{Order: addressOrders[0], Page: all}
	byLabel := placeIDs(r.byLabel(q))
	if diff := cmp.Diff(placeIDs(r.ordered(q)), byLabel); diff != "" {
		t.Errorf("(-list +labels):\n%s", diff)
	}
	r.setLabels(chat.ContactsByEmail, false)
	r.finish(r.orderJob())
	if n := storetest.Value[int64](t, r.store, `SELECT (SELECT count(*) FROM cloakroom.contact_labels) + (SELECT count(*) FROM cloakroom.contact_orderings)`); n != 0 {
		t.Errorf("%d rows are left", n)
	}
	if _, kept, err := r.ListByLabel(t.Context(), r.account(schema.Acme), q); kept || err != nil {
		t.Errorf("the order is kept: %v, %v", kept, err)
	}
	r.putEmail(byLabel[0], to("later@x.example"))
	if n := r.audited(chat.ContactOrderingSet); n != 2 {
		t.Errorf("%d decisions are on record", n)
	}
}

// TestWhoIsErasedHasNoLabel, also where labels are being made meanwhile; they are listed last.
func TestWhoIsErasedHasNoLabel(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	erase := func(id int64) {
		t.Helper()
		if _, err := r.EraseContact(t.Context(), schema.Acme, id, "a test"); err != nil {
			t.Fatal(err)
		}
	}
	first, second := r.labelled(chat.ContactsByEmail)[0], r.labelled(chat.ContactsByEmail)[1]
	erase(first)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contact_orderings SET due = true`)
	if err := r.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	job, erased := r.orderJob(), false
	r.checkpoint = func(committed bool) {
		if committed && !erased && r.found(job.ID).Step == "write" { // read, and not written yet
			erased = true
			erase(second)
		}
	}
	r.finish(job)
	r.checkpoint = nil
	if !erased {
		t.Fatal("nobody was erased while labels were made")
	}
	for _, id := range []int64{first, second} {
		if slices.Contains(r.labelled(chat.ContactsByEmail), id) {
			t.Errorf("contact %d has a label", id)
		}
		e, err := r.VerifyErasure(t.Context(), schema.Acme, id)
		if err != nil {
			t.Fatal(err)
		}
		if delete(e.Leftovers, "redis"); len(e.Leftovers) > 0 { // where other tests have a contact of that id
			t.Errorf("of contact %d is left: %v", id, e.Leftovers)
		}
	}
	if list := placeIDs(r.byLabel(chat.ContactQuery{Order: addressOrders[0], Page: all})); !slices.Contains(list, first) || slices.Index(list, first) < 100 {
		t.Errorf("who was erased stands at %d", slices.Index(list, first))
	}
	base, mergee := r.labelled(chat.ContactsByEmail)[0], r.labelled(chat.ContactsByEmail)[1]
	if _, err := r.MergeContacts(t.Context(), r.account(schema.Acme), base, mergee); err != nil {
		t.Fatal(err)
	}
	if slices.Contains(placeIDs(r.byLabel(chat.ContactQuery{Order: addressOrders[0], Page: all})), mergee) {
		t.Error("who was merged into another is listed")
	}
	r.keeps(chat.ContactsByEmail)
}

// TestWhatCannotBeLabelled is refused with the argument's name.
func TestWhatCannotBeLabelled(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for _, c := range []struct {
		change OrderingChange
		code   chat.Code
		field  string
	}{
		{OrderingChange{schema.Acme, chat.ContactsByPhone, true, "a test"}, chat.Invalid, "input.field"},
		{OrderingChange{schema.Acme, chat.ContactsByCreated, true, "a test"}, chat.Invalid, "input.field"},
		{OrderingChange{schema.Acme, chat.ContactsByShownName, true, "a test"}, chat.Invalid, "input.field"},
		{OrderingChange{schema.Acme, chat.ContactsByEmail, true, " "}, chat.Invalid, "input.reason"},
		{OrderingChange{schema.Acme, chat.ContactsByEmail, true, "for ann@x.example"}, chat.Invalid, "input.reason"},
		{OrderingChange{schema.Borealis, chat.ContactsByEmail, true, "a test"}, chat.Invalid, "input.accountId"},
		{OrderingChange{99, chat.ContactsByEmail, true, "a test"}, chat.NotFound, ""},
	} {
		_, err := r.SetContactOrdering(t.Context(), c.change)
		var fault *chat.Error
		if !errors.As(err, &fault) || fault.Code != c.code || fault.Field != c.field {
			t.Errorf("%+v: %v", c.change, err)
		}
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.contact_orderings`); n != 0 || r.audited(chat.ContactOrderingSet) != 0 {
		t.Errorf("%d orderings were made", n)
	}
}

// TestLabelsAreSpreadAtNight: those that have changed are made anew after a day, so that they do not tell who came when.
func TestLabelsAreSpreadAtNight(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	due := func() int {
		t.Helper()
		ids, err := r.store.ListOrderingsDue(context.WithoutCancel(t.Context()), spreadAfter, afterFailure, 10)
		if err != nil {
			t.Fatal(err)
		}
		return len(ids)
	}
	yesterday := func() {
		storetest.Exec(t, r.store, `UPDATE cloakroom.contact_orderings SET built_at = now() - interval '25 hours'`)
	}
	if yesterday(); due() != 0 {
		t.Error("labels that have not changed are made anew")
	}
	if r.labels(chat.ContactsByCity); due() != 0 {
		t.Error("labels that were just made are made anew")
	}
	r.putEmail(r.labelled(chat.ContactsByEmail)[0], to("night@x.example"))
	if due() != 0 && storetest.Value[bool](t, r.store, `SELECT built_at > now() - interval '1 hour' FROM cloakroom.contact_orderings WHERE field = 'EMAIL'`) {
		t.Error("labels are made anew before a day is over")
	}
	if yesterday(); due() != 1 {
		t.Error("labels that have changed stay as they are")
	}
	if err := r.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.finish(r.orderJob())
	if apart := r.wrong(`SELECT DISTINCT (d)::text FROM (SELECT label - lag(label) OVER (ORDER BY label) d FROM cloakroom.contact_labels WHERE field = 'EMAIL' AND label IS NOT NULL) q WHERE d IS NOT NULL`); strings.Contains(apart, "\n") {
		t.Errorf("labels lie unevenly:\n%s", apart)
	}
}
