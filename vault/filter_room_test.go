package vault

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// filterRoom is an account of its own, sealed with its plain columns still there, so that one question can be put to both.
const filterRoom = 900

// filterAttributes are custom attributes of every type, each for contacts and for conversations. Every other one is
// searchable by tags, and none is personal.
var filterAttributes = map[string]chat.AttributeType{
	"tier": chat.AttributeText, "plan": chat.AttributeList, "site": chat.AttributeLink, "orders": chat.AttributeNumber, "value": chat.AttributeCurrency,
	"share": chat.AttributePercent, "since": chat.AttributeDate, "until": chat.AttributeDate, "vip": chat.AttributeCheckbox, "city": chat.AttributeText,
}

var searchableAttributes = []string{"tier", "plan", "orders", "since", "city", "company_name"}

// What values are made of: such as differ in case, as wildcards do, as are blank or missing, and as fit no type.
var (
	roomNames  = []any{nil, "", "Ann", "ANN", "Bob Bo", "bob_bo", "Åsa", "åSA", "100%", `back\slash`, "Order 66", "ann@hidden.example", "ann.hidden", "漢字 漢"}
	roomTexts  = []any{nil, "", "Gold", "GOLD", "gold plated", "free", "50%", "a_b", "axb", `a\b`, "Göteborg", "GÖTEBORG", 7, 7.50, true, []any{"gold"}, map[string]any{"gold": 1}}
	roomNumber = []any{nil, "", 1, 1.0, "1", " 1.50 ", 1.5, "15e-1", -2, "-0", 0, 1e3, "1000", "+3", ".5", "5.", "NaN", "Infinity", "12 apples", "0x1F", true, []any{1}, "1e999999"}
	roomDates  = []any{nil, "", "2026-01-31", "2026-01-31T23:59:59.000Z", "2026-02-28 10:00", "2026-02-30", "2024-02-29", "2025-02-29", "today", "0000-01-01", "31.01.2026", 20260131, false}
	roomTruths = []any{nil, "", true, false, "true", "FALSE", "yes", "n", "on", "of", "o", 1, 0, 2, "maybe", []any{true}}
)

func roomValues(t chat.AttributeType) []any {
	switch t {
	case chat.AttributeNumber, chat.AttributeCurrency, chat.AttributePercent:
		return roomNumber
	case chat.AttributeDate:
		return roomDates
	case chat.AttributeCheckbox:
		return roomTruths
	default:
		return roomTexts
	}
}

// object gives some of the keys values; nil is a column that is NULL.
func object(r *rand.Rand, values map[string][]any) any {
	if r.IntN(20) == 0 {
		return nil
	}
	made := make(map[string]any)
	for key, pool := range values {
		if r.IntN(6) > 0 {
			made[key] = one(r, pool)
		}
	}
	text, _ := json.Marshal(made) // texts and numbers can be marshalled
	return string(text)
}

func one[T any](r *rand.Rand, list []T) T { return list[r.IntN(len(list))] }

// newFilterRoom fills the room and seals it.
func newFilterRoom(t testing.TB, contacts, conversations int) *replica {
	t.Helper()
	s := storetest.New(t)
	v := newReplica(t, s, nil)
	storetest.Exec(t, s, `INSERT INTO accounts (id, name, created_at, updated_at) VALUES ($1, 'room', now(), now())`, filterRoom)
	storetest.Exec(t, s, `INSERT INTO tags (id, name) VALUES (1, 'vip'), (2, 'Late')`)
	for i, model := range chat.AttributeModels {
		for key, kind := range filterAttributes {
			storetest.Exec(t, s, `INSERT INTO custom_attribute_definitions (account_id, attribute_key, attribute_display_name, attribute_display_type, attribute_model, created_at, updated_at)
				VALUES ($1, $2, $2, $3, $4, now(), now())`, filterRoom, key, slices.Index(chat.AttributeTypes, kind), i)
			decide(t, s, model, key, kind)
		}
	}
	decide(t, s, chat.ContactAttributes, "company_name", chat.AttributeText)
	r := rand.New(rand.NewPCG(1, 2)) // the same rows in every run
	addContacts(t, s, r, contacts)
	addConversations(t, s, r, conversations, contacts)
	sealRoom(t, v)
	return v
}

func decide(t testing.TB, s *store.Store, model chat.AttributeModel, key string, kind chat.AttributeType) {
	t.Helper()
	searchable := slices.Contains(searchableAttributes, key)
	policy := chat.AttributePolicy{Model: model, Key: key, Type: kind, Searchable: searchable, Indexed: searchable, Version: 1}
	if err := s.PutAttributePolicy(t.Context(), filterRoom, policy); err != nil {
		t.Fatal(err)
	}
}

func sealRoom(t testing.TB, v *replica) {
	t.Helper()
	if err := v.SealAccount(t.Context(), filterRoom, func(Sealing) {}); err != nil {
		t.Fatal(err)
	}
	for _, d := range chat.Datasets {
		if err := v.SetPhase(t.Context(), filterRoom, d, chat.ReadSealed); err != nil {
			t.Fatal(err)
		}
	}
	yes := true
	if err := v.store.SetIndexed(t.Context(), filterRoom, nil, &yes); err != nil {
		t.Fatal(err)
	}
}

const oneContact = `INSERT INTO contacts (id, account_id, name, email, phone_number, identifier, additional_attributes, custom_attributes, blocked,
 last_activity_at, created_at, updated_at) VALUES ($1::int, $2, $3, $4, $5, $6, $7, $8, $9, timestamp '2026-01-15 23:59:59.9' + $10::int * interval '7 hours',
 timestamp '2026-01-15 00:00:00' - $1::int * interval '5 hours', now())`

