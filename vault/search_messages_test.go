package vault

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store/storetest"
)

var seesEverything = chat.Visibility{Reach: chat.ReachAll}

// newTalkative gives a replica with a sealed account that has more messages than the demo's, oldest first, three a day;
// nothing hurries its searches.
func newTalkative(t testing.TB, account int64, messages ...string) *replica {
	t.Helper()
	r := newSealed(t)
	r.SearchTime = time.Hour
	storetest.Exec(t, r.store, `WITH c AS (SELECT id, inbox_id, row_number() OVER (ORDER BY id) - 1 AS at, count(*) OVER () AS n FROM conversations WHERE account_id = $2)
		INSERT INTO messages (account_id, inbox_id, conversation_id, message_type, content, created_at, updated_at, sender_type, sender_id)
		SELECT $2, c.inbox_id, c.id, w.i % 2, w.content, timestamp '2023-01-01' + (w.i / 3) * interval '1 day', now(), CASE w.i % 2 WHEN 0 THEN 'Contact' ELSE 'User' END, 1
		FROM unnest($1::text[]) WITH ORDINALITY w(content, i) JOIN c ON c.at = (w.i * 7) % c.n`, messages, account)
	r.sealAll(account)
	return r
}

// utterance is a message as Chatwoot's own columns have it.
type utterance struct {
	id, conversation int64
	text             string
	system           bool
}

// everySaid gives an account's messages, newest first.
func (r *replica) everySaid(account int64) []utterance {
	r.t.Helper()
	const in = ` FROM messages m JOIN conversations c ON c.id = m.conversation_id WHERE m.account_id = $1`
	list := func(column string) []int64 {
		return storetest.Value[[]int64](r.t, r.store, `SELECT array_agg(`+column+` ORDER BY m.created_at DESC, m.id DESC)`+in, account)
	}
	ids, conversations, kinds := list("m.id::int8"), list("c.id::int8"), list("m.message_type::int8")
	texts := storetest.Value[[]string](r.t, r.store, `SELECT array_agg(COALESCE(m.content, '') ORDER BY m.created_at DESC, m.id DESC)`+in, account)
	all := make([]utterance, len(ids))
	for i := range all {
		all[i] = utterance{ids[i], conversations[i], texts[i], kinds[i] > 1}
	}
	return all
}

// naive gives the ids of those that match.
func naive(t testing.TB, text string, all []utterance, keep func(utterance) bool) []int64 {
	t.Helper()
	query, err := search.ParseQuery(text)
	if err != nil {
		t.Fatalf("%q: %v", text, err)
	}
	ids := []int64{}
	for _, m := range all {
		if (keep == nil || keep(m)) && query.Matches(m.text) {
			ids = append(ids, m.id)
		}
	}
	return ids
}

// pages turns all pages of a search and gives their ids, and how many pages were partial.
func (r *replica) pages(account *chat.Account, s chat.MessageSearch, size int) (ids []int64, partial int) {
	r.t.Helper()
	ids = []int64{}
	s.Page.Limit = size
	for range 5000 {
		found, err := r.SearchMessages(r.t.Context(), account, s)
		if err != nil {
			r.t.Fatalf("%q: %v", s.Text, err)
		}
		for _, row := range found.Rows {
			ids = append(ids, row.ID)
		}
		if len(found.Rows) > size || found.More && len(found.Rows) != size {
			r.t.Fatalf("%q: %d rows on a page of %d", s.Text, len(found.Rows), size)
		}
		if found.Partial {
			partial++
		}
		if !found.More && !found.Partial {
			return ids, partial
		}
		if found.End == nil {
			r.t.Fatalf("%q: nowhere to go on", s.Text)
		}
		s.Page.From = found.End
	}
	r.t.Fatalf("%q: no end", s.Text)
	return nil, 0
}

// withoutIndex is an account that accepts no index.
func withoutIndex(a *chat.Account) *chat.Account {
	c := *a
	c.Settings.Search.Mode = chat.SearchByScan
	return &c
}

