package store_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// planOf gives the plan that PostgreSQL keeps for a statement whose arguments it has not seen: a search's statements are
// prepared, and this is the plan they all come to.
func planOf(t *testing.T, s *store.Store, sql string) string {
	t.Helper()
	return storetest.Value[string](t, s, `SELECT plan_of($1)`, sql)
}

// createPlanOf makes a function of it: what is sent as a statement with numbers for arguments must come with arguments.
const createPlanOf = `CREATE FUNCTION plan_of(statement text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE plan json; BEGIN EXECUTE 'EXPLAIN (GENERIC_PLAN, FORMAT JSON) ' || statement INTO plan; RETURN plan; END $$`

// TestSearchesOfMessagesHaveTheirPlans: whatever is asked, months are asked one after the other for as long as the page has
// room, what the index matches in one is put in order behind a fence, and what lies newest is walked by time.
func TestSearchesOfMessagesHaveTheirPlans(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, createPlanOf)
	storetest.Exec(t, s, `INSERT INTO cloakroom.message_tokens SELECT 1, n, n / 10, n % 7, timestamp '2025-01-01' + n * interval '9 minutes', 202501 + n / 5000, 1,
		ARRAY(SELECT hashint8extended((random() * 4000)::int8 + n * 0, n / 5000) FROM generate_series(1, 12)) FROM generate_series(1, 20000) n`)
	storetest.Exec(t, s, `UPDATE cloakroom.message_tokens SET account_id = 7 WHERE message_id % 50 = 0`)
	storetest.Exec(t, s, `INSERT INTO messages (account_id, inbox_id, conversation_id, message_type, content, created_at, updated_at)
		SELECT 1, 1 + n % 7, 501 + n % 200, n % 2, md5(n::text) || ' ' || md5((n * 7)::text), timestamp '2025-01-01' + n * interval '9 minutes', now() FROM generate_series(1, 8000) n`)
	storetest.Exec(t, s, `VACUUM ANALYZE cloakroom.message_tokens`)
	storetest.Exec(t, s, `VACUUM ANALYZE messages`)
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, v := range map[string]chat.Visibility{"all": {Reach: chat.ReachAll}, "inboxes": {Reach: chat.ReachInboxes, UserID: schema.Max},
		"unassigned": {Reach: chat.ReachUnassigned, UserID: schema.Max}} {
		for _, from := range []*chat.Position{nil, {Time: &at, ID: 7}} {
			for words := 1; words <= 3; words++ {
				q := store.MessageCandidates{Visibility: v, Sealed: true, From: from, Limit: 60, Months: []store.MonthTokens{{Month: 202503}}}
				for range 4 {
					q.Months[0].Lists = append(q.Months[0].Lists, make([]int64, words))
				}
				for _, account := range []int64{schema.Acme, 7} { // one that has nearly all rows, and a small one
					all, newest := store.TokenStatements(account, q)
					plan := planOf(t, s, all)
					expectPlan(t, name+", all", plan, "message_tokens_by_token", "message_tokens_by_time")
					if !strings.Contains(plan, `"Presorted Key": ["w.place"]`) || strings.Contains(plan, `"message_tokens_pkey"`) {
						t.Errorf("%s: not month by month:\n%s", name, plan)
					}
					expectPlan(t, name+", newest", planOf(t, s, newest), "message_tokens_by_time", "message_tokens_by_token")
				}
			}
			q := store.MessageCandidates{Visibility: v, From: from, Limit: 60, Patterns: [][]string{{"word", "other"}, {"third"}}}
			all, newest := store.PatternStatements(schema.Acme, q)
			expectPlan(t, name+", plain, newest", planOf(t, s, newest), "index_messages_on_account_created_type", "index_messages_on_content")
			if !strings.Contains(all, "AS MATERIALIZED") {
				t.Errorf("no fence in %s", all)
			}
		}
	}
}

func expectPlan(t *testing.T, what, plan, index, never string) {
	t.Helper()
	if !strings.Contains(plan, `"Index Name": "`+index+`"`) || strings.Contains(plan, `"Index Name": "`+never+`"`) || !strings.Contains(plan, `"CTE Name": "c"`) ||
		strings.Contains(plan, `"Node Type": "Seq Scan",`+"\n"+`"Relation Name": "message`) {
		t.Errorf("%s goes by another plan:\n%s", what, plan)
	}
}

// TestMonthsAreAskedInOneRoundTrip holds that it is one however many they are, and what is found among the newest rows.
func TestMonthsAreAskedInOneRoundTrip(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.message_tokens SELECT 1, n, n, 1, day, to_char(day, 'YYYYMM')::int, 1,
		CASE WHEN n % 1500 = 0 THEN ARRAY[1, 2]::int8[] ELSE ARRAY[1]::int8[] END || ARRAY[extract(month FROM day)::int8 + 100]
		FROM generate_series(1, 3000) n, LATERAL (SELECT timestamp '2025-01-01' + n * interval '1 hour' AS day) d`)
	tokens := func(of ...int64) []store.MonthTokens {
		months := make([]store.MonthTokens, 12)
		for i := range months {
			months[i] = store.MonthTokens{Month: 202512 - i, Lists: [][]int64{of, slices.Repeat([]int64{9}, len(of))}}
		}
		return months
	}
	for _, c := range []struct {
		months      []store.MonthTokens
		newest, all int
	}{{tokens(1), 60, 60}, {tokens(2), 1, 2}, {tokens(1, 2), 1, 2}, {tokens(3), 0, 0}, {tokens(102), 0, 60}, {tokens(1, 101, 2), 0, 0}} {
		q := store.MessageCandidates{Visibility: chat.Visibility{Reach: chat.ReachAll}, Months: c.months, Limit: 60}
		for i, find := range []func(context.Context, int64, store.MessageCandidates) ([]store.Candidate, store.TokenSpan, error){s.FindAmongNewest, s.FindByTokens} {
			ctx, count := store.WithCount(t.Context())
			list, span, err := find(ctx, 1, q)
			if want := []int{c.newest, c.all}[i]; err != nil || len(list) != want || count.RoundTrips.Load() != 1 || span.Oldest.Month() != 1 || span.Newest.Month() != 5 {
				t.Errorf("%v: %d found, not %d, in %d round trips, of %v, %v", c.months[0].Lists, len(list), want, count.RoundTrips.Load(), span, err)
			}
			if !slices.IsSortedFunc(list, func(a, b store.Candidate) int { return b.At.Time.Compare(*a.At.Time) }) {
				t.Errorf("%v: not the newest first", c.months[0].Lists)
			}
		}
	}
}

// TestPatternsAreTakenByTheLetter: what a client types is no pattern of its own.
func TestPatternsAreTakenByTheLetter(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, `UPDATE messages SET content = 'a%b_c\d' WHERE id = (SELECT min(id) FROM messages WHERE account_id = 1)`)
	for pattern, want := range map[string]int{`A%B_C\D`: 1, `a%b%d`: 0, `a__b_c`: 0, `b_c\`: 1, `%`: 60} {
		list, err := s.FindByPatterns(t.Context(), schema.Acme, store.MessageCandidates{Visibility: chat.Visibility{Reach: chat.ReachAll}, Patterns: [][]string{{pattern}}, Limit: 60})
		if err != nil || pattern != "%" && len(list) != want {
			t.Errorf("%q: %d found, %v", pattern, len(list), err)
		}
	}
}
