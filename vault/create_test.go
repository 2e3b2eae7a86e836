package vault

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestCreateContact(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for _, c := range []struct {
		values changes
		listed string
		lead   int64
	}{
		{changes{chat.FieldName: to("Zoë Quick"), chat.FieldEmail: to("zoe@example.net"), chat.FieldPhone: to("+351911111111"), chat.FieldIdentifier: to("crm-z"),
			chat.FieldCustomAttributes: to(`{"plan":"gold"}`)}, "Zoë Quick", 1},
		{changes{chat.FieldName: to("mira"), chat.FieldEmail: to("mira@example.net")}, "", 1},
		{changes{chat.FieldName: to("Nobody")}, "Nobody", 0},
		{changes{}, "", 0},
	} {
		made, err := r.CreateContact(t.Context(), r.account(schema.Acme), c.values)
		if err != nil {
			t.Fatal(err)
		}
		want := make(map[string]string)
		for f, value := range c.values {
			kind := chat.ContactRecord
			if f == chat.FieldCustomAttributes {
				kind = chat.ContactAttributesRecord
			}
			want[fmt.Sprintf("%s %d %s", recordNames[kind], made.ID, fieldNames[f])] = value.Reveal()
		}
		full := fmt.Sprintf("contact %d name", made.ID)
		want[fmt.Sprintf("contact %d full name", made.ID)] = want[full] + "<nil>"
		delete(want, full)
		if diff := cmp.Diff(want, r.whole(made.ID)); diff != "" {
			t.Errorf("contact %d: %s", made.ID, diff)
		}
		const row = `SELECT name || ' ' || contact_type || ' ' || concat(email, phone_number, identifier, location, country_code) || additional_attributes
			|| custom_attributes FROM contacts WHERE account_id = 1 AND id = $1`
		if got := storetest.Value[string](t, r.store, row, made.ID); got != fmt.Sprintf("%s %d {}{}", c.listed, c.lead) {
			t.Errorf("Chatwoot's row: %s", got)
		}
	}
	entries, err := r.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 4)
	if err != nil || len(entries) != 4 || entries[3].Action != chat.ContactCreated || fmt.Sprint(entries[3].Details) != "map[fields:[email phone_number identifier name custom_attributes]]" {
		t.Errorf("%v, %v", entries, err)
	}
}

func TestCreateContactRefuses(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	before := storetest.Value[int64](t, r.store, `SELECT count(*) FROM contacts`)
	taken, other := plainValue(r, everything, "email"), plainValue(r, schema.ContactOfBorealis, "email")
	for name, c := range map[string]struct {
		account *chat.Account
		values  changes
		code    chat.Code
	}{
		"a taken address":               {acme, changes{chat.FieldEmail: to(strings.ToUpper(taken))}, chat.Conflict},
		"a number taken by several":     {acme, changes{chat.FieldPhone: to(plainValue(r, schema.ContactWithSharedPhone, "phone_number"))}, chat.Conflict},
		"one of three is taken":         {acme, changes{chat.FieldEmail: to("free@example.net"), chat.FieldIdentifier: to(plainValue(r, everything, "identifier"))}, chat.Conflict},
		"an account in clear":           {r.account(schema.Borealis), changes{chat.FieldName: to("A")}, chat.Invalid},
		"attributes that are no object": {acme, changes{chat.FieldCustomAttributes: to(`[]`)}, chat.Internal},
	} {
		_, err := r.CreateContact(t.Context(), c.account, c.values)
		if chat.CodeOf(err) != c.code || strings.Contains(err.Error(), "@") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM contacts`); n != before {
		t.Errorf("%d rows are left", n-before)
	}
	if _, err := r.CreateContact(t.Context(), acme, changes{chat.FieldEmail: to(other)}); err != nil {
		t.Errorf("another account's address: %v", err)
	}
}

func TestCheckContact(t *testing.T) {
	t.Parallel()
	got, err := CheckContact(changes{chat.FieldEmail: to("A@B.c"), chat.FieldPhone: to(" "), chat.FieldIdentifier: nil})
	if err != nil || len(got) != 3 || got[chat.FieldEmail].Reveal() != "a@b.c" || got[chat.FieldPhone] != nil || got[chat.FieldIdentifier] != nil {
		t.Errorf("%v, %v", got, err)
	}
	for f, value := range map[chat.Field]string{chat.FieldEmail: "secret", chat.FieldPhone: "secret", chat.FieldIdentifier: strings.Repeat("secret", 50), chat.FieldName: "secret\x00"} {
		var coded *chat.Error
		if _, err := CheckContact(changes{f: to(value)}); !errors.As(err, &coded) || coded.Field != contactArguments[f] || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v", fieldNames[f], err)
		}
	}
}

// person is what a contact is to have in TestWhateverIsWritten.
type person map[chat.Field]string

// TestWhateverIsWritten makes, changes and merges contacts at random and holds the account against a plain map: the same
// writes are refused, each address leads to its contact, and no entry of the index is left over.
func TestWhateverIsWritten(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	seed := rand.Uint64()
	random := rand.New(rand.NewPCG(seed, 0)) // a test that can be run again
	t.Logf("seed %d", seed)
	if seed%2 == 0 {
		r.secondIndex()
	}
	pool := map[chat.Field]string{chat.FieldEmail: "pool%d@example.net", chat.FieldPhone: "+3519200000%02d", chat.FieldIdentifier: "pool-%d"}
	people := make(map[int64]person)
	before := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.lookup_tags`)
	outcomes := make(map[string]int)
	for range 150 {
		acme := r.account(schema.Acme)
		known := slices.Sorted(maps.Keys(people))
		change, next := changes{}, person{}
		for _, f := range addressFields {
			switch random.IntN(4) {
			case 0:
				change[f] = nil
			case 1:
				next[f] = fmt.Sprintf(pool[f], random.IntN(12))
				change[f] = to(next[f])
			}
		}
		switch kind := random.IntN(10); {
		case len(known) < 6 || kind < 2:
			c, err := r.CreateContact(t.Context(), acme, change)
			if outcomes["create "+string(r.same(err, taken(people, 0, next)))]++; err == nil {
				people[c.ID] = next
			}
		case kind < 8:
			id := known[random.IntN(len(known))]
			err := r.PutContact(t.Context(), acme, id, change)
			if outcomes["update "+string(r.same(err, taken(people, id, next)))]++; err != nil {
				continue
			}
			for f := range change {
				delete(people[id], f)
			}
			maps.Copy(people[id], next)
		default:
			base, mergee := known[random.IntN(len(known))], known[random.IntN(len(known))]
			if _, err := r.MergeContacts(t.Context(), acme, base, mergee); err != nil {
				t.Fatal(err)
			}
			outcomes["merge"]++
			for f, value := range people[mergee] {
				if _, has := people[base][f]; !has {
					people[base][f] = value
				}
			}
			if base != mergee {
				delete(people, mergee)
			}
		}
	}
	t.Logf("%v", outcomes)
	r.holdAgainst(people, before)
}

