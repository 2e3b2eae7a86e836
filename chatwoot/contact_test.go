package chatwoot_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot"
)

func TestWhatAContactMayBeSavedWith(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("x", chatwoot.MaxContactText)
	for name, check := range map[string]struct {
		fits  func(string) (string, bool)
		cases map[string]string // to what is kept, "refused" for what is not
	}{
		"email": {chatwoot.ContactEmail, map[string]string{
			"Ann@Example.ORG": "ann@example.org", "": "", " \t": "", "ann": "refused", "@example.org": "refused", "ann@": "refused", "a@b@c": "refused",
			" ann@example.org": "refused", "ann @example.org": "refused", "ann@example.org\n": "refused", "ann\x00@example.org": "refused", long + "@x": "refused", "ü@例え.jp": "ü@例え.jp",
		}},
		"phone": {chatwoot.ContactPhone, map[string]string{
			"+15552010001": "+15552010001", "": "", "  ": "", "tel:+15552010001": "tel:+15552010001", "15552010001": "refused", "+05552010001": "refused",
			"+1": "refused", "+12": "+12", "+1234567890123456": "refused", "+123456789012345": "+123456789012345", "+1555 201": "refused", "+1555\n": "refused",
		}},
		"text": {chatwoot.ContactText, map[string]string{"crm-7": "crm-7", " ": "", long: long, long + "x": "refused", "a\x00b": "refused", " Ann ": " Ann "}},
	} {
		for given, want := range check.cases {
			got, ok := check.fits(given)
			if !ok {
				got = "refused"
			}
			if got != want {
				t.Errorf("%s %q: %q, want %q", name, given, got, want)
			}
		}
	}
}
