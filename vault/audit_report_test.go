package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// page gives a page's entities, and the page.
func (r *trail) page(q AuditQuestion, p chat.Page) (ids string, c *chat.AuditEntryConnection) {
	r.t.Helper()
	c, err := r.AuditPage(r.t.Context(), q, p)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, e := range c.Nodes {
		ids += " " + e.EntityID
	}
	return strings.TrimSpace(ids), c
}

func TestAuditPages(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 5)
	r.write(schema.Borealis, 1)
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET occurred_at = '2026-01-01'::timestamptz + entity_id::int * interval '1 day' WHERE account_id = 1`)
	day := func(n int) *time.Time { at := time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC); return &at }
	acme := func(f chat.AuditFilter) AuditQuestion { return AuditQuestion{AccountID: schema.Acme, Filter: f} }
	first, c := r.page(acme(chat.AuditFilter{EntityType: "user"}), chat.Page{Limit: 2})
	second, last := r.page(acme(chat.AuditFilter{EntityType: "user"}), chat.Page{Limit: 3, From: c.PageInfo.End})
	if first != "4 3" || second != "2 1 0" || !c.PageInfo.HasNextPage || last.PageInfo.HasNextPage {
		t.Errorf("%q, then %q", first, second)
	}
	for want, f := range map[string]chat.AuditFilter{
		"3": {EntityType: "user", EntityID: "3"}, "1": {ActorKind: "AGENT", ActorID: "1"}, "page page": {Action: "audit_reported"}, "": {Action: "signed_in"},
		"2 1": {EntityType: "user", From: day(2), To: day(4)}, "4": {EntityType: "user", From: day(5)},
	} {
		if got, _ := r.page(acme(f), chat.Page{Limit: 2}); got != want {
			t.Errorf("%+v gives %q, want %q", f, got, want)
		}
	}
	for place, of := range map[string]Cursors{"another account": r.AuditCursors(schema.Borealis), "another list": r.Cursors(schema.Acme, "contacts")} {
		cursor, err := c.PageInfo.EndCursor()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := of.Open(t.Context(), "after", *cursor); chat.CodeOf(err) != chat.Invalid {
			t.Errorf("%s opens the cursor: %v", place, err)
		}
	}
	if cursor, err := r.AuditCursors(0).Seal(t.Context(), &chat.Position{ID: 1}); err != nil || cursor == "" {
		t.Errorf("the installation's cursors: %v", err)
	}
}

// TestAuditDetailsAreMasked unless somebody who may says what for; either way the look is on record.
func TestAuditDetailsAreMasked(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	ctx := WithFrom(WithActor(t.Context(), chat.Actor{Kind: "ADMINISTRATOR", ID: "2"}), "203.0.113.9")
	entry := chat.AuditEntry{AccountID: schema.Acme, Actor: chat.Actor{Kind: "AGENT", ID: "4"}, Action: chat.FlagSet, EntityType: "account", EntityID: "1",
		Details: map[string]any{"enabled": true, "reason": "policy", "unheard_of": "a value"}}
	if err := r.Record(ctx, entry); err != nil {
		t.Fatal(err)
	}
	q := AuditQuestion{AccountID: schema.Acme, Filter: chat.AuditFilter{Action: string(chat.FlagSet)}}
	for want, c := range map[string]struct {
		purpose string
		may     bool
	}{
		"MASKED enabled=true from=- reason=- unheard_of=-": {"", true}, "MASKED enabled=true from=- reason=- unheard_of=- ": {"an audit", false},
		`OPEN enabled=true from="203.0.113.9" reason="policy" unheard_of="a value"`: {"an audit", true},
	} {
		q.Purpose, q.MayOpen = c.purpose, c.may
		page, err := r.AuditPage(ctx, q, chat.Page{Limit: 10})
		if err != nil || len(page.Nodes) != 1 {
			t.Fatalf("%v, %v", page, err)
		}
		got := string(page.Nodes[0].DetailsState)
		for _, d := range page.Nodes[0].Details {
			value := "-"
			if d.Value != nil {
				value = *d.Value
			}
			got += " " + d.Name + "=" + value
		}
		if got != strings.TrimSpace(want) || page.Nodes[0].AuditEntry.Details != nil {
			t.Errorf("%+v: %s", c, got)
		}
		run := r.newest(schema.Acme)
		if run.Action != chat.AuditReported || run.EntityType != "audit_report" || run.EntityID != "page" || run.Actor.ID != "2" || run.Details["rows"] != 1.0 ||
			run.Details["masked"] != !(c.may && c.purpose != "") || fmt.Sprint(run.Details["purpose"]) != orNil(c.purpose) || fmt.Sprint(run.Details["filter"]) != "map[action:feature_flag_set]" {
			t.Errorf("on record: %+v", run)
		}
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET details_sealed = '' WHERE action = 'feature_flag_set'`)
	if _, page := r.page(q, chat.Page{Limit: 10}); page.Nodes[0].DetailsState != chat.DetailsUnreadable {
		t.Errorf("what does not open: %s", page.Nodes[0].DetailsState)
	}
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.account_keysets (account_id, purpose, generation, keyset_sealed, master_key, state) VALUES (1, 'audit', 9, '', '', 'destroyed')`)
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET key_id = 9 WHERE action = 'feature_flag_set'`)
	if _, page := r.page(q, chat.Page{Limit: 10}); page.Nodes[0].DetailsState != chat.DetailsErased || len(page.Nodes[0].Details) != 0 {
		t.Errorf("a key that is gone: %+v", page.Nodes[0])
	}
}

func orNil(s string) string {
	if s == "" {
		return "<nil>"
	}
	return s
}

