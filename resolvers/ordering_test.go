package resolvers_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const setOrdering = `mutation ($i: SetContactOrderingInput!) { setContactOrdering(input: $i) { account { search { orderings { field ready } } } } }`

func ordering(account, field string, labels bool) map[string]any {
	return map[string]any{"i": map[string]any{"accountId": account, "field": field, "labels": labels, "reason": "a list of a million"}}
}

// idsBy reads the ids of all contacts in an order, page by page.
func idsBy(t *testing.T, e *edge, viewer, field, direction string, n int) []string {
	t.Helper()
	contacts, cursors := contactsBy(t, e, viewer, "1", field, direction, n)
	ids := make([]string, len(contacts))
	for i, c := range contacts {
		ids[i] = c.ID
	}
	sayNothing(t, contacts, cursors)
	return ids
}

// TestLabelsChangeNoOrder: with labels and without, in pages large and small, and to whoever asks, an order is one list.
// By e-mail addresses none is had by whom they are hidden from.
func TestLabelsChangeNoOrder(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	fields := []string{"EMAIL", "COMPANY", "COUNTRY"}
	before := make(map[string][]string)
	lists := func(check func(key, viewer string, ids []string)) {
		for _, field := range fields {
			for _, direction := range []string{"ASC", "DESC"} {
				for viewer, n := range map[string]int{"exempt": 100, "masked": 80} {
					if viewer != "masked" || field != "EMAIL" {
						check(field+" "+direction, viewer, idsBy(t, e, viewer, field, direction, n))
					}
				}
			}
		}
	}
	lists(func(key, viewer string, ids []string) {
		if before[key] == nil {
			before[key] = ids
		}
		if diff := cmp.Diff(before[key], ids); diff != "" || len(ids) < 200 {
			t.Errorf("%s for %s, %d contacts:\n%s", key, viewer, len(ids), diff)
		}
	})
	for _, field := range append(slices.Clone(fields), "NAME") {
		e.ask(t, "root", setOrdering, ordering("1", field, true)).data(t, new(any))
	}
	work(t, e)
	var answer struct {
		Account struct {
			Search struct {
				Orderings []struct {
					Field string
					Ready bool
				}
			}
		}
	}
	e.ask(t, "exempt", `{ account(id: "1") { search { orderings { field ready } } } }`, nil).data(t, &answer)
	for _, o := range answer.Account.Search.Orderings {
		if !o.Ready {
			t.Errorf("the order by %s is not ready", o.Field)
		}
	}
	lists(func(key, viewer string, ids []string) {
		if diff := cmp.Diff(before[key], ids); diff != "" {
			t.Errorf("%s for %s (-list +labels):\n%s", key, viewer, diff)
		}
	})
	byNameIsOneList(t, e)
	wantFault(t, e.ask(t, "masked", orderedContacts, map[string]any{"a": "1", "f": "EMAIL", "d": "ASC", "n": 2}), string(chat.PIIFilterRejected), "orderBy.field")
}

// byNameIsOneList: masked or not, one sees names in one order, and those that are sealed away last.
func byNameIsOneList(t *testing.T, e *edge) {
	t.Helper()
	masked := idsBy(t, e, "masked", "NAME", "ASC", 90)
	if diff := cmp.Diff(idsBy(t, e, "exempt", "NAME", "ASC", 100), masked); diff != "" {
		t.Errorf("by name (-exempt +masked):\n%s", diff)
	}
	away := strings.Fields(storetest.Value[string](t, e.store, `SELECT string_agg(contact_id::text, ' ' ORDER BY contact_id) FROM cloakroom.contacts WHERE account_id = 1 AND name_sealed IS NOT NULL`))
	last := masked[len(masked)-len(away):]
	slices.Sort(away)
	if tail := slices.Clone(last); len(away) > 0 {
		for _, id := range away {
			if at := slices.Index(masked, id); at < len(masked)-60 {
				t.Errorf("contact %s, whose name is sealed away, stands at %d of %d: %v", id, at, len(masked), tail)
			}
		}
	}
}

// work has every open job done.
func work(t *testing.T, e *edge) {
	t.Helper()
	for {
		jobs, err := e.vault.ListJobs(t.Context(), false)
		if err != nil {
			t.Fatal(err)
		}
		if len(jobs) == 0 {
			break
		}
		for _, job := range jobs {
			again, done, err := e.vault.WorkJob(t.Context(), job.ID, time.Second)
			if err != nil {
				t.Fatal(err)
			}
			if rest := time.NewTimer(again); !done {
				<-rest.C
			}
		}
	}
	if err := e.auth.AwaitForgotten(t.Context()); err != nil {
		t.Fatal(err)
	}
	e.auth.ForgetAll()
}

// TestWhoMayHaveLabelsMade: super admins alone, for orders that may have them, with a reason.
func TestWhoMayHaveLabelsMade(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, viewer := range []string{"masked", "exempt", "admin", "everything"} {
		if code, _ := fault(t, e.ask(t, viewer, setOrdering, ordering("1", "EMAIL", true))); code == "" {
			t.Errorf("%s has labels made", viewer)
		}
	}
	wantFault(t, e.ask(t, "root", setOrdering, ordering("1", "PHONE_NUMBER", true)), string(chat.Invalid), "input.field")
	wantFault(t, e.ask(t, "root", setOrdering, ordering("1", "CREATED_AT", true)), string(chat.Invalid), "input.field")
	wantFault(t, e.ask(t, "root", setOrdering, ordering("2", "EMAIL", true)), string(chat.Invalid), "input.accountId")
	wantFault(t, e.ask(t, "root", setOrdering, ordering("77", "EMAIL", true)), string(chat.NotFound), "input.accountId")
	blank := ordering("1", "EMAIL", true)
	blank["i"].(map[string]any)["reason"] = " "
	wantFault(t, e.ask(t, "root", setOrdering, blank), string(chat.Invalid), "input.reason")
	if n := storetest.Value[int64](t, e.store, `SELECT count(*) FROM cloakroom.contact_orderings`); n != 0 {
		t.Errorf("%d orders are kept", n)
	}
}
