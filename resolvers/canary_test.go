package resolvers_test

import (
	"bytes"
	"crypto/md5"  //nolint:gosec // Gravatar's hash of an address, which is what is looked for
	"crypto/sha1" //nolint:gosec // as above
	"crypto/sha256"
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// needle is one form of a planted value.
type needle struct{ carrier, text string }

// haystack looks for many needles at once, by the eight bytes they begin with.
type haystack map[[8]byte][]needle

func (h haystack) add(carrier, text string) {
	if len(text) < 8 {
		return // too short to be told from other text
	}
	head := [8]byte([]byte(text))
	if n := (needle{carrier, text}); !slices.Contains(h[head], n) {
		h[head] = append(h[head], n)
	}
}

// find gives the needles that stand in text, in any case.
func (h haystack) find(text []byte) []needle {
	var found []needle
	text = bytes.ToLower(text)
	for i := 0; i+8 <= len(text); i++ {
		for _, n := range h[[8]byte(text[i:])] {
			if bytes.HasPrefix(text[i:], []byte(n.text)) {
				found = append(found, n)
			}
		}
	}
	return found
}

// canaries are what was planted, in the forms in which it could come out.
type canaries struct {
	texts  haystack
	digits haystack // phone numbers, looked for with all punctuation taken out of the text
}

func newCanaries() canaries { return canaries{haystack{}, haystack{}} }

// plant takes a value and whatever can be made of it without knowing anything else.
func (c canaries) plant(carrier, value string) {
	lower := strings.ToLower(value)
	c.texts.add(carrier, lower)
	if digits := digitsOf(lower); len(digits) >= 10 && strings.Trim(lower, "+0123456789 -().:tehwasp") == "" {
		c.digits.add(carrier+", digits", digits)
	}
	local, _, isEmail := strings.Cut(lower, "@")
	if !isEmail || strings.ContainsAny(lower, " <") {
		return
	}
	c.texts.add(carrier+", local part", local)
	c.texts.add(carrier+", percent-encoded", strings.ToLower(url.QueryEscape(lower)))
	for _, form := range []string{lower, value} {
		c.texts.add(carrier+", MD5", fmt.Sprintf("%x", md5.Sum([]byte(form))))    //nolint:gosec // see above
		c.texts.add(carrier+", SHA-1", fmt.Sprintf("%x", sha1.Sum([]byte(form)))) //nolint:gosec // see above
		c.texts.add(carrier+", SHA-256", fmt.Sprintf("%x", sha256.Sum256([]byte(form))))
	}
}

// find scans text as it is and with the punctuation of phone numbers taken out.
func (c canaries) find(text []byte) []needle {
	squeezed := bytes.Map(func(r rune) rune {
		if strings.ContainsRune(" +-().\u00a0", r) {
			return -1
		}
		return r
	}, text)
	return append(c.texts.find(text), c.digits.find(squeezed)...)
}

func digitsOf(s string) string {
	return strings.Map(func(r rune) rune {
		if r < '0' || r > '9' {
			return -1
		}
		return r
	}, s)
}

// planted gives the personal values of account 1: those that masking hides, and with freeText those in texts too.
func planted(t testing.TB, freeText bool) canaries {
	t.Helper()
	demo, err := storetest.Demo()
	if err != nil {
		t.Fatal(err)
	}
	c := newCanaries()
	for _, planted := range demo.Canaries() {
		if planted.AccountID == schema.Acme && (freeText || !planted.FreeText) {
			c.plant(planted.Carrier, planted.Value)
		}
	}
	return c
}

// plantedTexts gives everything that must not lie anywhere in clear: the values, and fragments of the messages.
func plantedTexts(t testing.TB) canaries {
	t.Helper()
	c := planted(t, true)
	demo, err := storetest.Demo()
	if err != nil {
		t.Fatal(err)
	}
	for _, fragment := range demo.MessageTexts(schema.Acme) {
		c.texts.add("text of a message", strings.ToLower(fragment))
	}
	return c
}

// mustBeClean fails for each canary in text; where says what the text is.
func (c canaries) mustBeClean(t testing.TB, where string, text []byte) {
	t.Helper()
	found := c.find(text)
	for i, n := range found {
		if i == 5 {
			t.Errorf("%s: and %d more", where, len(found)-i)
			return
		}
		t.Errorf("%s holds %s: %q", where, n.carrier, n.text)
	}
}

func TestCanariesAreFoundInEveryForm(t *testing.T) {
	t.Parallel()
	c := newCanaries()
	c.plant("mail", "Ann.Lee@Example.com")
	c.plant("phone", "+15552010001")
	for _, text := range []string{
		"ann.lee@example.com", "<ANN.LEE@EXAMPLE.COM>", "1ann.lee@example.com", "?q=ann.lee%40example.com",
		fmt.Sprintf("%x", md5.Sum([]byte("ann.lee@example.com"))), //nolint:gosec // see above
		fmt.Sprintf("%X", sha256.Sum256([]byte("ann.lee@example.com"))),
		"+1 (555) 201-0001", "tel:15552010001", "whatsapp:+1555201000142", "1.555.201.0001",
	} {
		if len(c.find([]byte("…"+text+"…"))) == 0 {
			t.Errorf("not found: %s", text)
		}
	}
	if found := c.find([]byte(`{"id":"1","createdAt":"2026-06-15T12:00:00Z"}`)); len(found) > 0 {
		t.Errorf("found where nothing is: %v", found)
	}
}
