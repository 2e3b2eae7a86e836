package store_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestContactSearchUsesItsIndexes has PostgreSQL choose by itself, over 10,000 contacts with tokens: one sequential read of
// them would be the end of an account of a million.
func TestContactSearchUsesItsIndexes(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, email, last_activity_at, created_at, updated_at)
		SELECT 1, 'crowd ' || n, 'crowd' || n || '@example.com', timestamp '2026-01-01' + n * interval '1 second', now(), now() FROM generate_series(1, 10000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contact_tokens (account_id, contact_id, generation, tokens)
		SELECT account_id, id, 1, ARRAY(SELECT (hashtext(id::text || g) % 5000)::int8 FROM generate_series(1, 24) g) FROM contacts`)
	sealPresence(t, s)
	for _, table := range []string{"contacts", "cloakroom.contact_tokens", "cloakroom.contacts"} {
		storetest.Exec(t, s, `VACUUM ANALYZE `+table) // as autovacuum does: what waits to be put into an index is read through
	}
	from := store.ContactSource{Sealed: true, SealedAttributes: true}
	at := storetest.DemoTime
	for _, after := range []*chat.Position{nil, {Time: &at, ID: 1}, {ID: 1 << 30}} {
		for _, c := range []store.ContactCandidates{
			{Tokens: [][]int64{{17, 21}, {33, 4711, 12}}}, {Name: store.LikePattern("d41d8c", false)},
			{Tokens: [][]int64{{17, 21}}, Tags: []store.LookupTag{{Field: 1, Generation: 1, Tag: make([]byte, 16)}}, Name: store.LikePattern("nobody", false)},
		} {
			if _, _, err := s.SearchContacts(t.Context(), schema.Acme, from, c, after, 60, 20_000); err != nil {
				t.Fatal(err)
			}
			plan, err := store.PlanOfContactSearch(t.Context(), s, schema.Acme, from, c, after)
			if err != nil {
				t.Fatal(err)
			}
			for _, wanted := range []string{"CTE c", "CTE Scan on c", "Limit"} {
				if !strings.Contains(plan, wanted) {
					t.Errorf("the plan has no %q:\n%s", wanted, plan)
				}
			}
			if len(c.Tokens) > 0 && !strings.Contains(plan, "Bitmap Index Scan on contact_tokens_by_token") {
				t.Errorf("the index of tokens is not used:\n%s", plan)
			}
			if c.Name != "" && !strings.Contains(plan, "Bitmap Index Scan on index_contacts_on_name_email_phone_number_identifier") {
				t.Errorf("the index of names is not used:\n%s", plan)
			}
			for _, table := range []string{"contact_tokens", "contacts", "lookup_tags", "subject_keys"} {
				if strings.Contains(plan, "Seq Scan on "+table) && table != "lookup_tags" && table != "subject_keys" { // these two are empty here
					t.Errorf("%s is read through:\n%s", table, plan)
				}
			}
		}
	}
}

// TestTokensOfContactsAreAskedOfTheirIndex in the plan that is kept for any values: of an account that has nearly all
// contacts of the installation, and of a small one, however many parts are asked for.
func TestTokensOfContactsAreAskedOfTheirIndex(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, createPlanOf)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contact_tokens (account_id, contact_id, generation, tokens)
		SELECT CASE WHEN n % 50 = 0 THEN 7 ELSE 1 END, n, 1, ARRAY(SELECT (hashtext(n::text || g) % 5000)::int8 FROM generate_series(1, 60) g) FROM generate_series(1, 5000) n`)
	storetest.Exec(t, s, `VACUUM ANALYZE cloakroom.contact_tokens`)
	for lists := 1; lists <= 5; lists++ {
		c := store.ContactCandidates{Tokens: slices.Repeat([][]int64{{1, 2, 3}}, lists), Name: store.LikePattern("nobody", false)}
		plan := planOf(t, s, store.ContactSearchStatement(7, store.ContactSource{Sealed: true, SealedAttributes: true}, c))
		if !strings.Contains(plan, `"Index Name": "contact_tokens_by_token"`) || strings.Contains(plan, "contact_tokens_pkey") || strings.Contains(plan, `"Seq Scan",`+"\n"+`"Relation Name": "contact_tokens"`) {
			t.Errorf("%d lists of tokens:\n%s", lists, plan)
		}
	}
}

// TestContactSearchThatFindsTooMany reads none of them, and says so.
func TestContactSearchThatFindsTooMany(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	from, c := store.ContactSource{}, store.ContactCandidates{Name: store.LikePattern("a", false)}
	n := storetest.Value[int64](t, s, `SELECT count(*) FROM contacts WHERE account_id = 1 AND name ILIKE '%a%'`)
	for most, want := range map[int]bool{int(n): false, int(n) - 1: true, 1: true} {
		rows, tooMany, err := s.SearchContacts(t.Context(), schema.Acme, from, c, nil, 1000, most)
		if err != nil || tooMany != want || want != (len(rows) == 0) || !want && len(rows) != int(n) {
			t.Errorf("at most %d of %d: %d contacts, too many %t, %v", most, n, len(rows), tooMany, err)
		}
	}
	if rows, tooMany, err := s.SearchContacts(t.Context(), schema.Acme, from, store.ContactCandidates{}, nil, 10, 10); err != nil || tooMany || len(rows) > 0 {
		t.Errorf("no question finds %d contacts, %v", len(rows), err)
	}
}

// TestScansGoThroughAll reads every contact once, those that never wrote at the end.
func TestScansGoThroughAll(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `UPDATE contacts SET last_activity_at = NULL WHERE id % 7 = 0`)
	var after *chat.Position
	last, seen, named := time.Now().AddDate(100, 0, 0), make(map[int64]bool), 0
	for {
		rows, err := s.ScanContacts(t.Context(), schema.Acme, store.ContactSource{}, store.ContactCandidates{Name: store.LikePattern("MOURA", false)}, after, 31)
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			at := time.Time{}
			if row.LastActivityAt != nil {
				at = *row.LastActivityAt
			}
			if seen[row.ID] || at.After(last) {
				t.Fatalf("contact %d is out of order", row.ID)
			}
			if row.Named {
				named++
			}
			seen[row.ID], last, after = true, at, row.Position
		}
		if len(rows) < 31 {
			break
		}
	}
	if n := storetest.Value[int64](t, s, `SELECT count(*) FROM contacts WHERE account_id = 1`); int(n) != len(seen) {
		t.Errorf("%d of %d contacts", len(seen), n)
	}
	if n := storetest.Value[int64](t, s, `SELECT count(*) FROM contacts WHERE account_id = 1 AND name ILIKE '%moura%'`); int(n) != named || named == 0 {
		t.Errorf("%d of %d are named so", named, n)
	}
}
