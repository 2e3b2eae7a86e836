package schema

import (
	"fmt"
	"strings"

	"github.com/cloakroom/cloakroom/chatwoot"
)

// address gives the contact their address in one inbox, in the form its channel uses.
func (b *builder) address(c *contact, in *inbox) {
	value, personal := b.sourceID(c, in)
	if b.sources[key(in, value)] {
		value = b.decorated(in, value)
	}
	b.addSource(c, in, value, personal)
	// Where two rows met one address, Chatwoot has renamed the older one: it is still a row of this contact.
	if c.account == Acme && (c.id >= 4 && c.id < 7 || c.id >= 13 && c.id < 19 || c.id >= 22 && c.id < 25) {
		b.addSource(c, in, b.decorated(in, value), true)
	}
}

func (b *builder) addSource(c *contact, in *inbox, value string, personal bool) {
	b.sources[key(in, value)] = true
	if personal {
		b.plant(carrierSource, c.account, value)
	}
	c.sources = append(c.sources, &source{inbox: in, value: value})
}

func key(in *inbox, value string) string { return fmt.Sprint(in.id, " ", value) }

// decorated renames an address the way Chatwoot does when two rows collide.
func (b *builder) decorated(in *inbox, value string) string {
	if in.channel == chatwoot.ChannelEmail {
		return fmt.Sprint(1+b.rng.IntN(9)) + value
	}
	return fmt.Sprintf("whatsapp:%s%d", strings.TrimPrefix(value, "whatsapp:"), 10+b.rng.IntN(89))
}

// sourceID gives the address, and whether it tells who the contact is.
func (b *builder) sourceID(c *contact, in *inbox) (value string, personal bool) {
	reachable := c.phone != nil && *c.phone != ""
	switch in.channel {
	case chatwoot.ChannelEmail:
		if c.email != nil {
			return strings.ToLower(*c.email), true
		}
		return b.invent("sender"), true
	case chatwoot.ChannelSms:
		return "+" + c.digits(), true
	case chatwoot.ChannelWhatsapp:
		if !reachable {
			return b.businessScoped(c), true
		}
		return c.digits(), true
	case chatwoot.ChannelTwilioSms:
		switch {
		case !in.whatsapp:
			return "+" + c.digits(), true
		case !reachable:
			return "whatsapp:" + b.businessScoped(c), true
		default:
			return "whatsapp:+" + c.digits(), true
		}
	default:
		return b.platformID(c, in)
	}
}

func (b *builder) businessScoped(c *contact) string {
	if c.id%2 == 0 {
		return "US.ENT." + b.random(digits, 18)
	}
	return "US." + b.random(digits, 20)
}

func (b *builder) platformID(c *contact, in *inbox) (value string, personal bool) {
	switch in.channel {
	case chatwoot.ChannelAPI:
		switch c.id % 4 { // whatever the integration supplied
		case 0:
			return b.plant(carrierSource, c.account, b.inventPhone(305)), true
		case 1:
			return b.plant(carrierSource, c.account, b.invent("app")), true
		}
		return b.uuid(), false
	case chatwoot.ChannelTelegram:
		return fmt.Sprint(770000000 + c.id), true
	case chatwoot.ChannelFacebookPage:
		return fmt.Sprint(24580000000000000 + c.id*7919), true
	default:
		return b.uuid(), false
	}
}

// writeContacts adds companies, contacts and their addresses.
func (b *builder) writeContacts() {
	for _, c := range b.contacts {
		if c.deleted {
			b.writeOrphanedSource(c)
			continue
		}
		b.join(c)
		b.writeContact(c)
		b.tag("Contact", c.id, c.labels)
		for _, s := range c.sources {
			b.writeSource(c, s)
		}
	}
	b.writeCompanies()
}

// writeOrphanedSource keeps the address of one deleted contact and not of the others: the job that
// removes them may have stopped half-way.
func (b *builder) writeOrphanedSource(c *contact) {
	if c.id == deletedContactStart {
		b.writeSource(c, c.sources[0])
	}
}

func (b *builder) writeSource(c *contact, s *source) {
	s.id = b.insert("contact_inboxes", row{
		"contact_id": c.id, "inbox_id": s.inbox.id, "source_id": s.value, "created_at": c.created,
		"hmac_verified": s.inbox.channel == chatwoot.ChannelAPI && c.id%2 == 0,
		"pubsub_token":  b.plant(carrierPubsub, c.account, b.random(base58, 24)),
	})
}

func (b *builder) writeContact(c *contact) {
	r := row{
		"id": c.id, "account_id": c.account, "name": c.name, "email": orNil(c.email), "phone_number": orNil(c.phone),
		"identifier": orNil(c.identifier), "created_at": c.created, "updated_at": c.created, "blocked": c.blocked,
		"contact_type": kindOf(c), "company_id": orNil(c.company), "additional_attributes": nil, "custom_attributes": nil,
	}
	if c.additional != nil {
		r["additional_attributes"], r["custom_attributes"] = b.json(c.additional), b.json(c.custom)
		if city, ok := c.additional["city"].(string); ok {
			r["location"], r["country_code"] = city, c.additional["country"]
		}
	}
	if !c.lastSpoke.IsZero() {
		r["last_activity_at"] = c.lastSpoke
	}
	b.insert("contacts", r)
}

// kindOf gives contact_type: Chatwoot makes a visitor a lead once there is an e-mail, a phone or a social profile.
func kindOf(c *contact) int64 {
	social := false
	for k := range c.additional {
		social = social || strings.HasPrefix(k, "social_")
	}
	switch {
	case c.email != nil && c.id%12 == 0:
		return 2
	case c.email != nil, c.phone != nil && *c.phone != "", social:
		return 1
	default:
		return 0
	}
}

// join puts a contact with a business address into the company of that domain.
func (b *builder) join(c *contact) {
	if c.email == nil || strings.Count(domain(*c.email), ".") < 2 {
		return
	}
	d := b.plant(carrierCompany, c.account, domain(*c.email))
	if _, ok := b.companies[d]; !ok {
		b.companies[d] = int64(len(b.companies) + 1)
	}
	id := b.companies[d]
	c.company = &id
}

func (b *builder) writeCompanies() {
	counts := map[int64]int64{}
	for _, c := range b.contacts {
		if c.company != nil {
			counts[*c.company]++
		}
	}
	for id := int64(1); id <= int64(len(b.companies)); id++ {
		for d, company := range b.companies {
			if company != id {
				continue
			}
			name := strings.ReplaceAll(strings.Split(d, ".")[0], "-", " ")
			b.insert("companies", row{"id": id, "account_id": Acme, "name": strings.ToUpper(name[:1]) + name[1:], "domain": d, "contacts_count": counts[id]})
		}
	}
}
