package vault

import (
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestSearchContacts asks everything of everybody in every way there is, and holds the answers against a naive reader's.
func TestSearchContacts(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	strangers(r)
	sealed := r.account(schema.Acme)
	list := everyContact(r)
	questions := slices.Clone(needles)
	draw := rand.New(rand.NewPCG(3, 5))
	for range 20 { // pieces of what there is
		c := list[draw.IntN(len(list))]
		value := []rune([]string{c.Name, c.Email, c.Phone, c.Identifier, c.Company}[draw.IntN(5)])
		if len(value) == 0 {
			continue
		}
		from := draw.IntN(len(value))
		piece := strings.TrimSpace(string(value[from : from+1+draw.IntN(min(len(value)-from, 9))]))
		if piece != "" {
			questions = append(questions, piece, strings.ToUpper(piece))
		}
	}
	hits := 0
	for i, text := range questions {
		for j, s := range seers {
			if j > 1 && (i+j)%5 > 0 { // a fifth of the questions is enough for each of these
				continue
			}
			want := s.finding(list, text)
			hits += len(want)
			if diff := gocmp.Diff(want, r.everyHit(sealed, s.asks(text, 100))); diff != "" {
				t.Errorf("%q of who sees %s, sealed (-naive +found):\n%s", text, s.name, diff)
			}
			if (i+j)%2 == 0 {
				if diff := gocmp.Diff(want, r.everyHit(plainly(sealed), s.asks(text, 100))); diff != "" {
					t.Errorf("%q of who sees %s, plain (-naive +found):\n%s", text, s.name, diff)
				}
			}
			if j > 1 || i%3 > 0 {
				continue
			}
			scanned := r.everyHit(scanning(sealed), s.asks(text, 100))
			slices.Sort(scanned)
			slices.Sort(want)
			if diff := gocmp.Diff(want, scanned); diff != "" {
				t.Errorf("%q of who sees %s, without tokens (-naive +found):\n%s", text, s.name, diff)
			}
		}
	}
	if hits < 2000 {
		t.Errorf("all questions together have %d hits", hits)
	}
	if n := r.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values did not open", n)
	}
}

// TestSearchedPagesMakeTheList turns pages of every size, in every way there is.
func TestSearchedPagesMakeTheList(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	sealed := r.account(schema.Acme)
	for name, account := range map[string]*chat.Account{"sealed": sealed, "plain": plainly(sealed), "scanned": scanning(sealed)} {
		for _, text := range []string{"moura", "2010", "example.com", "nobody at all"} {
			q := seers[0].asks(text, 100)
			want := r.everyHit(account, q)
			for _, limit := range []int{1, 3, 17} {
				q.Page.Limit = limit
				if diff := gocmp.Diff(want, r.everyHit(account, q)); diff != "" {
					t.Errorf("%s, %q in pages of %d (-whole +pages):\n%s", name, text, limit, diff)
				}
			}
			q.Page = chat.Page{Limit: 5, Exact: true}
			found, err := r.SearchContacts(t.Context(), account, q)
			if err != nil || len(found.Contacts) != min(5, len(want)) || found.Partial {
				t.Errorf("%s, %q: a page that asks for no more has %d of %d contacts, %v", name, text, len(found.Contacts), len(want), err)
			}
		}
	}
}

// TestFoundComesFirst has a look-up find a contact that the text finds otherwise as well: it is there once.
func TestFoundComesFirst(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	sealed := r.account(schema.Acme)
	for name, account := range map[string]*chat.Account{"sealed": sealed, "plain": plainly(sealed), "scanned": scanning(sealed)} {
		q := seers[1].asks("moura", 100)
		all := r.everyHit(account, q)
		last := all[len(all)-1]
		want := slices.Concat([]int64{last}, all[:len(all)-1])
		for _, limit := range []int{1, 2, 50} {
			q := seers[1].asks("moura", limit)
			q.Found = r.contacts(account, last)[0]
			if diff := gocmp.Diff(want, r.everyHit(account, q)); diff != "" {
				t.Errorf("%s, pages of %d:\n%s", name, limit, diff)
			}
		}
		q = seers[1].asks("nobody at all", 1)
		q.Found = r.contacts(account, last)[0]
		if got := r.everyHit(account, q); !slices.Equal(got, []int64{last}) {
			t.Errorf("%s: a look-up alone gives %v", name, got)
		}
	}
}

