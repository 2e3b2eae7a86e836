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
