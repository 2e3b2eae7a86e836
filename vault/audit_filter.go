package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/search"
)

// addressFilters are the attributes by whose whole values a filter finds a contact, in the order of kindsOf.
var addressFilters = []struct {
	attribute chat.FilterAttribute
	field     chat.Field
}{{chat.ByEmail, chat.FieldEmail}, {chat.ByPhone, chat.FieldPhone}, {chat.ByIdentifier, chat.FieldIdentifier}}

// recordFilter puts on record that a service lists contacts by a whole address: that answers what a look-up does. Whom it
// is shown of them is another entry. Every page counts, because a cursor goes with any filter.
func (v *Vault) recordFilter(ctx context.Context, viewer *chat.Viewer, account *chat.Account, conditions []*chat.Condition) error {
	if viewer.Service == nil {
		return nil
	}
	var fields []chat.Field
	for _, f := range addressFilters {
		if slices.ContainsFunc(conditions, func(c *chat.Condition) bool {
			return c.Attribute != nil && *c.Attribute == f.attribute && asksForWhole(c, f.field)
		}) {
			fields = append(fields, f.field)
		}
	}
	if len(fields) == 0 {
		return nil
	}
	entry := searchEntry(viewer, account, fields)
	entry.Details["by"] = "filter"
	if err := v.Record(ctx, entry); err != nil {
		return fmt.Errorf("put a filter by a whole address on record: %w", err)
	}
	return nil
}

// asksForWhole says that a condition compares with a whole value: by its operator, or because the part that it asks for is
// written as one.
func asksForWhole(c *chat.Condition, field chat.Field) bool {
	switch c.Operator {
	case chat.EqualTo, chat.NotEqualTo, chat.StartsWith: // which is EQUAL_TO
		return true
	case chat.Contains, chat.DoesNotContain:
		return slices.ContainsFunc(c.Values, func(text string) bool { return slices.Contains(search.WholeAddresses(text), field) })
	default:
		return false
	}
}
