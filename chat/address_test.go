package chat

import (
	"strings"
	"testing"
	"unicode"
	"unicode/utf8"
)

const (
	ownEmail = "john.doe+x@example.com"
	ownPhone = "+15551234567"
)

// The forms in which Chatwoot's channels, importers and people write an address into a name.
var namesThatAreAddresses = []string{
	// an e-mail address
	"john.doe+x@example.com", "John.Doe+x@Example.com", "JOHN.DOE+X@EXAMPLE.COM", " john.doe+x@example.com ",
	"john.doe+x", "John.doe+x", "john.doe", "John.doe", "John.Doe", "JOHN.DOE", "  john.doe\t",
	"john.doe%2Bx%40example.com", "mailto:john.doe+x@example.com", "John Doe <john.doe+x@example.com>",
	"7john.doe+x@example.com", "john.doe+x＠example.com", "john.doe+x﹫example.com", "<CAF=x1@mail.example.com>",
	"john\u200b.doe", "\u200ejohn.doe+x\u200f", "jo\u00adhn.doe", "someone.else@example.org",
	// a phone number
	"+15551234567", "15551234567", "whatsapp:+15551234567", "whatsapp:+1555123456742", "tel:+15551234567",
	"+1 555-123-4567", "+1 (555) 123-4567", "(555) 123-4567", "555.123.4567", "555/123/4567", "1_555_123_4567",
	"15551234567@s.whatsapp.net", "Max 15551234567", "15551234567 (Max)", "call 555 123 4567 now",
	"+1\u00a0555\u00a0123\u00a04567", "+1\u202f555\u202f123", "+1 555‑123‑4567", "+1 555–123–4567", "+1 555−123−4567",
	"5\u200b5\u200b5\u200b1\u200b2\u200b3\u200b4", "\u202d555\u202c1234567", "１５５５１２３４５６７", "＋１（５５５）１２３－４５６７",
	"٥٥٥١٢٣٤٥٦٧", "۵۵۵۱۲۳۴۵۶۷", "५५५१२३४५६७", "5️⃣5️⃣5️⃣1️⃣2️⃣3️⃣4️⃣", "𝟓𝟓𝟓𝟏𝟐𝟑𝟒", "•555•123•4567",
	// its digits, fewer than would tell by themselves
	"555123", "234567", "55-51-23", "Room 12: 555123", "555x123", "5a5b5c1d2e3", "٥٥٥١٢٣", "x234567y8",
	// any number of seven digits
	"8675309", "Order 20260615",
}

var namesThatStay = []string{
	"", " ", "Inês Moura", "R2-D2", "Area 51", "Jean-Luc 3rd", "Louis XIV", "Anne-Marie", "O'Brien", "김민준", "محمد", "Zoë 🙂",
	"John", "Doe", "John Doe", "johndoe", "Johnny", "doe+x", "Example", "Apollo 11 (1969)", "Unit 731", "Blink-182", "4-8-15-16",
	"Agent 007", "Order 202606", "12345", "999 888", "Customer 7QF-2K", "Max Mustermann 2", "example.com",
}

func TestNameIsAddress(t *testing.T) {
	t.Parallel()
	for _, name := range namesThatAreAddresses {
		if !NameIsAddress(name, ownEmail, ownPhone) {
			t.Errorf("%q passes for a name", name)
		}
		if !NameIsAddress(name, strings.ToUpper(ownEmail), "tel:"+ownPhone, "") {
			t.Errorf("%q passes for a name where the addresses are stored in another form", name)
		}
	}
	for _, name := range namesThatStay {
		if NameIsAddress(name, ownEmail, ownPhone, "", "crm-42") {
			t.Errorf("%q is taken for an address", name)
		}
	}
}

func TestNameIsAddressOfOwnIdentifier(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name, own string
		want      bool
	}{
		{"15551234567", "15551234567@s.whatsapp.net", true},
		{"Max 555123", "15551234567@s.whatsapp.net", true},
		{"crm-42", "crm-42", true},
		{"The crm-42 one", "CRM-42", true},
		{"Max", "max@example.com", true},
		{"Max Moura", "max@example.com", false},
		{"Maxine", "max@example.com", false},
		{"Inês", "", false},
		{"Inês", "  ", false},
		{"", "@", false},
		{"12345", "12345", true},
		{"1234", "12345", false},
	} {
		if got := NameIsAddress(c.name, c.own); got != c.want {
			t.Errorf("name %q beside %q: %v, want %v", c.name, c.own, got, c.want)
		}
	}
}

func TestTextHoldsAddress(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]bool{
		"":                          false,
		"Re: your order":            false,
		"Re: your order 4711":       false,
		"invoice 2026/06":           false,
		"Lisboa 1000":               false,
		"Fwd: from ann@example.org": true,
		"?email=ann%40example.org":  true,
		"call +351 912 345 678":     true,
		"scan_5551234567.pdf":       true,
		"scan-555-1234567.pdf":      true,
		"v1.2.3 of 2026":            false,
		"123456":                    false,
		"1234567":                   true,
		"123456 and 7":              false,
		"１２３４５６７":                   true,
		"1\u20602\u20603\u20604\u20605\u20606\u20607": true,
	} {
		if got := TextHoldsAddress(text); got != want {
			t.Errorf("%q: %v, want %v", text, got, want)
		}
	}
}

func TestDigitsOfEveryScript(t *testing.T) {
	t.Parallel()
	for r := range rune(utf8.MaxRune) {
		if !unicode.IsDigit(r) {
			continue
		}
		if v := digitValue(r); v < 0 || v > 9 {
			t.Errorf("%U is %d", r, v)
		}
	}
	for text, want := range map[string]string{"a1b2": "12", "٠١٢٩": "0129", "०९": "09", "𝟎𝟗𝟘𝟡": "0909", "０９": "09", "½²": ""} {
		if got := Digits(text); got != want {
			t.Errorf("%q: %q, want %q", text, got, want)
		}
	}
}

// FuzzNameIsAddress holds the promise that matters: whatever stands around a contact's own address, or between
// its digits, a name that holds it is recognised.
func FuzzNameIsAddress(f *testing.F) {
	f.Add("john.doe@example.com", "15551234567", "", "", " - ", uint8(0))
	f.Add("a+b@c", "351912345678", "Max ", " (home)", "\u200b", uint8(3))
	f.Add("İ@x", "00000000", "12", "34", "x", uint8(1))
	f.Fuzz(func(t *testing.T, email, phone, before, after, between string, from uint8) {
		if local, domain, ok := strings.Cut(email, "@"); ok && local != "" && domain != "" && !strings.ContainsFunc(email, unicode.IsSpace) {
			for _, name := range []string{email, before + email + after, strings.ToUpper(email), local} {
				if utf8.ValidString(name) && !NameIsAddress(name, email) {
					t.Errorf("name %q beside %q", name, email)
				}
			}
		}
		digits := Digits(phone)
		if len(digits) < ownPhoneDigits || strings.ContainsFunc(between, unicode.IsDigit) {
			return
		}
		start := int(from) % (len(digits) - ownPhoneDigits + 1)
		part := strings.Split(digits[start:start+ownPhoneDigits], "")
		for _, name := range []string{digits, before + digits + after, before + strings.Join(part, between) + after} {
			if !NameIsAddress(name, "+"+digits) {
				t.Errorf("name %q beside +%s", name, digits)
			}
		}
	})
}
