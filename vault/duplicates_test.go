package vault

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	gocmp "github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// doubles are contacts around the first one, with what is the same.
var doubles = []struct{ what, name, email, phone, identifier string }{
	{"self", "Quill Doubles", "quill.d@example.net", "+15557000001", "Q-1"},
	{"email", "Another", "Quill.D@EXAMPLE.net", "+15557000002", ""},
	{"phone and name", "QUILL doubles", "x1@example.net", "+15557000001", ""},
	{"phone", "Somebody", "", "+15557000001", ""},
	{"similar", "Else", "QuillD+shop@example.net", "", "Q-2"},
	{"ending", "Ender", "", "+44207000001", ""},
	{"name", "quill doubles", "", "", ""},
	{"part of the name", "Quill Doubles Jr", "", "", ""},
	{"other domain", "D", "quill.d@example.org", "+15557000003", "q-1"},
	{"wildcard", "Quill_Doubles", "", "", ""},
	{"address one", "quill@example.com", "other1@example.com", "", ""},
	{"address two", "quill@example.com", "other2@example.com", "", ""},
	{"blank one", "", "", "", ""},
	{"blank two", "", "", "", ""},
	{"short one", "QD", "", "", ""},
	{"short two", "QD", "", "", ""},
}

// makeDoubles writes and seals them, and gives their ids by what is the same.
func makeDoubles(r *replica) map[string]int64 {
	r.t.Helper()
	ids := make(map[string]int64)
	for _, d := range doubles {
		ids[d.what] = storetest.Value[int64](r.t, r.store, `INSERT INTO contacts (account_id, name, email, phone_number, identifier, created_at, updated_at)
			VALUES (1, $1, NULLIF($2, ''), NULLIF($3, ''), NULLIF($4, ''), now(), now()) RETURNING id::int8`, d.name, d.email, d.phone, d.identifier)
	}
	if err := r.SealAccount(r.t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		r.t.Fatal(err)
	}
	return ids
}

// told is the duplicates of a contact as a list of what and why.
func told(t *testing.T, r *replica, account *chat.Account, ids map[string]int64, of string, s seer) string {
	t.Helper()
	list, err := r.Duplicates(t.Context(), account, ids[of], s.asks("x", 1).Parts)
	if err != nil {
		t.Fatalf("of %q: %v", of, err)
	}
	var lines []string
	for _, d := range list {
		what := fmt.Sprint(d.Contact.ID)
		for name, id := range ids {
			if id == d.Contact.ID {
				what = name
			}
		}
		lines = append(lines, fmt.Sprintf("%s %v", what, d.Reasons))
	}
	return strings.Join(lines, "\n")
}

func TestDuplicates(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	ids := makeDoubles(r)
	sealed := r.account(schema.Acme)
	told(t, r, sealed, ids, "self", seers[0]) // and the account's keys are read
	whole := "email [SAME_EMAIL]\nphone and name [SAME_PHONE_NUMBER SAME_NAME]\nphone [SAME_PHONE_NUMBER]\n"
	for name, account := range map[string]*chat.Account{"sealed": sealed, "plain": plainly(sealed), "scanned": scanning(sealed)} {
		for _, c := range []struct {
			of   string
			seer seer
			want string
		}{
			{"self", seers[0], whole + "similar [SIMILAR_EMAIL]\nending [SAME_PHONE_ENDING]\nname [SAME_NAME]"},
			{"self", seers[1], whole + "name [SAME_NAME]"},
			{"self", seers[2], whole + "similar [SIMILAR_EMAIL]\nname [SAME_NAME]"},
			{"self", seers[3], whole + "ending [SAME_PHONE_ENDING]\nname [SAME_NAME]"},
			{"ending", seers[0], "phone and name [SAME_PHONE_ENDING]\nphone [SAME_PHONE_ENDING]\nself [SAME_PHONE_ENDING]"},
			{"ending", seers[1], ""}, {"similar", seers[4], ""}, {"other domain", seers[0], ""}, {"address one", seers[0], ""}, {"address one", seers[1], ""},
			{"blank one", seers[0], ""}, {"short one", seers[0], ""}, {"wildcard", seers[0], ""},
		} {
			got, want := strings.Split(told(t, r, account, ids, c.of, c.seer), "\n"), strings.Split(c.want, "\n")
			if diff := gocmp.Diff(want, got, inAnyOrderOfEquals); diff != "" {
				t.Errorf("%s, %q of who sees %s (-want +got):\n%s", name, c.of, c.seer.name, diff)
			}
		}
	}
}

