package vault

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// by writes a condition: its attribute, or the key of a custom one in lower case.
func by(attribute string, operator chat.FilterOperator, values ...string) *chat.Condition {
	c := &chat.Condition{Operator: operator, Values: values}
	if a := chat.FilterAttribute(attribute); attribute == strings.ToUpper(attribute) {
		c.Attribute = &a
	} else {
		c.CustomAttribute = &attribute
	}
	return c
}

// namedRoom is a room with few contacts that are known one by one.
func namedRoom(t *testing.T) *replica {
	t.Helper()
	r := newFilterRoom(t, 0, 0)
	for i, c := range []struct{ name, email, phone, profile, custom string }{
		{"Ann Lee", "ann@hidden.example", "+15550001111", `{"city": "Porto", "company_name": "Kestrel"}`, `{"tier": "gold", "orders": 12}`},
		{"ann.hidden", "ann.hidden@x.example", "", `{"city": "call 555 000 2222", "company_name": "a@b.example"}`, `{"tier": "gold 5550002222", "orders": 5550002222}`},
		{"+1 555 000 3333", "", "+15550003333", `{"city": "Lyon"}`, `{"tier": "GOLD", "orders": "12.00000000", "since": "2026-01-31", "site": "2026-01-31T10:00"}`},
		{"Bob", "", "", `{}`, `{"vip": true, "since": "2026-01-31T23:00:00.000Z", "site": "2026-01-31T+15550001111", "tier": "2026-01-31T10:00"}`},
	} {
		storetest.Exec(t, r.store, `INSERT INTO contacts (id, account_id, name, email, phone_number, additional_attributes, custom_attributes, last_activity_at, created_at, updated_at)
			VALUES ($1, $2, $3, NULLIF($4, ''), $5, $6, $7, now(), now(), now())`, i+1, filterRoom, c.name, c.email, c.phone, c.profile, c.custom)
	}
	storetest.Exec(t, r.store, `INSERT INTO conversations (id, account_id, inbox_id, display_id, contact_id, additional_attributes, created_at, updated_at)
		VALUES (1, $1, 1, 1, 1, '{"mail_subject": "Hello", "referer": "https://x.example/?e=ann@hidden.example"}', now(), now()),
		(2, $1, 1, 2, 2, '{"mail_subject": "Fwd: ann@hidden.example"}', now(), now())`, filterRoom)
	sealRoom(t, r)
	return r
}

// TestNoOperandOfASealedValueIsBound looks at what the store is given: of a sealed account rows, tags, and operands of what
// is plain there alone. Each filter takes a fixed number of statements on top of the list's own.
func TestNoOperandOfASealedValueIsBound(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	account := r.account(filterRoom)
	for _, c := range []struct {
		given      []*chat.Condition
		statements int64
		bound      []chat.PII
		tags       bool
	}{
		{[]*chat.Condition{by("LABELS", chat.EqualTo, "vip")}, 0, []chat.PII{"vip"}, false},
		{[]*chat.Condition{by("EMAIL", chat.EqualTo, "ann@hidden.example")}, 1, nil, false},
		{[]*chat.Condition{by("EMAIL", chat.Contains, "hidden")}, 1, nil, false},
		{[]*chat.Condition{by("PHONE_NUMBER", chat.StartsWith, "15550001111")}, 1, nil, false},
		{[]*chat.Condition{by("NAME", chat.Contains, "lee")}, 1, []chat.PII{"%lee%"}, false},
		{[]*chat.Condition{by("NAME", chat.EqualTo, "ann@hidden.example")}, 1, nil, false},
		{[]*chat.Condition{by("NAME", chat.Contains, "5550001111")}, 1, nil, false},
		{[]*chat.Condition{by("tier", chat.EqualTo, "gold")}, 1, nil, true},
		{[]*chat.Condition{by("site", chat.EqualTo, "x")}, 2, nil, false},
		{[]*chat.Condition{by("CITY", chat.Contains, "o"), by("COUNTRY_CODE", chat.EqualTo, "pt"), by("site", chat.Contains, "x"), by("value", chat.IsLessThan, "3")}, 2, nil, false},
	} {
		q := chat.ContactQuery{Filter: chat.ContactFilter{Conditions: c.given}, Sealed: true}
		ctx, count := store.WithCount(context.Background())
		if err := r.FilterContacts(ctx, roomAdmin(account), account, &q); err != nil {
			t.Fatal(err)
		}
		if got := count.Statements.Load(); got != c.statements {
			t.Errorf("%s: %d statements, want %d", conditionsText(c.given), got, c.statements)
		}
		for _, compared := range q.Where[0] {
			if !slices.Equal(compared.Values, c.bound) || compared.Found != nil && (compared.Found.Tags != nil) != c.tags {
				t.Errorf("%s is bound as %d values, found %+v", conditionsText(c.given), len(compared.Values), compared.Found)
			}
		}
	}
}