// TestSearchEqualsNaive asks a sealed account for what its messages hold, by tokens and by opening one after the other,
// and as if it were plain.
func TestSearchEqualsNaive(t *testing.T) {
	t.Parallel()
	s := speaker{rand.New(rand.NewPCG(7, 7))}
	texts := make([]string, 1500)
	for i := range texts {
		texts[i] = s.message()
	}
	r := newTalkative(t, schema.Borealis, texts...)
	account, all := r.account(schema.Borealis), r.everySaid(schema.Borealis)
	if !account.Settings.Search.MessagesIndexed {
		t.Fatal("the messages of an account that was sealed in one go are not indexed")
	}
	hits := 0
	for i := range 40 {
		query := s.query(all[s.IntN(len(all))].text)
		if _, err := search.ParseQuery(query); err != nil {
			continue
		}
		want := naive(t, query, all, nil)
		hits += len(want)
		ask := chat.MessageSearch{Text: query, Visibility: seesEverything}
		got, _ := r.pages(account, ask, 5+i)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%q by tokens (-naive +found):\n%s", query, diff)
		}
		if i%6 == 0 {
			if got, _ := r.pages(withoutIndex(account), ask, 40); !slices.Equal(want, got) {
				t.Errorf("%q by scan: %d, not %d", query, len(got), len(want))
			}
		}
		plain, _ := r.pages(plainly(account), ask, 40)
		if diff := cmp.Diff(spelled(t, query, all, want), plain); diff != "" {
			t.Errorf("%q in plain (-spelled alike +found):\n%s", query, diff)
		}
	}
	if hits < 200 {
		t.Errorf("only %d hits", hits)
	}
	if n := r.counted("cloakroom_searched_messages_total", "tokens"); n < 200 {
		t.Errorf("%v messages are counted", n)
	}
}

// spelled is what an account in plain text finds: of the messages that match those that are spelled as the query is, in any
// case, or without diacritics.
func spelled(t testing.TB, text string, all []utterance, matching []int64) []int64 {
	t.Helper()
	query, err := search.ParseQuery(text)
	if err != nil {
		t.Fatal(err)
	}
	texts := make(map[int64]string, len(all))
	for _, m := range all {
		texts[m.id] = strings.ToLower(m.text)
	}
	return slices.DeleteFunc(slices.Clone(matching), func(id int64) bool {
		return slices.ContainsFunc(query.Patterns(), func(forms []string) bool {
			return !slices.ContainsFunc(forms, func(form string) bool { return strings.Contains(texts[id], strings.ToLower(form)) })
		})
	})
}

// TestTwinsAnswerEqually asks a sealed account and a plain one for the words of the demo's own messages.
func TestTwinsAnswerEqually(t *testing.T) {
	t.Parallel()
	r := newTalkative(t, schema.Acme)
	account, all := r.account(schema.Acme), r.everySaid(schema.Acme)
	s := speaker{rand.New(rand.NewPCG(8, 8))}
	for range 7 {
		fields := strings.Fields(pick(s, all).text)
		if len(fields) < 4 {
			continue
		}
		at := s.IntN(len(fields) - 3)
		for _, query := range []string{fields[at], fields[at] + " " + fields[at+2], `"` + fields[at] + " " + fields[at+1] + `"`} {
			if _, err := search.ParseQuery(query); err != nil || strings.ContainsFunc(query, func(r rune) bool { return r > '~' }) {
				continue
			}
			ask := chat.MessageSearch{Text: query, Visibility: seesEverything}
			sealed, _ := r.pages(account, ask, 100)
			plain, _ := r.pages(plainly(account), ask, 100)
			if diff := cmp.Diff(sealed, plain); diff != "" || len(sealed) == 0 {
				t.Errorf("%q: %d hits (-sealed +plain):\n%s", query, len(sealed), diff)
			}
		}
	}
}

// TestPartialPagesMakeTheWhole spends the budget of candidates, and that of time at once: everything comes once, in order.
func TestPartialPagesMakeTheWhole(t *testing.T) {
	t.Parallel()
	texts := make([]string, 1200)
	for i := range texts {
		texts[i] = "quagga zebu"
		if i < 9 || i > 1190 {
			texts[i] = "zebu quagga"
		}
	}
	r := newTalkative(t, schema.Borealis, texts...)
	account, all := r.account(schema.Borealis), r.everySaid(schema.Borealis)
	for _, hurry := range []time.Duration{time.Hour, -1} {
		r.SearchTime = hurry
		for _, size := range []int{30, 100} {
			for _, query := range []string{`"zebu quagga"`, "zebu", `zebu "the"`} {
				want := naive(t, query, all, nil)
				for how, a := range map[string]*chat.Account{"tokens": account, "scan": withoutIndex(account), "plain": plainly(account)} {
					ask := chat.MessageSearch{Text: query, Visibility: seesEverything}
					got, partial := r.pages(a, ask, size)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%s %s, pages of %d (-naive +found):\n%.500s", how, query, size, diff)
					}
					if partial == 0 && query == `"zebu quagga"` && (hurry < 0 || how == "tokens") {
						t.Errorf("%s %s, pages of %d: no page was partial", how, query, size)
					}
				}
			}
		}
	}
}
