package vault

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// known is a contact as a reader of Chatwoot's own columns has it.
type known struct {
	ID                                      int64
	LastActivity                            *int64
	Name, Email, Phone, Identifier, Company string
}

const everyKnown = `SELECT json_agg(json_build_object('ID', id, 'LastActivity', (extract(epoch FROM last_activity_at) * 1000000)::int8, 'Name', name, 'Email', email,
 'Phone', phone_number, 'Identifier', identifier, 'Company', additional_attributes->>'company_name')) FROM contacts WHERE account_id = 1`

// everyContact lists the contacts of Acme in the order of a search.
func everyContact(r *replica) []known {
	r.t.Helper()
	var list []known
	if err := json.Unmarshal(storetest.Value[[]byte](r.t, r.store, everyKnown), &list); err != nil {
		r.t.Fatal(err)
	}
	slices.SortFunc(list, func(a, b known) int {
		switch {
		case a.LastActivity == nil && b.LastActivity == nil:
			return cmp.Compare(b.ID, a.ID)
		case a.LastActivity == nil:
			return 1
		case b.LastActivity == nil:
			return -1
		}
		return cmp.Or(cmp.Compare(*b.LastActivity, *a.LastActivity), cmp.Compare(b.ID, a.ID))
	})
	return list
}

// seer is who sees what.
type seer struct {
	name  string
	kinds []chat.Kind
}

var seers = []seer{
	{"everything", chat.Kinds}, {"masked", nil}, {"e-mails alone", []chat.Kind{chat.Email}}, {"phones and attributes", []chat.Kind{chat.Phone, chat.Attribute}},
	{"identifiers", []chat.Kind{chat.Identifier}}, {"e-mails and phones", []chat.Kind{chat.Email, chat.Phone, chat.Name}},
}

func (s seer) asks(text string, limit int) chat.ContactSearch {
	q := chat.ContactSearch{Text: chat.PII(text), Parts: make(map[chat.Kind]bool), Page: chat.Page{Limit: limit}}
	for _, k := range s.kinds {
		q.Parts[k] = true
	}
	for _, f := range addressFields {
		if q.Parts[lookupKinds[f]] {
			q.Whole = append(q.Whole, f)
		}
	}
	return q
}

// finds is the search once more, as one would explain it.
func (s seer) finds(c known, text string) bool {
	sees := func(k chat.Kind) bool { return slices.Contains(s.kinds, k) }
	in := func(value, needle string) bool {
		if utf8.RuneCountInString(needle) < 3 {
			return strings.HasPrefix(value, needle)
		}
		return strings.Contains(value, needle)
	}
	lower := strings.ToLower
	if sees(chat.Email) && in(lower(c.Email), lower(text)) || sees(chat.Identifier) && in(c.Identifier, text) {
		return true
	}
	if sees(chat.Phone) {
		digits, dialled := chat.Dialled(text)
		switch {
		case dialled:
			if in(chat.Digits(c.Phone), digits) {
				return true
			}
		case strings.Trim(text, "+-(). /") != "" && in(lower(c.Phone), lower(text)):
			return true
		}
		if Normalise(chat.FieldPhone, c.Phone) == Normalise(chat.FieldPhone, text) && c.Phone != "" {
			return true
		}
	}
	listed := !chat.NameIsAddress(c.Name, c.Email, c.Phone, c.Identifier)
	if listed && strings.Contains(lower(c.Name), lower(text)) || !listed && sees(chat.Name) && in(lower(c.Name), lower(text)) {
		return true
	}
	return in(lower(c.Company), lower(text)) && c.Company != "" && (sees(chat.Attribute) || !chat.TextHoldsAddress(c.Company))
}

func (s seer) finding(list []known, text string) []int64 {
	ids := []int64{}
	for _, c := range list {
		if s.finds(c, text) {
			ids = append(ids, c.ID)
		}
	}
	return ids
}

// newSearched gives a sealed demo whose tokens count, and time enough.
func newSearched(t testing.TB) *replica {
	t.Helper()
	r := newSealed(t)
	r.SearchTime = time.Minute
	r.tokensCount(true)
	return r
}