func addContacts(t testing.TB, s *store.Store, r *rand.Rand, n int) {
	t.Helper()
	profile := map[string][]any{"city": roomTexts, "company_name": roomTexts, "country_code": {"PT", "pt", "SE", nil, 7}}
	custom := make(map[string][]any)
	for key, kind := range filterAttributes {
		custom[key] = roomValues(kind)
	}
	for i := 1; i <= n; i++ {
		email := one(r, []any{nil, fmt.Sprintf("ann%d@hidden.example", i), fmt.Sprintf("ann_%d%%@Example.COM", i), fmt.Sprintf("%d.ann@x.example", i)})
		phone := one(r, []any{nil, "", fmt.Sprintf("+1555000%04d", i%50), fmt.Sprintf("+1 555 %04d", i), fmt.Sprintf("tel:+1777%05d", i), fmt.Sprintf("TEL+%07d", i)})
		identifier := one(r, []any{nil, fmt.Sprintf("id-%d", i), fmt.Sprintf("ID-%dx", i), fmt.Sprintf("%d", 1000+i)})
		var days any
		if r.IntN(8) > 0 {
			days = r.IntN(60) - 30
		}
		storetest.Exec(t, s, oneContact, i, filterRoom, one(r, roomNames), email, phone, identifier, object(r, profile), object(r, custom), r.IntN(3) == 0, days)
		label(t, s, r, "Contact", i)
	}
}

func label(t testing.TB, s *store.Store, r *rand.Rand, kind string, id int) {
	t.Helper()
	for tag := range 2 {
		if r.IntN(3) == 0 {
			storetest.Exec(t, s, `INSERT INTO taggings (tag_id, taggable_type, taggable_id, context) VALUES ($1, $2, $3, 'labels')`, tag+1, kind, id)
		}
	}
}

const roomTalk = `INSERT INTO conversations (id, account_id, inbox_id, display_id, contact_id, status, priority, assignee_id, team_id, campaign_id,
 additional_attributes, custom_attributes, last_activity_at, created_at, updated_at) VALUES ($1::int, $2, $3, $1::int, $4, $5, $6, $7, $8, $9, $10, $11,
 timestamp '2026-01-15 00:00:00' + $1::int * interval '3 hours', timestamp '2026-01-15 00:00:00' - $1::int * interval '5 hours', now())`

func addConversations(t testing.TB, s *store.Store, r *rand.Rand, n, contacts int) {
	t.Helper()
	storetest.Exec(t, s, `CREATE SEQUENCE IF NOT EXISTS conv_dpid_seq_900`)
	additional := map[string][]any{"browser_language": {"en", "EN", "pt", 7, nil}, "conversation_language": {"en", "pt_BR"},
		"referer": {"https://x.example/?q=50%", "https://X.example/", nil}, "mail_subject": roomTexts}
	custom := make(map[string][]any)
	for key, kind := range filterAttributes {
		custom[key] = roomValues(kind)
	}
	for i := 1; i <= n; i++ {
		storetest.Exec(t, s, roomTalk, i, filterRoom, 1+i%3, 1+r.IntN(contacts), r.IntN(4), one(r, []any{nil, 0, 3}), one(r, []any{nil, 1, 2}), one(r, []any{nil, 1, 2}),
			one(r, []any{nil, 5}), object(r, additional), object(r, custom))
		label(t, s, r, "Conversation", i)
	}
}

// roomAdmin sees everything; roomAgent is masked.
func roomAdmin(account *chat.Account) *chat.Viewer {
	return &chat.Viewer{User: &chat.User{ID: schema.Ada}, Policy: chat.PolicyRead, Memberships: []chat.Membership{{Account: *account, Role: chat.Administrator}}}
}

func roomAgent(account *chat.Account) *chat.Viewer {
	masked := *account
	masked.Settings.ContactPIIMasking = true
	return &chat.Viewer{User: &chat.User{ID: schema.Max}, Policy: chat.PolicyRead, Masking: chat.Masking{Masked: true, Version: 1},
		Memberships: []chat.Membership{{Account: masked, Role: chat.Agent}}}
}

// contactsPassing gives the ids of the contacts that pass a filter.
func (r *replica) contactsPassing(viewer *chat.Viewer, account *chat.Account, f chat.ContactFilter) ([]int64, error) {
	q := chat.ContactQuery{Filter: f, Sealed: sealedContacts(account), Page: chat.Page{Limit: 10_000, Exact: true},
		Order: chat.ContactOrder{Field: chat.ContactsByCreated, Direction: chat.Descending}}
	if err := r.FilterContacts(r.t.Context(), viewer, account, &q); err != nil {
		return nil, err
	}
	rows, err := r.store.ListContacts(r.t.Context(), account.ID, q)
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	slices.Sort(ids)
	return ids, err
}

// conversationsPassing gives the ids of the conversations that pass a filter.
func (r *replica) conversationsPassing(viewer *chat.Viewer, account *chat.Account, f chat.ConversationFilter) ([]int64, error) {
	q := chat.ConversationQuery{Filter: f, Visibility: chat.Visibility{Reach: chat.ReachAll}, Page: chat.Page{Limit: 10_000, Exact: true},
		Order: chat.ConversationOrder{Field: chat.ByCreated, Direction: chat.Descending}}
	if err := r.FilterConversations(r.t.Context(), viewer, account, &q); err != nil {
		return nil, err
	}
	rows, err := r.store.ListConversations(r.t.Context(), account.ID, q)
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	slices.Sort(ids)
	return ids, err
}