// TestFiltersThatWouldOpenTooMuch are refused by name; what narrows the list otherwise makes them possible.
func TestFiltersThatWouldOpenTooMuch(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.subject_keys (account_id, subject_key_id, contact_id, key_id, epoch, key_sealed)
		SELECT $1, 100000 + n, 100000 + n, 1, 0, 'x' FROM generate_series(1, 20000) n`, filterRoom)
	storetest.Exec(t, r.store, `INSERT INTO contacts (id, account_id, name, blocked, created_at, updated_at) SELECT 100000 + n, $1, 'n', true, now(), now() FROM generate_series(1, 20000) n`, filterRoom)
	storetest.Exec(t, r.store, `INSERT INTO cloakroom.contacts (account_id, contact_id, subject_key_id, key_id, row_version, profile_sealed)
		SELECT $1, 100000 + n, 100000 + n, 1, 1, 'x' FROM generate_series(1, 20000) n`, filterRoom)
	city := func() *chat.Condition { return by("CITY", chat.EqualTo, "porto") }
	storetest.Exec(t, r.store, `UPDATE cloakroom.attribute_policies SET indexed = false`)
	account := r.account(filterRoom)
	_, err := r.contactsPassing(roomAdmin(account), account, chat.ContactFilter{Conditions: []*chat.Condition{by("BLOCKED", chat.EqualTo, "true"), or(city()), by("NAME", chat.EqualTo, "x")}})
	if diff := cmp.Diff([]any{chat.Limited, "filter.conditions[1]"}, limitAt(err)); diff != "" {
		t.Error(diff)
	}
	no := false
	for name, f := range map[string]chat.ContactFilter{
		"the filter's own members": {Blocked: &no, Conditions: []*chat.Condition{city()}},
		"the other conditions":     {Conditions: []*chat.Condition{city(), by("BLOCKED", chat.NotEqualTo, "true")}},
	} {
		if got, err := r.contactsPassing(roomAdmin(account), account, f); err != nil || !slices.Equal(got, []int64{1}) {
			t.Errorf("narrowed by %s: %v, %v", name, got, err)
		}
	}
}

func limitAt(err error) []any {
	var fault *chat.Error
	if !errors.As(err, &fault) {
		return nil
	}
	return []any{fault.Code, fault.Field}
}

// TestValuesThatDoNotOpenAreAbsent: a row that was tampered with passes no condition, and is on record.
func TestValuesThatDoNotOpenAreAbsent(t *testing.T) {
	t.Parallel()
	r := namedRoom(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET profile_sealed = set_byte(profile_sealed, 20, get_byte(profile_sealed, 20) # 1) WHERE account_id = $1 AND contact_id = 1`, filterRoom)
	account := r.account(filterRoom)
	for _, operator := range []chat.FilterOperator{chat.Contains, chat.DoesNotContain} {
		got, err := r.contactsPassing(roomAdmin(account), account, chat.ContactFilter{Conditions: []*chat.Condition{by("CITY", operator, "port")}})
		if err != nil || slices.Contains(got, 1) {
			t.Errorf("%s: %v, %v", operator, got, err)
		}
	}
	if r.counted(unreadableCounter, "profile") == 0 || r.audited(chat.SealedUnreadableHit) != 1 {
		t.Errorf("%v on record", r.audited(chat.SealedUnreadableHit))
	}
}
