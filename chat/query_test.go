package chat_test

import (
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

func TestNorm(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		field      chat.ContactOrderField
		value      chat.PII
		want       string
		wantAbsent bool
	}{
		{chat.ContactsByEmail, "Ann@Example.COM", "ann@example.com", false},
		{chat.ContactsByEmail, " \t\n\v\f\rann@example.com\r\n", "ann@example.com", false},
		{chat.ContactsByEmail, "ÄNN@Bücher.example", "Änn@bücher.example", false},
		{chat.ContactsByEmail, "\u00a0ann@example.com", "\u00a0ann@example.com", false},
		{chat.ContactsByEmail, "", "", true},
		{chat.ContactsByEmail, " \t\n\v\f\r", "", true},
		{chat.ContactsByPhone, "+15551234567", "+15551234567", false},
		{chat.ContactsByPhone, " +1 555 EXT ", " +1 555 EXT ", false},
		{chat.ContactsByPhone, "  ", "", true},
		{chat.ContactsByEmail, "ann@example.com 1234567", "ann@example.com 1234567", false},
		{chat.ContactsByCompany, " ACME Ärzte\t", "acme Ärzte", false},
		{chat.ContactsByCompany, "R2-D2", "r2-d2", false},
		{chat.ContactsByCompany, " ", "", true},
		{chat.ContactsByCity, "ann@example.com", "", true},
		{chat.ContactsByCountry, "+1 (555) 123-45 67", "", true},
		{chat.ContactsByName, "Ann Lee ", "ann lee", false},
		{chat.ContactsByName, "call ٥٥٥١٢٣٤", "", true},
	} {
		got := c.field.Norm(c.value)
		if (got == nil) != c.wantAbsent || got != nil && *got != c.want {
			t.Errorf("%s of %q: %v, want %q, absent %t", c.field, c.value.Reveal(), got, c.want, c.wantAbsent)
		}
	}
}

func TestContactOrderAddress(t *testing.T) {
	t.Parallel()
	for order, want := range map[chat.ContactOrderField]chat.Field{chat.ContactsByEmail: chat.FieldEmail, chat.ContactsByPhone: chat.FieldPhone} {
		if got, ok := order.Address(); got != want || !ok {
			t.Errorf("%s: field %d, %t", order, got, ok)
		}
	}
	for _, order := range []chat.ContactOrderField{chat.ContactsByLastActivity, chat.ContactsByCreated, chat.ContactsByName, ""} {
		if field, ok := order.Address(); ok {
			t.Errorf("%q is by field %d", order, field)
		}
	}
}

// TestTextIn reads what is ordered by out of a profile, in every form that Rails leaves behind.
func TestTextIn(t *testing.T) {
	t.Parallel()
	for profile, want := range map[chat.PII]string{
		`{"company_name": " Acme ", "city": 5, "country": "DE"}`: "acme",
		`"{\"company_name\": \"Acme\"}"`:                         "acme",
		`"{\"company_name\": \"Acme\", \"a\": \"\\u0000\"}"`:     "",
		`"\"{\\\"company_name\\\": \\\"Acme\\\"}\""`:             "",
		`{"company_name": null}`:                                 "",
		`{"company_name": ["Acme"]}`:                             "",
		`{"company_name": {"company_name": "Acme"}}`:             "",
		`{"Company_Name": "Acme"}`:                               "",
		`{"company_name": "Acme", "company_name": "Borealis"}`:   "borealis",
		`["company_name"]`:                                       "", `"Acme"`: "", `null`: "", `5`: "", ``: "", `{`: "", `{"company_name": "a@b"}`: "",
	} {
		got := chat.ContactsByCompany.TextIn(profile)
		if (got == nil) != (want == "") || got != nil && *got != want {
			t.Errorf("%s: %v, want %q", profile.Reveal(), got, want)
		}
	}
	if got := chat.ContactsByCity.TextIn(`{"city": "Oslo"}`); got == nil || *got != "oslo" {
		t.Errorf("city: %v", got)
	}
	if got := chat.ContactsByCountry.TextIn(`{"country": "NO", "country_code": "X"}`); got == nil || *got != "no" {
		t.Errorf("country: %v", got)
	}
}

func TestContactOrderCompare(t *testing.T) {
	t.Parallel()
	a, b := "a", "b"
	places := map[chat.OrderDirection][]*chat.Position{
		chat.Ascending:  {{Text: &a, ID: 2}, {Text: &a, ID: 3}, {Text: &b, ID: 1}, {ID: 4}, {ID: 5}},
		chat.Descending: {{Text: &b, ID: 1}, {Text: &a, ID: 3}, {Text: &a, ID: 2}, {ID: 5}, {ID: 4}},
	}
	for direction, want := range places {
		order := chat.ContactOrder{Field: chat.ContactsByEmail, Direction: direction}
		got := slices.Clone(want)
		slices.Reverse(got)
		slices.SortFunc(got, order.Compare)
		if !slices.Equal(got, want) {
			t.Errorf("%s: %v", direction, got)
		}
		for _, p := range want {
			if order.Compare(p, p) != 0 {
				t.Errorf("%s: place %d is not its own", direction, p.ID)
			}
		}
	}
}
