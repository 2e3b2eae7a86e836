package schema

import (
	"crypto/md5" // Gravatar names its pictures by it
	"crypto/sha256"
	"fmt"
	"strings"
)

var places = []struct{ city, country, code string }{
	{"Porto", "Portugal", "PT"}, {"Göteborg", "Sweden", "SE"}, {"Lyon", "France", "FR"}, {"Leeds", "United Kingdom", "GB"},
	{"Kraków", "Poland", "PL"}, {"Austin", "United States", "US"}, {"İzmir", "Türkiye", "TR"}, {"Osaka", "Japan", "JP"},
}

// describe fills the two JSON columns of a contact: what Rails puts there, and what clients may.
func (b *builder) describe(c *contact) {
	if c.id%41 == 0 { // rows of an old import hold NULL
		c.additional, c.custom = nil, nil
		return
	}
	place := places[c.id%int64(len(places))]
	if c.id%9 != 4 {
		c.additional["city"], c.additional["country"], c.additional["country_code"] = place.city, place.country, place.code
	}
	if c.id%3 == 0 {
		c.additional["company_name"] = []string{"Kestrel Freight", "Nordlys Foods", "Tamarind Labs", "Orchard & Pine"}[c.id%4]
	}
	b.socials(c)
	b.origins(c)
	b.avatarHash(c)
	b.customAttributes(c)
}

func (b *builder) socials(c *contact) {
	set := func(carrier, key, value string) { c.additional[key] = b.plant(carrier, c.account, value) }
	handle := strings.ReplaceAll(c.local, ".", "_")
	if c.id == 1 || c.id%7 == 1 {
		b.plant(carrierSocial, c.account, "fb_"+handle)
		b.plant(carrierSocial, c.account, "tg_"+handle)
		c.additional["social_profiles"] = obj{"facebook": "fb_" + handle, "telegram": "tg_" + handle, "github": "", "twitter": "", "linkedin": "", "instagram": ""}
	}
	if c.id%11 == 3 {
		set(carrierScreenName, "screen_name", "sn_"+handle)
	}
	if c.id%13 == 10 || c.id >= 75 && c.id < 78 {
		set(carrierUsername, "username", "user_"+handle)
		c.additional["language_code"] = c.language
		c.additional["social_telegram_user_id"] = 770000000 + c.id
		c.additional["social_telegram_user_name"] = "user_" + handle
	}
}

func (b *builder) origins(c *contact) {
	set := func(carrier, key, value string) { c.additional[key] = b.plant(carrier, c.account, value) }
	if c.email != nil && c.id%5 == 1 {
		set(carrierProfileMail, "source_id", fmt.Sprintf("email:CAF%s@mail.%s", b.random(base58, 14), domain(*c.email)))
	}
	if c.id%17 == 4 || c.id == 1 {
		c.additional["external"] = obj{"hubspot_id": b.plant(carrierExternal, c.account, "hs-"+b.random(digits, 10))}
	}
	if c.id%13 == 2 || c.id == 1 {
		address := b.plant(carrierDescription, c.account, b.invent("reach"))
		c.additional["description"] = "Prefers to be written to at " + address + ", mornings only."
	}
	if c.id%8 == 5 || c.id >= 37 && c.id < 43 {
		set(carrierIP, "created_at_ip", fmt.Sprintf("203.0.113.%d", c.id%250+1))
		c.additional["updated_at_ip"] = fmt.Sprintf("198.51.100.%d", c.id%250+1)
	}
	if c.id%19 == 6 || c.id == 1 {
		set(carrierUnknown, "billing_contact", b.invent("billing"))
	}
}

// avatarHash notes, as Chatwoot does, the picture it fetched: the SHA-256 of a Gravatar address, which holds
// the MD5 of the e-mail and so lets anybody test a guess.
func (b *builder) avatarHash(c *contact) {
	if c.email == nil || c.id != 1 && c.id%6 != 2 {
		return
	}
	url := fmt.Sprintf("https://www.gravatar.com/avatar/%x?d=404", md5.Sum([]byte(*c.email)))
	c.additional["avatar_url_hash"] = b.plant(carrierAvatarHash, c.account, fmt.Sprintf("%x", sha256.Sum256([]byte(url))))
	c.additional["last_avatar_sync_at"] = c.created.Format("2006-01-02T15:04:05Z")
}

func (b *builder) customAttributes(c *contact) {
	if c.id%4 == 0 || c.id == 1 {
		c.custom["plan"], c.custom["orders"], c.custom["newsletter"], c.custom["score"] = "gold", c.id%30, c.id%8 == 0, 4.5
	}
	if c.id%6 == 2 || c.id == 1 {
		c.custom["second_phone"] = b.plant(carrierCustom, c.account, phone(301, c.id))
	}
	if c.id%6 == 3 || c.id == 1 {
		c.custom["private_email"] = b.plant(carrierCustom, c.account, b.invent("home"))
	}
	if c.id%10 == 5 || c.id == 1 {
		c.custom["billing"] = obj{
			"email":   b.plant(carrierCustom, c.account, b.invent("invoices")),
			"address": obj{"street": b.plant(carrierCustom, c.account, fmt.Sprintf("%d Lantern Row", 1000+c.id)), "floor": nil},
			"cc":      []string{b.plant(carrierCustom, c.account, b.invent("copy"))},
		}
		c.custom["tax_id"] = b.plant(carrierCustom, c.account, fmt.Sprintf("PT%09d", 500000000+c.id))
	}
	if c.id%29 == 7 && c.custom["second_phone"] == nil { // some importer sent a number where others send text
		c.custom["second_phone"] = 15553010000 + c.id
		b.plant(carrierCustom, c.account, fmt.Sprint(15553010000+c.id))
	}
}

// invent makes an address that stands in one place only.
func (b *builder) invent(tag string) string {
	b.serial++
	return fmt.Sprintf("%s.%s%04d@%s", tag, pick(b, familyNames).local, b.serial, pick(b, []string{"example.org", "example.com", "example.net"}))
}

// inventPhone makes a number of a series that stands in one place only.
func (b *builder) inventPhone(series int64) string {
	b.phones[series]++
	return phone(series, b.phones[series])
}

func domain(email string) string { return strings.ToLower(email[strings.LastIndex(email, "@")+1:]) }