// taken says that another contact has one of the addresses.
func taken(people map[int64]person, id int64, wanted person) bool {
	for other, has := range people {
		for f, value := range wanted {
			if other != id && has[f] == value {
				return true
			}
		}
	}
	return false
}

// same fails for a write that was refused and should not have been, or the other way round.
func (r *replica) same(err error, refused bool) chat.Code {
	r.t.Helper()
	if errors.Is(err, chat.ErrDuplicate) != refused || !refused && err != nil {
		r.t.Errorf("%v, should be a duplicate: %t", err, refused)
	}
	if err == nil {
		return "done"
	}
	return chat.CodeOf(err)
}

func (r *replica) holdAgainst(people map[int64]person, tagsBefore int64) {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Fatal(err)
	}
	var addresses int64
	for id, p := range people {
		c := r.contacts(r.account(schema.Acme), id)[0]
		for _, f := range addressFields {
			want, has := p[f]
			if got := show(c.Values.Get(f)); has && got != want || !has && got != "none" {
				r.t.Errorf("contact %d: %s is %s, want %q", id, fieldNames[f], got, want)
			}
			if !has {
				continue
			}
			addresses++
			found, err := r.LookupContact(r.t.Context(), r.account(schema.Acme), LookupField{Field: f, Value: chat.PII(want)})
			if err != nil || found.ID != id {
				r.t.Errorf("contact %d is not found by its %s: %v", id, fieldNames[f], err)
			}
		}
	}
	generations := int64(len(keys.IndexGenerations()))
	const count = `SELECT count(*) FROM cloakroom.lookup_tags`
	if n := storetest.Value[int64](r.t, r.store, count); n != tagsBefore+addresses*generations {
		r.t.Errorf("%d entries were added for %d addresses under %d generations", n-tagsBefore, addresses, generations)
	}
	for what, where := range map[string]string{
		"lead to no contact":           ` t WHERE NOT EXISTS (SELECT 1 FROM cloakroom.contacts c WHERE c.account_id = t.account_id AND c.contact_id = t.contact_id)`,
		"of new contacts are not held": ` WHERE NOT exclusive AND contact_id > 1000`,
	} {
		if n := storetest.Value[int64](r.t, r.store, count+where); n != 0 {
			r.t.Errorf("%d entries %s", n, what)
		}
	}
}
