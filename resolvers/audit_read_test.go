package resolvers_test

import (
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// recorded gives the entries of an account with an action, newest first.
func recorded(t testing.TB, e *edge, account string, action chat.Action) []chat.AuditEntry {
	t.Helper()
	id, err := strconv.ParseInt(account, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	all, err := e.vault.Entries(t.Context(), id, time.Time{}, 1000)
	if err != nil {
		t.Fatal(err)
	}
	var entries []chat.AuditEntry
	for _, entry := range all {
		if entry.Action == action {
			entries = append(entries, entry)
		}
	}
	return entries
}

// bothAccounts asks of two accounts at once, and of one value under several names.
var bothAccounts = question{name: "both accounts", query: `{ a: account(id: "1") { one: contact(id: "1") { email } again: contact(id: "1") { mail: email name }
 conversations(first: 3) { nodes { contact { phoneNumber } messages(last: 3) { nodes { email { from } sender { ... on Contact { email } } } } } } }
 b: account(id: "2") { contacts(first: 2) { edges { node { email contactInboxes { sourceId } } } } } }`}

// TestReadsByServicesAreOnRecord asks for every output field on every path, from plans and field by field: where an answer
// shows a personal value there is one entry, which names exactly those whose values these are, by kind.
func TestReadsByServicesAreOnRecord(t *testing.T) {
	t.Parallel()
	planned := newReplica(t, sealedDemo.Clone(t), leaseRedis(t), frozen())
	slow := planned.with(t, resolvers.Settings{Open: true, FieldByField: true})
	o := newOracle(t, planned)
	readers := map[string]bool{"everything": true, "pii-service": true, "reader-service": false} // who sees names by right
	showed := 0
	nth := -1
	for viewer, names := range readers {
		for way, e := range map[string]*edge{"from a plan": planned, "field by field": slow} {
			nth++
			for i, q := range append(append(questions(t), walk(t)...), bothAccounts) {
				if q.changes() || (nth+i)%thinned != 0 {
					continue
				}
				query, doc := o.marked(t, q.query)
				onRecord(t, e)
				want := o.reads(t, doc, e.ask(t, viewer, query, q.variables).body, names)
				got, entries := onRecord(t, e)
				if diff := cmp.Diff(want, got); diff != "" {
					t.Errorf("%s by %s, %s (-shown +on record):\n%s", q.name, viewer, way, diff)
				}
				if accounts := accountsOf(want); entries != accounts {
					t.Errorf("%s by %s, %s: %d entries for %d accounts", q.name, viewer, way, entries, accounts)
				}
				if len(want) > 0 {
					showed++
				}
			}
		}
	}
	if showed < 100 {
		t.Errorf("%d answers showed something: the test looks in the wrong place", showed)
	}
}

func accountsOf(s readings) int {
	accounts := make(map[string]bool)
	for key := range s {
		account, _, _ := strings.Cut(key, " ")
		accounts[account] = true
	}
	return len(accounts)
}

// TestReadsAsTheyAreAsked asks the four workloads as they are, without marks: they are answered from plans whole.
func TestReadsAsTheyAreAsked(t *testing.T) {
	t.Parallel()
	e := newReplica(t, sealedDemo.Clone(t), leaseRedis(t), frozen())
	onRecord(t, e)
	for _, w := range workloads {
		e.ask(t, "everything", w.query, askers[3].variables(25)).data(t, new(any))
		got, entries := onRecord(t, e)
		most := 25
		if strings.HasPrefix(w.name, "W2") || strings.HasPrefix(w.name, "W4") {
			most = 1
		}
		for _, kind := range []string{"1 EMAIL", "1 PHONE", "1 NAME"} {
			if n := len(got[kind]); n == 0 || n > most {
				t.Errorf("%s: %d contacts of %s, want 1 to %d", w.name, n, kind, most)
			}
		}
		if entries != 1 {
			t.Errorf("%s: %d entries", w.name, entries)
		}
	}
	for _, viewer := range []string{"masked", "exempt", "admin", "root"} {
		for _, w := range workloads {
			e.ask(t, viewer, w.query, askers[0].variables(25)).data(t, new(any))
		}
		if got, entries := onRecord(t, e); entries != 0 {
			t.Errorf("%s sees by right, and is on record with %v", viewer, got)
		}
	}
}

// TestReadsThatCannotBePutOnRecord: nothing is shown to a service then; users are shown what they were.
func TestReadsThatCannotBePutOnRecord(t *testing.T) {
	t.Parallel()
	planned := newEdge(t)
	slow := planned.with(t, resolvers.Settings{Open: true, FieldByField: true})
	storetest.Exec(t, planned.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`)
	needles := hiddenValues(t)
	for _, e := range []*edge{planned, slow} {
		for _, w := range workloads {
			answer := e.ask(t, "everything", w.query, askers[3].variables(25))
			if code, _ := fault(t, answer); code != string(chat.Limited) && code != string(chat.Internal) || len(needles.Find(answer.body)) > 0 {
				t.Errorf("%s: %d, code %q, %.300s", w.name, answer.status, code, answer.body)
			}
		}
		if answer := e.ask(t, "everything", workloads[2].query, askers[3].variables(25)); answer.status != http.StatusServiceUnavailable {
			t.Errorf("a page that cannot be put on record has status %d", answer.status)
		}
		e.ask(t, "everything", `{ account(id: "1") { contact(id: "1") { id alias } } }`, nil).data(t, new(any))
		e.ask(t, "exempt", workloads[2].query, askers[1].variables(25)).data(t, new(any))
	}
	mustBeClean(t, sealedValues(t), "the log", planned.log.bytes())
}

// TestPurpose: a service's word for why is sealed in what is on record of its request; one that is none is refused.
func TestPurpose(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	const email = `{ account(id: "1") { contact(id: "1") { email } } }`
	ask := func(viewer string, purposes ...string) reply {
		r := newRequest(t, viewer, email, nil)
		for _, p := range purposes {
			r.Header.Add(resolvers.PurposeHeader, p)
		}
		return e.send(t.Context(), r)
	}
	ask("everything", " monthly invoices ").data(t, new(any))
	entry := newest(t, e, 1)
	wantEntry(t, entry, chat.PIIRead, "", "contact", "1", map[string]any{"shown": map[string]any{"EMAIL": []any{1.0}}, "purpose": "monthly invoices"})
	if entry.Actor.Kind != string(chat.KindService) {
		t.Errorf("by %v", entry.Actor)
	}
	sealed := storetest.Value[string](t, e.store, `SELECT string_agg(e::text || encode(details_sealed, 'escape'), '') FROM cloakroom.audit_entries e`)
	if strings.Contains(sealed, "invoices") {
		t.Error("the purpose is not sealed")
	}
	for what, purposes := range map[string][]string{"an address": {"for ann@example.com"}, "too long": {strings.Repeat("é", 201)},
		"two": {"one", "two"}, "control characters": {"one\x07"}, "no UTF-8": {"\xff"}} {
		answer := ask("everything", purposes...)
		if code, field := fault(t, answer); code != string(chat.Invalid) || field != resolvers.PurposeHeader || answer.status != http.StatusBadRequest {
			t.Errorf("%s: %d, %s, %s", what, answer.status, code, field)
		}
	}
	ask("everything", strings.Repeat("é", 200)).data(t, new(any))
	ask("admin", "for ann@example.com").data(t, new(any)) // nobody asks users why
}

// TestTheTrailHoldsNoValues asks as a service for everything, and looks for its values in the trail's rows.
func TestTheTrailHoldsNoValues(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, q := range append(walk(t), bothAccounts) {
		e.ask(t, "everything", q.query, q.variables)
	}
	if n := len(recorded(t, e, "1", chat.PIIRead)); n < 20 {
		t.Errorf("%d entries: the test looks in the wrong place", n)
	}
	rows := storetest.Value[string](t, e.store, `SELECT string_agg(e::text || encode(details_sealed, 'escape'), E'\n') FROM cloakroom.audit_entries e`)
	mustBeClean(t, sealedValues(t), "the audit trail", []byte(rows))
}
