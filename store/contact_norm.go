package store

import (
	"fmt"
	"strings"
	"sync"
	"unicode"

	"github.com/cloakroom/cloakroom/chat"
)

// What chat.ContactOrderField.TextIn gives, NULL for nil. The collation "C" compares bytes and knows ASCII letters only,
// whatever the database's locale is.
const (
	emailNorm = `NULLIF(lower(btrim(ct.email COLLATE "C", ` + blanks + `)), '')`
	phoneNorm = `CASE WHEN btrim(ct.phone_number, ` + blanks + `) <> '' THEN ct.phone_number COLLATE "C" END`
	blanks    = `E' \t\n\x0B\f\r'`
)

// contactTexts are the texts of contacts' places in plain columns, and in listed names where contacts are sealed; each is
// an expression on ct, and there on the join sealedAway.
var contactTexts = map[chat.ContactOrderField]func(sealed bool) string{
	chat.ContactsByName:      listedText,
	chat.ContactsByShownName: func(sealed bool) string { return map[bool]string{true: sealedName, false: shownName}[sealed] },
	chat.ContactsByEmail:     func(bool) string { return emailNorm },
	chat.ContactsByPhone:     func(bool) string { return phoneNorm },
	chat.ContactsByCompany:   func(bool) string { return profileNorms()[chat.ContactsByCompany] },
	chat.ContactsByCity:      func(bool) string { return profileNorms()[chat.ContactsByCity] },
	chat.ContactsByCountry:   func(bool) string { return profileNorms()[chat.ContactsByCountry] },
}

func listedText(sealed bool) string {
	if sealed {
		return sealedName
	}
	return `CASE ` + someName + ` END`
}

// Until plain columns are given up, Chatwoot's still holds the names that are sealed away; their places would tell them.
const (
	someName   = `WHEN btrim(ct.name, ` + blanks + `) <> '' THEN lower(ct.name)`
	sealedName = `CASE WHEN away.contact_id IS NOT NULL THEN NULL ` + someName + ` END`
	sealedAway = ` LEFT JOIN cloakroom.contacts away ON away.account_id = ct.account_id AND away.contact_id = ct.id AND away.name_sealed IS NOT NULL`
)

// shownName is lower(ct.name), blank wherever chat.NameIsAddress may hold of the name: its place would tell what the alias
// hides. The two need not agree: a name that is shown and listed as blank, because it has six digits, tells nothing.
var shownName = `CASE WHEN ct.name ~ '[@＠﹫]|%40' OR ct.name ~ '` + sixDigits() + `' OR ` +
	holdsOwn("ct.email") + ` OR ` + holdsOwn("ct.phone_number") + ` OR ` + holdsOwn("ct.identifier") + ` THEN NULL ` + someName + ` END`

// sixDigits is an expression for six digits of any script, whatever stands between them: fewer are never taken for a number.
func sixDigits() string {
	digits := class(unicode.Nd)
	return "([" + digits + "][^" + digits + "]*){6}"
}

// class is what stands between the brackets of an expression for the characters of some tables.
func class(tables ...*unicode.RangeTable) string {
	var in strings.Builder
	add := func(low, high, stride uint32) {
		if stride == 1 {
			fmt.Fprintf(&in, `\U%08X-\U%08X`, low, high)
			return
		}
		for ; low <= high; low += stride {
			fmt.Fprintf(&in, `\U%08X`, low)
		}
	}
	for _, t := range tables {
		for _, r := range t.R16 {
			add(uint32(r.Lo), uint32(r.Hi), uint32(r.Stride))
		}
		for _, r := range t.R32 {
			add(r.Lo, r.Hi, r.Stride)
		}
	}
	return in.String()
}

// holdsOwn says that a name holds the contact's own address or, of one with an @, is the part before it with or without a
// tag; a name that has an @ itself is no matter. Beyond ASCII there are marks that are not seen, so that whatever is
// neither letter nor digit is left out of the comparison; that takes ten times as long.
func holdsOwn(column string) string {
	within := func(normal func(string) string) string {
		local := `split_part(btrim(` + column + `, ` + blanks + `), '@', 1)`
		return `CASE WHEN strpos(` + column + `, '@') = 0 THEN strpos(` + normal("ct.name") + `, ` + normal(column) + `) > 0 ELSE ` +
			normal("ct.name") + ` IN (` + normal(local) + `, ` + normal(`split_part(`+local+`, '+', 1)`) + `) END`
	}
	plain := func(text string) string { return `lower(btrim(` + text + `, ` + blanks + `))` }
	bare := func(text string) string { return `regexp_replace(lower(` + text + `), '[^[:alnum:]]+', '', 'g')` }
	return column + ` <> '' AND btrim(` + column + `, ` + blanks + `) <> '' AND CASE WHEN octet_length(ct.name || ` + column + `) = length(ct.name || ` + column + `) THEN ` +
		within(plain) + ` ELSE ` + within(bare) + ` END`
}

// holdsAddress is chat.TextHoldsAddress: an @, or seven digits that nothing parts but the punctuation of phone numbers.
func holdsAddress(text string) string {
	digit := class(unicode.Nd)
	part := class(unicode.White_Space, unicode.Cf, unicode.Pd, unicode.M) + fullWidth(" +-−.()/_·•")
	return text + ` ~ '[@＠﹫]|%40' OR ` + text + ` ~ '[` + digit + `]([` + part + `]*[` + digit + `]){6}'`
}

// fullWidth gives characters and what stands for them among full-width ones, as a class.
func fullWidth(characters string) string {
	var in strings.Builder
	for _, r := range characters {
		fmt.Fprintf(&in, `\U%08X`, r)
		if '!' <= r && r <= '~' {
			fmt.Fprintf(&in, `\U%08X`, r-'!'+'！')
		}
	}
	return in.String()
}

// profileNorms are the places of contacts by parts of their profile. A profile that Rails has wrapped in a string is read
// under the same bounds as in package chat; OFFSET 0 has a text computed once.
var profileNorms = sync.OnceValue(func() map[chat.ContactOrderField]string {
	norms := make(map[chat.ContactOrderField]string)
	for _, f := range chat.LabelledFields {
		key, ok := f.ProfileKey()
		if !ok {
			continue
		}
		member := func(of, kind string) string {
			return `CASE WHEN ` + kind + `(` + of + ` -> '` + key + `') = 'string' THEN ` + of + ` ->> '` + key + `' END`
		}
		wrapped := `(SELECT ` + member("w.object", "json_typeof") + ` FROM (SELECT CASE WHEN octet_length(t.text) <= 8192 THEN
 CASE WHEN t.text !~* '\\u(0000|d[89a-f])' THEN CASE WHEN t.text IS JSON OBJECT THEN t.text::json END END END AS object
 FROM (SELECT ct.additional_attributes #>> '{}' AS text OFFSET 0) t OFFSET 0) w)`
		norms[f] = `(SELECT CASE WHEN ` + holdsAddress("p.text") + ` THEN NULL ELSE NULLIF(lower(btrim(p.text COLLATE "C", ` + blanks + `)), '') END
 FROM (SELECT CASE jsonb_typeof(ct.additional_attributes) WHEN 'object' THEN ` + member("ct.additional_attributes", "jsonb_typeof") + `
 WHEN 'string' THEN ` + wrapped + ` END AS text OFFSET 0) p)`
	}
	return norms
})