func (r *replica) tokensCount(yes bool) {
	r.t.Helper()
	if err := r.store.SetIndexed(r.t.Context(), schema.Acme, nil, &yes); err != nil {
		r.t.Fatal(err)
	}
}

// everyHit turns every page of a search.
func (r *replica) everyHit(account *chat.Account, q chat.ContactSearch) []int64 {
	r.t.Helper()
	ids := []int64{}
	for range 10_000 {
		found, err := r.SearchContacts(r.t.Context(), account, q)
		if err != nil {
			r.t.Fatalf("%v: %v", q.Parts, err)
		}
		for _, c := range found.Contacts {
			ids = append(ids, c.ID)
		}
		if !found.Info.HasNextPage {
			return ids
		}
		q.Found, q.Page.From = nil, found.Info.End
	}
	r.t.Fatal("a search without an end")
	return nil
}

func scanning(a *chat.Account) *chat.Account {
	c := *a
	c.Settings.Search.Mode = chat.SearchByScan
	return &c
}

// needles are questions for the demo's contacts and for the strange ones.
var needles = []string{
	"ines", "INES.MOURA", "moura", "@example.com", "example.com", "ines.moura.001@example.com", "INES.MOURA.001@EXAMPLE.COM", "001@", "a", "in", "z", "+1", "15", "+",
	"--", "+15552010001", "1 (555) 201-0001", "201-0016", "2010016", "555", "٢٠١٠٠١٦", "crm-9001", "CRM-9001", "crm-", "9001", "Kestrel", "kestrel freight", "Ke",
	"Orchard & Pine", "& P", "%", "_", "%%%", "___", `\`, `\\\`, "100%", "é", "שלום", "漢", "😀", "nobody at all", "tel:+1", "tel", "hidden by", "@", "＠", " ",
}

// strangers adds contacts with names, companies and addresses that break naive rules, and seals them.
func strangers(r *replica) {
	r.t.Helper()
	draw := rand.New(rand.NewPCG(11, 13))
	parts := []string{"anna", "Anna", "ÅSA", "A\u030asa", "שלום", "עולם", "漢字", "仮名", "😀", "👨\u200d👩", "100%", "a_b", `c\d`, "straße", "ΣΑΣ", "x", "yz", "201", "5550199", "O'Hara", "e\u0301", "é"}
	text := func() string {
		var b strings.Builder
		for range 1 + draw.IntN(3) {
			b.WriteString(parts[draw.IntN(len(parts))])
			b.WriteString([]string{"", " ", "-"}[draw.IntN(3)])
		}
		return strings.TrimSpace(b.String())
	}
	var names, emails, phones, identifiers, profiles []string
	for i := range 120 {
		email, phone, identifier := fmt.Sprintf("%s.%d@%s.example", strings.ReplaceAll(text(), " ", ""), i, parts[draw.IntN(2)]), fmt.Sprintf("+1555%07d", draw.IntN(10_000_000)), fmt.Sprintf("ID-%s-%d", text(), i)
		name := text()
		switch draw.IntN(6) {
		case 0:
			name = email
		case 1:
			name, _, _ = strings.Cut(email, "@")
		case 2:
			name = phone[5:]
		}
		company := text()
		if draw.IntN(4) == 0 {
			company = "hidden by " + email
		}
		profile, _ := json.Marshal(map[string]string{"company_name": company, "Company_Name": "another"})
		names, emails, phones = append(names, name), append(emails, email), append(phones, phone)
		identifiers, profiles = append(identifiers, identifier), append(profiles, string(profile))
	}
	storetest.Exec(r.t, r.store, `INSERT INTO contacts (account_id, name, email, phone_number, identifier, additional_attributes, last_activity_at, created_at, updated_at)
		SELECT 1, n, e, p, i, a::jsonb, CASE WHEN o % 5 > 0 THEN timestamp '2026-01-01' + (o / 3) * interval '1 minute' END, now(), now()
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[]) WITH ORDINALITY v(n, e, p, i, a, o)`, names, emails, phones, identifiers, profiles)
	if err := r.SealAccount(r.t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		r.t.Fatal(err)
	}
}
