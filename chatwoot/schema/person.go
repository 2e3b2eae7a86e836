package schema

import (
	"fmt"
	"strconv"
	"strings"
)

// person is who a contact is: invented, with the local part that their addresses start with.
type person struct{ display, first, local, language string }

type word struct{ display, local string }

var givenNames = []struct {
	word
	language string
}{
	{word{"Inês", "ines"}, "pt"}, {word{"Oskar", "oskar"}, "de"}, {word{"Amélie", "amelie"}, "fr"}, {word{"Beatriz", "beatriz"}, "es"},
	{word{"Henrik", "henrik"}, "sv"}, {word{"Giulia", "giulia"}, "it"}, {word{"Marta", "marta"}, "pl"}, {word{"Daan", "daan"}, "nl"},
	{word{"Çelik", "celik"}, "tr"}, {word{"Grace", "grace"}, "en"}, {word{"Jonah", "jonah"}, "en"}, {word{"Priya", "priya"}, "en"},
	{word{"Temitope", "temitope"}, "en"}, {word{"Søren", "soren"}, "en"}, {word{"Aoife", "aoife"}, "en"}, {word{"Jürgen", "juergen"}, "de"},
	{word{"Chloé", "chloe"}, "fr"}, {word{"Mateo", "mateo"}, "es"}, {word{"Kwame", "kwame"}, "en"},
}

var familyNames = []word{
	{"Moura", "moura"}, {"Brandvold", "brandvold"}, {"Osterhagen", "osterhagen"}, {"Delacroix", "delacroix"}, {"Nakagawa", "nakagawa"},
	{"Fitzwilliam", "fitzwilliam"}, {"Wiśniewska", "wisniewska"}, {"Okonkwo", "okonkwo"}, {"Lindström", "lindstroem"}, {"Castellanos", "castellanos"},
	{"Vanderbilt", "vanderbilt"}, {"Yıldız", "yildiz"}, {"Abernathy", "abernathy"}, {"Hallgrímsson", "hallgrimsson"}, {"Petrosyan", "petrosyan"},
	{"Quintanilla", "quintanilla"}, {"Ravenscroft", "ravenscroft"}, {"Subramaniam", "subramaniam"}, {"Throckmorton", "throckmorton"},
	{"Ulyanova", "ulyanova"}, {"Weatherby", "weatherby"}, {"Zimmermann", "zimmermann"}, {"D’Angelo", "dangelo"},
}

// scripts are names that are not plain Latin letters: right to left, ideographs, emoji, combining marks.
var scripts = []person{
	{"שרה לוי-בן־דוד", "שרה", "sara.levi", "he"},
	{"محمد الفارسي", "محمد", "mohammed.alfarsi", "ar"},
	{"山田 太郎", "山田様", "taro.yamada", "ja"},
	{"📦 Happy Parcel 🎉", "📦", "happy.parcel", "en"},
	{"Zoe\u0308 A\u030angstro\u0308m", "Zoe\u0308", "zoe.angstroem", "sv"},
	{"Ирина Соколова", "Ирина", "irina.sokolova", "ru"},
	{"王小明", "王先生", "wang.xiaoming", "zh"},
}

func (b *builder) person(c *contact, form string) person {
	if form == "script" {
		return scripts[c.id%int64(len(scripts))]
	}
	if c.id == 1 {
		return person{"Inês Moura", "Inês", "ines.moura", "pt"}
	}
	given := givenNames[b.rng.IntN(len(givenNames))]
	family := pick(b, familyNames)
	if given.local+family.local == "inesmoura" { // there is one of that name: contact 1
		family = familyNames[1]
	}
	return person{given.display + " " + family.display, given.display, given.local + "." + family.local, given.language}
}

func number(id int64) string { return fmt.Sprintf("%03d", id) }

// phone makes a number of a fictional range. Each use has a series of its own, so that a number found
// somewhere tells where it came from.
func phone(series, n int64) string { return fmt.Sprintf("+1555%03d%04d", series, n) }

// spaced writes a number as a telephone library does in international format.
func spaced(phone string) string {
	d := strings.TrimPrefix(phone, "+")
	return "+1 " + d[1:4] + "-" + d[4:7] + "-" + d[7:]
}

func bracketed(phone string) string {
	d := strings.TrimPrefix(phone, "+")
	return "(" + d[1:4] + ") " + d[4:7] + "-" + d[7:]
}

// name gives the contact one of the names that Chatwoot makes: what somebody typed, or an address in disguise.
func (b *builder) name(c *contact, form string, p person) {
	forms := map[string]func() string{
		"email":     func() string { return deref(c.email) },
		"local":     func() string { return c.local },
		"capital":   func() string { return strings.ToUpper(c.local[:1]) + c.local[1:] },
		"plus":      func() string { return "+" + c.digits() },
		"spaced":    func() string { return spaced("+" + c.digits()) },
		"announced": func() string { return spaced("+" + c.digits()) },
		"bracketed": func() string { return bracketed("+" + c.digits()) },
		"digits":    func() string { return c.digits() },
	}
	switch form {
	case "plain", "script":
		c.name = p.display
	case "nameless":
		c.name, c.first = "", ""
	case "words":
		c.name, c.first = pick(b, []string{"silent-brook", "amber-field", "late-sparrow"})+"-"+strconv.FormatInt(400+c.id, 10), ""
	default:
		c.name, c.first = b.plant(carrierName, c.account, forms[form]()), ""
		if c.writesNames = form == "announced"; c.writesNames {
			b.plant(carrierActivity, c.account, c.name)
		}
	}
}

// addresses gives the contact their e-mail, phone and identifier, each noted under its carrier.
func (b *builder) addresses(c *contact, p profile) {
	c.email = b.mail(c, p.email)
	c.phone = b.telephone(c, p.phone)
	var id string
	switch p.identifier {
	case "":
		return
	case "blank":
		c.identifier = &id
		return
	case "crm":
		id = "crm-" + strconv.FormatInt(c.account*9000+c.id, 10)
	case "email":
		id = deref(c.email)
	case "phone":
		id = deref(c.phone)
	case "jid":
		id = c.digits() + "@s.whatsapp.net"
	}
	id = b.plant(carrierIdentifier, c.account, id)
	c.identifier = &id
}

func (b *builder) mail(c *contact, form string) *string {
	var email string
	switch form {
	case "own":
		email = c.local + "@" + []string{"example.org", "example.com", "example.net"}[c.id%3]
	case "upper": // as a back end other than Rails may have written it
		local := strings.Split(c.local, ".")
		email = strings.ToUpper(local[0]) + "." + local[1] + "." + local[2] + "@Example.ORG"
	case "twin":
		email = strings.ToLower(deref(b.contacts[len(b.contacts)-1].email))
	case "work":
		email = c.local + "@" + []string{"kestrel-freight", "nordlys-foods", "tamarind-labs"}[c.id%3] + ".example.com"
	default:
		return nil
	}
	b.plant(carrierEmail, c.account, email)
	return &email
}

func (b *builder) telephone(c *contact, form string) *string {
	var number string
	switch form {
	case "us":
		number = phone(200+c.account, c.id)
	case "uk":
		number = fmt.Sprintf("+44770090%04d", c.id)
	case "tel":
		number = "tel:" + phone(200+c.account, c.id)
	case "shared":
		number = phone(200+c.account, 50)
	case "blank":
		return &number
	default:
		return nil
	}
	b.plant(carrierPhone, c.account, strings.TrimPrefix(number, "tel:"))
	return &number
}
