package vault

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestTokensThatLie: a hit is what opens and matches, whatever the index says.
func TestTokensThatLie(t *testing.T) {
	t.Parallel()
	r := newTalkative(t, schema.Borealis, "quokka one", "quokka two", "quokka three", "quokka four", "quokka five", "wombat")
	account, all := r.account(schema.Borealis), r.everySaid(schema.Borealis)
	ids := naive(t, "quokka", all, nil)
	wombat := naive(t, "wombat", all, nil)[0]
	for _, sql := range []string{
		`UPDATE cloakroom.message_tokens SET tokens = (SELECT tokens FROM cloakroom.message_tokens WHERE message_id = $2) WHERE message_id = $1`, // an edited one's
		`DELETE FROM cloakroom.message_tokens WHERE message_id = $1 AND $2 > 0`,
		`UPDATE cloakroom.messages SET content_sealed = set_byte(content_sealed, 40, get_byte(content_sealed, 40) # 1) WHERE message_id = $1 AND $2 > 0`,
		`DELETE FROM cloakroom.messages WHERE message_id = $1 AND $2 > 0`,
	} {
		target := ids[0]
		if strings.Contains(sql, "(SELECT tokens") {
			target = wombat
		} else {
			ids = ids[1:]
		}
		storetest.Exec(t, r.store, sql, target, ids[len(ids)-1])
	}
	got, _ := r.pages(account, chat.MessageSearch{Text: "quokka", Visibility: seesEverything}, 10)
	if diff := cmp.Diff(ids, got); diff != "" {
		t.Errorf("(-intact +found)\n%s", diff)
	}
	if got, _ := r.pages(account, chat.MessageSearch{Text: "wombat", Visibility: seesEverything}, 10); len(got) != 0 {
		t.Errorf("found %v by tokens of another", got)
	}
	if n := r.counted(unreadableCounter, "content"); n != 2 {
		t.Errorf("%v texts are said not to open, want 2", n)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.search_settings SET messages_indexed = false WHERE account_id = 2`)
	if got, _ := r.pages(r.account(schema.Borealis), chat.MessageSearch{Text: "wombat", Visibility: seesEverything}, 10); !slices.Equal(got, []int64{wombat}) {
		t.Errorf("tokens that are not complete are gone by: %v", got)
	}
}

// TestWhoFinds holds that a search shows no message of a conversation that the list does not show.
func TestWhoFinds(t *testing.T) {
	t.Parallel()
	texts := make([]string, 250)
	for i := range texts {
		texts[i] = "pangolin"
	}
	r := newTalkative(t, schema.Acme, texts...)
	account, all := r.account(schema.Acme), r.everySaid(schema.Acme)
	sizes := make(map[int]bool)
	for _, v := range []chat.Visibility{
		seesEverything, {Reach: chat.ReachInboxes, UserID: schema.Max}, {Reach: chat.ReachUnassigned, UserID: schema.Max},
		{Reach: chat.ReachMine, UserID: schema.Max}, {Reach: chat.ReachInboxes, UserID: schema.Zoe}, {UserID: schema.Max}, {},
	} {
		listed := make(map[int64]bool)
		rows, err := r.store.ListConversations(t.Context(), schema.Acme, chat.ConversationQuery{Visibility: v, Page: chat.Page{Limit: 10_000},
			Order: chat.ConversationOrder{Field: chat.ByCreated, Direction: chat.Ascending}})
		if err != nil {
			t.Fatal(err)
		}
		for _, row := range rows {
			listed[row.ID] = true
		}
		want := naive(t, "pangolin", all, func(m utterance) bool { return m.text == texts[0] && listed[m.conversation] })
		sizes[len(want)] = true
		for how, a := range map[string]*chat.Account{"tokens": account, "scan": withoutIndex(account), "plain": plainly(account)} {
			if got, _ := r.pages(a, chat.MessageSearch{Text: "pangolin", Visibility: v}, 50); !slices.Equal(want, got) {
				t.Errorf("%s, %+v: %d, not %d", how, v, len(got), len(want))
			}
		}
	}
	if len(sizes) < 5 {
		t.Errorf("the viewers find %v", sizes)
	}
	borealis := r.account(schema.Borealis)
	if got, _ := r.pages(borealis, chat.MessageSearch{Text: "pangolin", Visibility: seesEverything}, 50); len(got) != 0 {
		t.Errorf("another account finds %v", got)
	}
}

// TestMaskedViewersFindWhatTheySee: what is null for them has no words.
func TestMaskedViewersFindWhatTheySee(t *testing.T) {
	t.Parallel()
	texts := []string{"okapi wrote from okapi@example.com", "okapi 555 123 4567", "okapi came", "okapi went"}
	r := newTalkative(t, schema.Borealis, texts...)
	storetest.Exec(t, r.store, `UPDATE messages SET message_type = CASE WHEN content LIKE '%came' THEN 3 ELSE 2 END WHERE content LIKE 'okapi%' AND message_type = 1`)
	account, all := r.account(schema.Borealis), r.everySaid(schema.Borealis)
	hidden := func(m utterance) bool { return m.system && chat.TextHoldsAddress(m.text) }
	for _, query := range []string{"okapi", "okapi okapi@example.com", "555 123 4567 okapi"} {
		every := naive(t, query, all, nil)
		seen := naive(t, query, all, func(m utterance) bool { return !hidden(m) })
		for how, a := range map[string]*chat.Account{"tokens": account, "scan": withoutIndex(account), "plain": plainly(account)} {
			for masked, want := range map[bool][]int64{false: every, true: seen} {
				if got, _ := r.pages(a, chat.MessageSearch{Text: query, Visibility: seesEverything, Masked: masked}, 2); !slices.Equal(want, got) {
					t.Errorf("%s, %q, masked %t: %v, not %v", how, query, masked, got, want)
				}
			}
		}
	}
	if every, seen := naive(t, "okapi", all, nil), naive(t, "okapi", all, func(m utterance) bool { return !hidden(m) }); len(every) != 4 || len(seen) >= 4 {
		t.Errorf("%d messages, of which %d are shown", len(every), len(seen))
	}
}

// TestThreadsAreSearched: in one conversation, as long as it may be.
func TestThreadsAreSearched(t *testing.T) {
	t.Parallel()
	r := newTalkative(t, schema.Acme, "numbat")
	storetest.Exec(t, r.store, `UPDATE messages SET conversation_id = 501 WHERE account_id = 1 AND id % 25 = 0`)
	storetest.Exec(t, r.store, `UPDATE cloakroom.messages SET conversation_id = 501 WHERE account_id = 1 AND message_id % 25 = 0`)
	account, all := r.account(schema.Acme), r.everySaid(schema.Acme)
	for _, query := range []string{"order", "the", "thank you", `"thank you"`, "numbat", "nowhere"} {
		want := naive(t, query, all, func(m utterance) bool { return m.conversation == 501 })
		for how, a := range map[string]*chat.Account{"sealed": account, "plain": plainly(account)} {
			if got, _ := r.pages(a, chat.MessageSearch{Text: query, ConversationID: 501}, 20); !slices.Equal(want, got) {
				t.Errorf("%s, %q: %d, not %d", how, query, len(got), len(want))
			}
		}
	}
}

// TestRowsOfTokens looks at what lies in the database.
func TestRowsOfTokens(t *testing.T) {
	t.Parallel()
	r := newTalkative(t, schema.Borealis, "", "dugong", "dugong", "?!", "dugong dugong")
	for what, sql := range map[string]string{
		"sealed messages without a row": `SELECT count(*) FROM cloakroom.messages s LEFT JOIN cloakroom.message_tokens t USING (account_id, message_id) WHERE t.message_id IS NULL`,
		"rows that say how many words":  `SELECT count(*) FROM cloakroom.message_tokens WHERE cardinality(tokens) % 8 > 0`,
		"rows of another message": `SELECT count(*) FROM cloakroom.message_tokens t JOIN messages m ON m.id = t.message_id WHERE t.created_at <> m.created_at
			OR t.conversation_id <> m.conversation_id OR t.inbox_id <> m.inbox_id OR t.epoch <> to_char(m.created_at, 'YYYYMM')::int OR t.account_id <> m.account_id`,
		"words where there are none": `SELECT count(*) FROM cloakroom.message_tokens t JOIN messages m ON m.id = t.message_id WHERE (m.content = '' OR m.content = '?!') AND cardinality(tokens) > 0`,
		"tokens of two accounts, months or directions": `SELECT count(*) FROM (SELECT FROM cloakroom.message_tokens t JOIN messages m ON m.id = t.message_id, unnest(t.tokens) token
			GROUP BY token HAVING count(DISTINCT (t.account_id, t.epoch, m.message_type = 0 OR COALESCE(m.sender_type, '') = 'Contact')) > 1) q`,
	} {
		if n := storetest.Value[int64](t, r.store, sql); n != 0 {
			t.Errorf("%d %s", n, what)
		}
	}
	const shared = `SELECT count(*) FROM cloakroom.message_tokens a JOIN cloakroom.message_tokens b ON a.message_id < b.message_id AND a.tokens && b.tokens
		JOIN messages m ON m.id = a.message_id JOIN messages n ON n.id = b.message_id WHERE m.account_id = 2 AND m.content LIKE 'dugong%' AND n.content LIKE 'dugong%' AND n.account_id = 2`
	if n := storetest.Value[int64](t, r.store, shared); n != 1 {
		t.Errorf("%d pairs of messages share the word, want 1: those that contacts wrote, or those that agents wrote", n)
	}
	// What is written again stands in place of what was there; a message that is gone gets no row.
	before := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.message_tokens`)
	keys, err := r.keys.Account(t.Context(), schema.Borealis)
	if err != nil {
		t.Fatal(err)
	}
	id := storetest.Value[int64](t, r.store, `SELECT max(id)::int8 FROM messages WHERE account_id = 2 AND content = 'dugong'`)
	err = r.store.InTx(t.Context(), func(tx *store.Store) error {
		return putMessageTokens(t.Context(), tx, keys, []store.PlainRow{{ID: id, Columns: [][]byte{[]byte("manatee")}}, {ID: 1 << 40, Columns: [][]byte{nil}}})
	})
	if n := storetest.Value[int64](t, r.store, shared); n != 0 || err != nil {
		t.Errorf("%d pairs share a word that one of them has no more, %v", n, err)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.message_tokens`); n != before {
		t.Errorf("%d rows, before %d", n, before)
	}
}

// TestMonthsThatNobodyExpects: what lies in the future comes first, and what is older than one statement asks for comes too.
func TestMonthsThatNobodyExpects(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.SearchTime = time.Hour
	storetest.Exec(t, r.store, `INSERT INTO messages (account_id, inbox_id, conversation_id, message_type, content, created_at, updated_at, sender_type, sender_id)
		SELECT 2, c.inbox_id, c.id, 0, 'axolotl and company', day, now(), 'Contact', 1 FROM (SELECT * FROM conversations WHERE account_id = 2 ORDER BY id LIMIT 1) c,
		unnest(ARRAY['2019-02-28 23:59:59', '2024-03-01', '2026-06-15', '2031-12-31 23:59:59.999999', '2032-01-01']::timestamp[]) day`)
	r.sealAll(schema.Borealis)
	account, all := r.account(schema.Borealis), r.everySaid(schema.Borealis)
	for _, query := range []string{"axolotl", "axolotl company"} {
		want := naive(t, query, all, nil)
		for size := 1; size <= 6; size++ {
			if got, partial := r.pages(account, chat.MessageSearch{Text: query, Visibility: seesEverything}, size); !slices.Equal(want, got) || len(got) != 5 || partial > 0 {
				t.Errorf("%q in pages of %d: %v, not %v, %d partial", query, size, got, want, partial)
			}
		}
	}
}

// TestSearchesThatAreRefused name the argument.
func TestSearchesThatAreRefused(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for _, text := range []string{"", " ", "a\x00", "!!", strings.Repeat("w ", 20)} {
		if _, err := r.SearchMessages(t.Context(), r.account(schema.Acme), chat.MessageSearch{Text: text, Visibility: seesEverything}); chat.CodeOf(err) != chat.Invalid {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestNobodyKnowsTheSettings: without them rows are opened as if they were sealed, and no index is trusted.
func TestNobodyKnowsTheSettings(t *testing.T) {
	t.Parallel()
	r := newTalkative(t, schema.Borealis, "kakapo")
	account := r.account(schema.Borealis)
	account.Settings = chat.AccountSettings{}
	if got, _ := r.pages(account, chat.MessageSearch{Text: "kakapo", Visibility: seesEverything}, 5); len(got) != 1 {
		t.Errorf("%v", got)
	}
}
