package store_test

import (
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

// TestSearchesOfMessagesHaveTheirPlans: whatever is asked, what an index matches is put in order behind a fence, and what
// lies newest is walked by time.
func TestSearchesOfMessagesHaveTheirPlans(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	storetest.Exec(t, s, createPlanOf)
	storetest.Exec(t, s, `INSERT INTO cloakroom.message_tokens SELECT 1, n, n / 10, n % 7, timestamp '2025-01-01' + n * interval '9 minutes', 202501 + n / 5000, 1,
		ARRAY(SELECT hashint8extended((random() * 4000)::int8 + n * 0, n / 5000) FROM generate_series(1, 12)) FROM generate_series(1, 20000) n`)
	storetest.Exec(t, s, `INSERT INTO messages (account_id, inbox_id, conversation_id, message_type, content, created_at, updated_at)
		SELECT 1, 1 + n % 7, 501 + n % 200, n % 2, md5(n::text) || ' ' || md5((n * 7)::text), timestamp '2025-01-01' + n * interval '9 minutes', now() FROM generate_series(1, 8000) n`)
	storetest.Exec(t, s, `VACUUM ANALYZE cloakroom.message_tokens`)
	storetest.Exec(t, s, `VACUUM ANALYZE messages`)
	at := time.Date(2025, 3, 1, 0, 0, 0, 0, time.UTC)
	for name, v := range map[string]chat.Visibility{"all": {Reach: chat.ReachAll}, "inboxes": {Reach: chat.ReachInboxes, UserID: schema.Max},
		"unassigned": {Reach: chat.ReachUnassigned, UserID: schema.Max}} {
		for _, from := range []*chat.Position{nil, {Time: &at, ID: 7}} {
			for words := 1; words <= 3; words++ {
				q := store.MessageCandidates{Visibility: v, From: from, Limit: 60}
				for range 4 {
					q.Tokens = append(q.Tokens, make([]int64, words))
				}
				all, newest := store.TokenStatements(schema.Acme, q)
				expectPlan(t, name+", all", planOf(t, s, all), "message_tokens_by_token", "message_tokens_by_time")
				expectPlan(t, name+", newest", planOf(t, s, newest), "message_tokens_by_time", "message_tokens_by_token")
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

// TestFrequentWordsAreFoundAmongTheNewest holds that one statement is enough for them, and two for others.
func TestFrequentWordsAreFoundAmongTheNewest(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	storetest.Exec(t, s, `INSERT INTO cloakroom.message_tokens SELECT 1, n, n, 1, timestamp '2025-01-01' + n * interval '1 minute', 202501, 1,
		CASE WHEN n % 1500 = 0 THEN ARRAY[1, 2]::int8[] ELSE ARRAY[1]::int8[] END FROM generate_series(1, 3000) n`)
	for _, c := range []struct {
		tokens     []int64
		found      int
		statements int64
	}{{[]int64{1}, 60, 1}, {[]int64{2}, 2, 2}, {[]int64{1, 2}, 2, 1}, {[]int64{3}, 0, 2}} {
		ctx, count := store.WithCount(t.Context())
		list, err := s.FindByTokens(ctx, 1, store.MessageCandidates{Visibility: chat.Visibility{Reach: chat.ReachAll}, Tokens: [][]int64{c.tokens, {9}}, Limit: 60})
		if err != nil || len(list) != c.found || count.Statements.Load() != c.statements {
			t.Errorf("%v: %d found in %d statements, %v", c.tokens, len(list), count.Statements.Load(), err)
		}
		for i := range list[:max(0, len(list)-1)] {
			if !list[i+1].Time.Before(*list[i].Time) {
				t.Errorf("%v: not the newest first", c.tokens)
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