// TestSearchesAreBounded: how many contacts one request looks at, and that the next goes on where it stopped.
func TestSearchesAreBounded(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	storetest.Exec(t, r.store, `INSERT INTO contacts (account_id, name, email, last_activity_at, created_at, updated_at)
		SELECT 1, 'crowd', 'crowd' || n || '@example.net', timestamp '2027-01-01' + n * interval '1 second', now(), now() FROM generate_series(1, 2100) n`)
	if err := r.SealAccount(t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		t.Fatal(err)
	}
	sealed := r.account(schema.Acme)
	if found, err := r.SearchContacts(t.Context(), scanning(sealed), seers[0].asks("moura.001@", 10)); err != nil || !found.Partial || len(found.Contacts) > 0 || !found.Info.HasNextPage || found.Info.End == nil {
		t.Errorf("a scan beyond its bound: %+v, %v", found, err)
	}
	if got := r.everyHit(scanning(sealed), seers[0].asks("moura.001@", 10)); !slices.Equal(got, []int64{everything}) {
		t.Errorf("a scan to its end finds %v", got)
	}
	if found, err := r.SearchContacts(t.Context(), scanning(sealed), seers[0].asks("ines.moura.001@example.com", 10)); err != nil || len(found.Contacts) != 1 {
		t.Errorf("a scan for a whole address: %+v, %v", found, err)
	}
	// As if every contact of the crowd had had another address before.
	storetest.Exec(t, r.store, `UPDATE cloakroom.contact_tokens t SET tokens = t.tokens || o.tokens FROM cloakroom.contact_tokens o, contacts c
		WHERE o.account_id = 1 AND o.contact_id = $1 AND c.name = 'crowd' AND t.contact_id = c.id`, everything)
	q := seers[0].asks("moura.001@", 10)
	found, err := r.SearchContacts(t.Context(), sealed, q)
	if err != nil || !found.Partial || len(found.Contacts) > 0 {
		t.Errorf("candidates beyond their bound: %+v, %v", found, err)
	}
	if got := r.everyHit(sealed, q); !slices.Equal(got, []int64{everything}) {
		t.Errorf("a search to its end finds %v", got)
	}
	r.SearchTime = 0
	if found, err := r.SearchContacts(t.Context(), sealed, q); err != nil || !found.Partial || found.Info.End == nil {
		t.Errorf("a search without time: %+v, %v", found, err)
	}
}

// TestSearchCosts: a page takes one statement, whatever it finds.
func TestSearchCosts(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	sealed := r.account(schema.Acme)
	r.everyHit(sealed, seers[0].asks("nobody", 1)) // and the account's keys are read
	for name, account := range map[string]*chat.Account{"sealed": sealed, "plain": plainly(sealed)} {
		for _, text := range []string{"moura", "+15552010001", "nobody", "example.com"} {
			for _, s := range seers {
				ctx, count := store.WithCount(t.Context())
				found, err := r.SearchContacts(ctx, account, s.asks(text, 15))
				if err != nil || count.Statements.Load() > 1 {
					t.Errorf("%s, %q of who sees %s: %d statements, %v, %v", name, text, s.name, count.Statements.Load(), found, err)
				}
			}
		}
	}
	if len(r.cached(sealed)) != 0 {
		t.Error("a search has filled Redis")
	}
}

