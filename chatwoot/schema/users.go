package schema

import "github.com/cloakroom/cloakroom/chatwoot"

// DemoUser is somebody who can sign in to the demo.
type DemoUser struct {
	ID       int64
	Email    string
	Password string
	Name     string
	Type     string // "SuperAdmin", or "User"
	Accounts []DemoAccount
	Setting  string // what a super admin decided about their masking: "masked", "exempt", or "" for nothing yet
}

// DemoAccount is a user's place in one account; Role is Chatwoot's word, "agent" or "administrator".
type DemoAccount struct {
	ID   int64  `json:"id"`
	Role string `json:"role"`
}

// The users of the demo, by id.
const (
	Root  int64 = 1 // super admin, administrator of both accounts
	Ada   int64 = 2 // administrator of Acme
	Max   int64 = 3 // agent, masked by a super admin
	Eve   int64 = 4 // agent, exempted by a super admin
	Ivy   int64 = 5
	Liam  int64 = 6
	Noor  int64 = 7 // agent with a custom role: own and unassigned conversations
	Tomas int64 = 8
	Pia   int64 = 9
	Zoe   int64 = 10 // agent of no inbox
	Bob   int64 = 11 // agent of Borealis
	Bea   int64 = 12 // administrator of Borealis

	goneUser int64 = 99 // sent messages once; the row is no more
)

const (
	agent         = "agent"
	administrator = "administrator"
)

func demoUsers() []DemoUser {
	acme := func(role string) []DemoAccount { return []DemoAccount{{Acme, role}} }
	borealis := func(role string) []DemoAccount { return []DemoAccount{{Borealis, role}} }
	users := []DemoUser{
		{ID: Root, Name: "Root", Type: "SuperAdmin", Accounts: []DemoAccount{{Acme, administrator}, {Borealis, administrator}}},
		{ID: Ada, Name: "Ada Lindqvist", Accounts: acme(administrator)},
		{ID: Max, Name: "Max Okafor", Accounts: acme(agent), Setting: "masked"},
		{ID: Eve, Name: "Eve Castellano", Accounts: acme(agent), Setting: "exempt"},
		{ID: Ivy, Name: "Ivy Nakamura", Accounts: acme(agent)},
		{ID: Liam, Name: "Liam Byrne", Accounts: acme(agent)},
		{ID: Noor, Name: "Noor Haddad", Accounts: acme(agent)},
		{ID: Tomas, Name: "Tomáš Dvořák", Accounts: acme(agent)},
		{ID: Pia, Name: "Pia Schreiber", Accounts: acme(agent)},
		{ID: Zoe, Name: "Zoe Papadaki", Accounts: acme(agent)},
		{ID: Bob, Name: "Bob Haugen", Accounts: borealis(agent)},
		{ID: Bea, Name: "Bea Rautio", Accounts: borealis(administrator)},
	}
	logins := []string{"root", "ada", "max", "eve", "ivy", "liam", "noor", "tomas", "pia", "zoe", "bob", "bea"}
	for i := range users {
		users[i].Email = logins[i] + "@cloakroom.example"
		users[i].Password = DemoPassword
		if users[i].Type == "" {
			users[i].Type = "User"
		}
	}
	return users
}

func (b *builder) accounts() {
	// Bits by position in 4.14.2's list: inboxes, labels, custom attributes, reports, crm, custom roles, Shopify.
	const common = 1<<1 | 1<<2 | 1<<3 | 1<<8 | 1<<11 | 1<<12 | 1<<13 | 1<<14 | 1<<17 | 1<<20 | 1<<22 | 1<<23 | 1<<36 | 1<<37 | 1<<40
	b.insert("accounts", row{
		"id": Acme, "name": "Acme Support", "domain": "acme-support.example", "support_email": "support@acme-support.example",
		"feature_flags": int64(common), "custom_attributes": b.json(obj{"industry": "Retail", "timezone": "Europe/Lisbon"}),
		"settings": b.json(obj{"auto_resolve_after": 43200, "audio_transcriptions": true}),
	})
	b.insert("accounts", row{
		"id": Borealis, "name": "Borealis", "domain": "borealis.example", "support_email": "hello@borealis.example",
		"feature_flags": int64(common | chatwoot.FeatureCRMV2), "created_at": b.epoch.AddDate(0, 2, 0),
	})
}

func (b *builder) users() {
	b.data.Users = demoUsers()
	b.insert("custom_roles", row{
		"name": "Unassigned desk", "description": "Own and unassigned conversations only", "account_id": Acme,
		"permissions": []string{"conversation_unassigned_manage"},
	})
	for _, u := range b.data.Users {
		b.user(u)
		b.insert("access_tokens", row{"owner_type": "User", "owner_id": u.ID, "token": b.credential(24)})
		for _, a := range u.Accounts {
			b.member(u, a)
		}
	}
}

func (b *builder) user(u DemoUser) {
	r := row{
		"id": u.ID, "uid": u.Email, "email": u.Email, "name": u.Name, "encrypted_password": demoPasswordHash,
		"confirmed_at": b.epoch, "sign_in_count": 3 + u.ID, "pubsub_token": b.credential(24), "tokens": b.sessions(u.ID),
		"ui_settings": b.json(obj{"is_contact_sidebar_open": true, "editor_message_key": "enter"}),
	}
	if u.Type == "SuperAdmin" {
		r["type"] = u.Type
	}
	switch u.ID {
	case Eve:
		r["display_name"] = "Eve C."
		r["message_signature"] = "**Eve**, Acme Support"
	case Ivy:
		r["custom_attributes"] = b.json(obj{"phone_number": "+15550000005"})
	}
	b.insert("users", r)
}

// sessions gives users.tokens in the forms met in one table: NULL for most, a JSON string that holds the
// object as Rails writes it, and the object itself. Their sessions have expired.
func (b *builder) sessions(userID int64) any {
	const hash = "$2a$04$TFXdtlY2m2KnGPHLp64E2.ZnkOX5UPrzYN4usvVnnBCj0kVwzovf2"
	sessions := obj{"kq3m1Vb0Zt8cXy5LwR7nAg": obj{"token": hash, "expiry": b.now.AddDate(0, -1, 0).Unix()}}
	switch userID {
	case Liam:
		return b.doubled(sessions)
	case Pia:
		return b.json(sessions)
	default:
		return nil
	}
}

func (b *builder) member(u DemoUser, a DemoAccount) {
	r := row{
		"account_id": a.ID, "user_id": u.ID, "role": int64(0), "inviter_id": Root,
		"availability": u.ID % 3, "active_at": b.now.AddDate(0, 0, -int(u.ID)), "custom_role_id": nil,
	}
	if a.Role == administrator {
		r["role"] = int64(1)
	}
	if u.ID == Noor {
		r["custom_role_id"] = int64(1)
	}
	b.insert("account_users", r)
}

// credential makes a secret of base-58 characters and notes it.
func (b *builder) credential(n int) string {
	return b.plant(carrierCredential, 0, b.random(base58, n))
}

func (b *builder) bots() {
	bot := b.insert("agent_bots", row{
		"name": "Acme Helper", "description": "Answers first", "outgoing_url": "https://bot.acme-support.example/hook",
		"account_id": Acme, "secret": b.credential(32),
	})
	b.insert("access_tokens", row{"owner_type": "AgentBot", "owner_id": bot, "token": b.credential(24)})
}