func (r *trail) newest(account int64) chat.AuditEntry {
	r.t.Helper()
	list, err := r.Entries(r.t.Context(), account, time.Time{}, 1)
	if err != nil || len(list) != 1 {
		r.t.Fatalf("%v, %v", list, err)
	}
	return list[0]
}

// TestNothingIsShownOffTheRecord: where the look cannot be put on record there is none.
func TestNothingIsShownOffTheRecord(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 1)
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT no_more CHECK (action <> 'audit_reported')`)
	if page, err := r.AuditPage(t.Context(), AuditQuestion{AccountID: schema.Acme}, chat.Page{Limit: 1}); err == nil {
		t.Errorf("%+v", page)
	}
}

// streamed is a report as it came, row by row.
type streamed struct {
	rows, beside, others []int64
	head                 AuditReportHead
	root                 proof.Hash
	end                  AuditReportEnd
}

func (r *trail) stream(ctx context.Context, a AuditReport) (s streamed, err error) {
	r.t.Helper()
	tree := proof.NewTree()
	a.Begin = func(h AuditReportHead) error { s.head = h; return nil }
	a.Each = func(i AuditReportItem) error {
		switch {
		case i.Row:
			s.rows = append(s.rows, i.Number)
			if !json.Valid(i.Details) {
				r.t.Errorf("row %d: %s", i.Number, i.Details)
			}
		case i.Leaf != nil:
			s.beside = append(s.beside, i.Number)
		default:
			s.others = append(s.others, i.Number)
		}
		if i.Number < 0 {
			return nil
		}
		return tree.Append(i.Hash)
	}
	s.end, err = r.ReportAudit(ctx, a)
	if err == nil {
		s.root, err = tree.Root()
	}
	return s, err
}

// TestReportsAreStreamed over several pages: with proof what the newest checkpoint signs, without whatever there is.
func TestReportsAreStreamed(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 2*verifyPage+10)
	r.write(schema.Borealis, 3)
	r.prove()
	r.write(schema.Acme, 2)
	r.number()
	r.write(schema.Acme, 2)
	acme := func(f chat.AuditFilter, proven bool) AuditReport {
		return AuditReport{AuditQuestion: AuditQuestion{AccountID: schema.Acme, Filter: f}, Proven: proven}
	}
	signed := storetest.Value[int64](t, r.store, `SELECT size FROM cloakroom.audit_checkpoints WHERE account_id = 1`)
	for name, c := range map[string]struct {
		report                     AuditReport
		rows, beside, others, last int
	}{
		"proven":       {acme(chat.AuditFilter{}, true), int(signed), 0, 0, int(signed) - 1},
		"all":          {acme(chat.AuditFilter{}, false), int(signed) + 4, 0, 0, 0},
		"some, proven": {acme(chat.AuditFilter{ActorID: "3"}, true), int(signed) / 5, 0, int(signed) / 5 * 4, -1},
		"some":         {acme(chat.AuditFilter{EntityID: "1"}, false), 3, 0, 0, 0},
	} {
		s, err := r.stream(t.Context(), c.report)
		if err != nil || len(s.rows) != c.rows || len(s.beside) != c.beside || len(s.others) != c.others || s.head.Last != int64(c.last) || s.end.Rows != int64(c.rows) || s.end.Changed != nil || s.end.Gone != 0 {
			t.Errorf("%s: %d rows, %d beside, %d others, %+v, %+v, %v", name, len(s.rows), len(s.beside), len(s.others), s.head, s.end, err)
			continue
		}
		if !c.report.Proven {
			continue
		}
		if checkpoint, err := proof.OpenCheckpoint(s.head.Note, r.trusted); err != nil || checkpoint.Root != s.root {
			t.Errorf("%s: the leaves do not come to what was signed: %v", name, err)
		}
	}
}

// TestReportsTellOfChanges, and of what lies between the first and the last of a time but is of another.
func TestReportsTellOfChanges(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 12)
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET occurred_at = '2026-01-01'::timestamptz
		+ CASE entity_id WHEN '5' THEN 50 ELSE entity_id::int END * interval '1 day' WHERE account_id = 1`)
	r.prove()
	from, to := time.Date(2026, 1, 4, 0, 0, 0, 0, time.UTC), time.Date(2026, 1, 9, 0, 0, 0, 0, time.UTC)
	report := AuditReport{AuditQuestion: AuditQuestion{AccountID: schema.Acme, Filter: chat.AuditFilter{From: &from, To: &to}}, Proven: true}
	s, err := r.stream(t.Context(), report)
	if err != nil || fmt.Sprint(s.rows, s.beside, s.others, s.head.First, s.head.Last) != "[3 4 6 7] [5] [0 1 2 8 9 10 11] 3 7" {
		t.Errorf("%+v, %v", s, err)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET actor_id = 'x' WHERE account_id = 1 AND entity_id = '4'`)
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.audit_entries WHERE account_id = 1 AND entity_id = '6'`)
	if s, err = r.stream(t.Context(), report); err != nil || len(s.end.Changed) != 1 || s.end.Gone != 1 || len(s.rows) != 3 {
		t.Errorf("%+v, %v", s, err)
	}
	storetest.Exec(t, r.store, `DELETE FROM cloakroom.audit_leaves WHERE account_id = 1 AND seq = 2`)
	if _, err := r.stream(t.Context(), report); err == nil || !strings.Contains(err.Error(), "the leaf of number 2 is gone") {
		t.Errorf("a leaf is gone: %v", err)
	}
	if s, err := r.stream(t.Context(), AuditReport{AuditQuestion: AuditQuestion{AccountID: schema.Borealis}, Proven: true}); err != nil || s.head.Note != "" || s.rows != nil {
		t.Errorf("an account without a trail: %+v, %v", s, err)
	}
}