// TestBrokenContactsAreNotFound breaks contacts in every way there is: others are found, what is broken is on record once.
func TestBrokenContactsAreNotFound(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	sealed := r.account(schema.Acme)
	q := seers[0].asks("example.com", 100)
	before := r.everyHit(sealed, q)
	broken := before[:4]
	for i, sql := range []string{
		`UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, length(email_sealed) - 1, get_byte(email_sealed, length(email_sealed) - 1) # 1) WHERE contact_id = $1`,
		`UPDATE cloakroom.contacts SET row_version = row_version + 1 WHERE contact_id = $1`,
		`DELETE FROM cloakroom.contacts WHERE contact_id = $1`,
		`UPDATE cloakroom.subject_keys SET key_sealed = set_byte(key_sealed, 20, get_byte(key_sealed, 20) # 1) WHERE contact_id = $1`,
	} {
		storetest.Exec(t, r.store, sql, broken[i])
	}
	for range 2 {
		if diff := gocmp.Diff(before[4:], r.everyHit(sealed, q)); diff != "" {
			t.Error(diff)
		}
	}
	if n := r.audited(chat.SealedUnreadableHit); n != 6 { // two of them have a profile that does not open either
		t.Errorf("%d are on record, want 6", n)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET row_version = row_version + 1 WHERE account_id = 1`)
	if _, err := r.SearchContacts(t.Context(), sealed, q); chat.CodeOf(err) != chat.SealedUnreadable {
		t.Errorf("an account that does not open: %v", err)
	}
}

// TestContactTokensFollowTheirContact changes, merges and erases: who was found is not, who is now is.
func TestContactTokensFollowTheirContact(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	sealed := r.account(schema.Acme)
	finds := func(text string, want ...int64) {
		t.Helper()
		if got := r.everyHit(sealed, seers[0].asks(text, 10)); !slices.Equal(got, want) && len(got)+len(want) > 0 {
			t.Errorf("%q finds %v, want %v", text, got, want)
		}
	}
	value := func(s string) *chat.PII { p := chat.PII(s); return &p }
	c, err := r.CreateContact(t.Context(), sealed, ContactChange{chat.FieldEmail: value("quetzal.one@example.net"), chat.FieldName: value("quetzal.one")})
	if err != nil {
		t.Fatal(err)
	}
	finds("quetzal", c.ID)
	if err := r.PutContact(t.Context(), sealed, c.ID, ContactChange{chat.FieldEmail: value("okapi@example.net"), chat.FieldProfile: value(`{"company_name": "Zorilla Works"}`)}); err != nil {
		t.Fatal(err)
	}
	finds("okapi@", c.ID)
	finds("zorilla", c.ID)
	finds("quetzal.one@") // the name was an address, and stays sealed: found all the same
	finds("quetzal.one", c.ID)
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.contact_tokens WHERE account_id = 1 AND array_length(tokens, 1) % 8 > 0`); n > 0 {
		t.Errorf("%d rows of tokens say how many there are", n)
	}
	if all, have := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.contacts WHERE account_id = 1`), storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.contact_tokens`); all != have {
		t.Errorf("%d of %d contacts have a row of tokens", have, all)
	}
}

// TestSearchBindsNoAddress looks at what PostgreSQL is told of a text that holds one.
func TestSearchBindsNoAddress(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"ines@example.com", "ines@", "+1 555 201 0001", "5552010001"} {
		r := &contactSearch{source: store.ContactSource{Sealed: true, SealedAttributes: true}, Query: seers[1].asks(text, 1)}
		if err := r.ask(true); err != nil || !gocmp.Equal(r.candidates, store.ContactCandidates{}) {
			t.Errorf("%q: %+v, %v", text, r.candidates, err)
		}
	}
}

// TestCursorsOfASearch: a cursor opens for the same question by who sees the same, and nowhere else.
func TestCursorsOfASearch(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	a := r.account(schema.Acme)
	names := map[string]string{}
	add := func(what string, account *chat.Account, q chat.ContactSearch) {
		name := ContactSearchList(account, q)
		if strings.Contains(name, "moura") {
			t.Errorf("%s: the name of a list holds its text", what)
		}
		if other, taken := names[name]; taken {
			t.Errorf("%s and %s are one list", what, other)
		}
		names[name] = what
	}
	for _, s := range seers {
		for _, text := range []string{"moura", "Moura"} {
			add(s.name+" "+text, a, s.asks(text, 5))
			add(s.name+" scanned "+text, scanning(a), s.asks(text, 5))
			add(s.name+" plain "+text, plainly(a), s.asks(text, 5))
		}
	}
	q := seers[0].asks("moura", 5)
	q.Parts = maps.Clone(q.Parts)
	if ContactSearchList(a, q) != ContactSearchList(a, seers[0].asks("moura", 50)) {
		t.Error("one list has two names")
	}
}
