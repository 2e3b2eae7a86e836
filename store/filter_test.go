package store_test

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestLikeIsPostgreSQLs puts random texts and patterns to LIKE and ILIKE of the database and of package search.
func TestLikeIsPostgreSQLs(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	r := rand.New(rand.NewPCG(3, 4)) // the same patterns in every run
	const n = 30_000
	texts, patterns := make([]string, n), make([]string, n)
	for i := range texts {
		texts[i] = drawn(r, []string{"a", "A", "b", "%", "_", `\`, "é", "É", "漢", "🙂", " ", "ab"}, 8)
		patterns[i] = drawn(r, []string{"a", "A", "b", "%", "%", "_", `\%`, `\_`, `\\`, `\a`, "é", "É", "漢", "🙂", " ", "ab"}, 6)
		if r.IntN(3) == 0 {
			patterns[i] = "%" + patterns[i] + "%"
		}
	}
	const ask = `SELECT array_agg(t LIKE p ORDER BY n), array_agg(t ILIKE p ORDER BY n) FROM unnest($1::text[], $2::text[]) WITH ORDINALITY w(t, p, n)`
	like := storetest.Value[[]bool](t, s, `SELECT l FROM (`+ask+`) w(l, i)`, texts, patterns)
	iLike := storetest.Value[[]bool](t, s, `SELECT i FROM (`+ask+`) w(l, i)`, texts, patterns)
	hits := 0
	for i := range texts {
		if like[i] {
			hits++
		}
		if got := search.Like(texts[i], patterns[i]); got != like[i] {
			t.Fatalf("%q LIKE %q: %t here, %t there", texts[i], patterns[i], got, like[i])
		}
		if got := search.ILike(texts[i], patterns[i]); got != iLike[i] {
			t.Fatalf("%q ILIKE %q: %t here, %t there", texts[i], patterns[i], got, iLike[i])
		}
	}
	if hits < n/20 {
		t.Errorf("%d hits among %d: these patterns ask for nothing", hits, n)
	}
}

func drawn(r *rand.Rand, letters []string, most int) string {
	var b strings.Builder
	for range r.IntN(most + 1) {
		b.WriteString(letters[r.IntN(len(letters))])
	}
	return b.String()
}

// manyTagged gives an account 6,000 contacts of which each third shares a tag, some few have a rare one, and each has an
// address of its own.
func manyTagged(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.New(t)
	storetest.Exec(t, s, `INSERT INTO accounts (id, name, created_at, updated_at) VALUES (7, 'many', now(), now())`)
	storetest.Exec(t, s, `INSERT INTO contacts (id, account_id, name, last_activity_at, created_at, updated_at)
		SELECT n, 7, 'n' || n, now() - n * interval '1 minute', now(), now() FROM generate_series(1, 6000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.subject_keys (account_id, subject_key_id, contact_id, key_id, epoch, key_sealed) SELECT 7, n, n, 1, 0, 'x' FROM generate_series(1, 6000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contacts (account_id, contact_id, subject_key_id, key_id, row_version, email_sealed)
		SELECT 7, n, n, 1, 1, 'x' FROM generate_series(1, 6000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.attribute_tags (account_id, model, attribute_key, generation, tag_index, entity_id)
		SELECT 7, 'CONTACT', 'plan', 1, decode(md5(CASE WHEN n % 600 = 0 THEN 'rare' ELSE (n % 3)::text END), 'hex'), n FROM generate_series(1, 6000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id)
		SELECT 7, 1, 1, decode(md5(n::text), 'hex'), n FROM generate_series(1, 6000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contact_tokens (account_id, contact_id, generation, tokens)
		SELECT 7, n, 1, ARRAY[100000 + n, n % 1000]::bigint[] FROM generate_series(1, 6000) n`)
	storetest.Exec(t, s, `ANALYZE`)
	return s
}

// TestFiltersGoByTheirTags looks at the plans of what the database does for conditions on sealed values.
func TestFiltersGoByTheirTags(t *testing.T) {
	t.Parallel()
	s := manyTagged(t)
	tag := func(of string) []byte {
		return storetest.Value[[]byte](t, s, `SELECT decode(md5($1), 'hex')`, of)
	}
	tagged := func(of string, except, or bool) chat.ContactQuery {
		c := &chat.Comparison{Key: "plan", Found: &chat.Found{AccountID: 7, Tags: []chat.AttributeTag{{Generation: 1, Tag: tag(of)}, {Generation: 2, Tag: tag("other key")}}, Except: except}}
		other := &chat.Comparison{Attribute: chat.ByBlocked, Operator: chat.EqualTo, Values: []chat.PII{"true"}, Or: or}
		q := chat.ContactQuery{Order: chat.ContactOrder{Field: chat.ContactsByLastActivity, Direction: chat.Descending}, Page: chat.Page{Limit: 25}, Sealed: true}
		if q.Where = [][]*chat.Comparison{{c}}; or {
			q.Where = [][]*chat.Comparison{{c, other}}
		}
		return q
	}
	for name, q := range map[string]chat.ContactQuery{"a rare value": tagged("rare", false, false), "a frequent value": tagged("1", false, false),
		"any other": tagged("1", true, false), "or something else": tagged("1", false, true)} {
		plan := store.ExplainContacts(t, s, 7, q)
		index := "attribute_tags_pkey"
		if strings.Contains(name, "frequent") || strings.Contains(name, "other") {
			index = "attribute_tags_by_entity" // along the order, until the page is full
		}
		if strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, index) {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
	for name, from := range map[string]*store.FilterCandidates{
		"lookup_tags_pkey":        {Lookup: &store.LookupTag{Field: 1, Generation: 1, Tag: tag("77")}},
		"attribute_tags_pkey":     {Key: "plan", Tags: []chat.AttributeTag{{Generation: 1, Tag: tag("rare")}}},
		"contact_tokens_by_token": {Tokens: [][]int64{{100777, 777}, {-2, -3}}},
	} {
		plan := store.ExplainSealedContacts(t, s, 7, from)
		if strings.Contains(plan, "Seq Scan") || !strings.Contains(plan, name) {
			t.Errorf("%s:\n%s", name, plan)
		}
	}
}