// inAnyOrderOfEquals lets contacts with the same reasons come in any order: what decides is their last activity.
var inAnyOrderOfEquals = gocmp.Transformer("byReasons", func(lines []string) map[string]int {
	found := make(map[string]int)
	last, place := "", 0
	for _, line := range lines {
		if _, reasons, _ := strings.Cut(line, "["); reasons != last {
			last, place = reasons, place+1
		}
		found[line] = place
	}
	return found
})

func TestCostOfDuplicates(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	ids := makeDoubles(r)
	sealed := r.account(schema.Acme)
	told(t, r, sealed, ids, "self", seers[0]) // and the account's keys are read
	for _, account := range []*chat.Account{sealed, plainly(sealed)} {
		for _, of := range []string{"self", "name", "blank one"} {
			ctx, count := store.WithCount(t.Context())
			if _, err := r.Duplicates(ctx, account, ids[of], seers[0].asks("x", 1).Parts); err != nil || count.Statements.Load() > 3 {
				t.Errorf("of %q: %d statements, %v", of, count.Statements.Load(), err)
			}
		}
	}
}

func TestDuplicatesOfNobody(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	sealed := r.account(schema.Acme)
	for _, account := range []*chat.Account{sealed, plainly(sealed)} {
		for _, id := range []int64{0, -1, 1 << 40, schema.ContactOfBorealis, schema.ContactDeleted} {
			if list, err := r.Duplicates(t.Context(), account, id, nil); !errors.Is(err, chat.ErrNotFound) {
				t.Errorf("contact %d has duplicates %v, %v", id, list, err)
			}
		}
	}
}

// TestFalseTagsAreNoDuplicates points tags and tokens at contacts without the value.
func TestFalseTagsAreNoDuplicates(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	ids := makeDoubles(r)
	sealed := r.account(schema.Acme)
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id)
		SELECT account_id, field, generation, tag_index, $2 FROM cloakroom.lookup_tags WHERE account_id = 1 AND contact_id = $1`, ids["self"], ids["other domain"])
	storetest.Exec(t, r.store, `UPDATE cloakroom.contact_tokens SET tokens = (SELECT tokens FROM cloakroom.contact_tokens WHERE account_id = 1 AND contact_id = $1)
		WHERE account_id = 1 AND contact_id = $2`, ids["self"], ids["blank one"])
	got := told(t, r, sealed, ids, "self", seers[0])
	if strings.Contains(got, "other domain") || strings.Contains(got, "blank") || !strings.Contains(got, "email [SAME_EMAIL]") {
		t.Errorf("%s", got)
	}
	if n := r.audited(chat.SealedUnreadableHit); n != 1 {
		t.Errorf("%d are on record, want the one that tags lie about", n)
	}
}

// TestSharedIdentifiers: a value that two contacts have had since before it must be unique.
func TestSharedIdentifiers(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	ids := makeDoubles(r)
	storetest.Exec(t, r.store, `UPDATE contacts SET identifier = NULL WHERE id = $1`, ids["self"])
	ids["identifier"] = storetest.Value[int64](t, r.store, `INSERT INTO contacts (account_id, name, identifier, created_at, updated_at) VALUES (1, 'I', 'Q-1', now(), now()) RETURNING id::int8`)
	if err := r.SealAccount(t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		t.Fatal(err)
	}
	sealed := r.account(schema.Acme)
	if got := told(t, r, sealed, ids, "identifier", seers[1]); got != "self [SAME_IDENTIFIER]" {
		t.Errorf("%s", got)
	}
}

// TestManyDuplicates: a switchboard's number is that of many.
func TestManyDuplicates(t *testing.T) {
	t.Parallel()
	r := newSearched(t)
	ids := makeDoubles(r)
	storetest.Exec(t, r.store, `INSERT INTO contacts (account_id, name, phone_number, created_at, updated_at) SELECT 1, 'desk', '+15557000001', now(), now() FROM generate_series(1, 300)`)
	if err := r.SealAccount(t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		t.Fatal(err)
	}
	sealed := r.account(schema.Acme)
	for _, account := range []*chat.Account{sealed, plainly(sealed)} {
		got := strings.Split(told(t, r, account, ids, "self", seers[0]), "\n")
		if len(got) != maxDuplicates || !strings.HasPrefix(got[0], "email ") {
			t.Errorf("%d duplicates, first %s", len(got), got[0])
		}
	}
}
