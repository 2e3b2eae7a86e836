package resolvers

import (
	"fmt"
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/loaders"
)

// What a field costs, in points: an object one, for each time that a list can hold it; what has to be opened on top
// of that. A point is some microseconds of the server.
const (
	costObject   = 1
	costPersonal = 5    // a value behind @pii
	costContent  = 2    // a text behind @piiText, such as a message's
	costOrder    = 2000 // an order by a sealed value: up to 20,000 of them are opened and sorted
	costSearch   = 500  // a search: up to 1,000 values are opened and compared, or 300 ms spent
	costToken    = 200  // a third party's credential, whose reading is written down, or which a third party is asked for
	costCompare  = 200  // a condition of a filter: as an order at worst, and most are an index scan
	// assumedList is the length of a list whose length nobody gives, such as the labels of a contact.
	assumedList = 2
	assumedPage = 25 // of a connection without first and last
	// maxCost is what one document may cost. A page of 100 contacts with all their values comes to 7,000, a page of
	// 100 conversations with 20 messages each to 8,000.
	maxCost = 10_000
)

// costs adds up what an operation costs with its variables, before it runs.
type costs struct {
	schema    *ast.Schema
	variables map[string]any
	personal  bool // some value behind a gate is asked for
	customers bool // something of a customer's is asked for, be it a state or a status
	fault     *chat.Error
}

// colleagues are the types that hold nothing of a customer's.
var colleagues = map[string]bool{"Query": true, "Mutation": true, "Viewer": true, "User": true, "Account": true, "FeatureFlag": true,
	"SetPiiMaskingPayload": true, "SetFeatureFlagPayload": true, "EraseContactPayload": true, "ContactErasure": true,
	"AccountSearch": true, "ContactOrdering": true, "AttributeDefinition": true, "SavedView": true,
	"SetAttributePolicyPayload": true, "SetSearchModePayload": true, "SetContactOrderingPayload": true,
	"VaultToken": true, "StoredToken": true, "StoreTokenPayload": true, "RefreshTokenPayload": true, "RevokeTokenPayload": true}

// searches are the fields that cost more than what is selected of them.
var searches = map[string]bool{"searchContacts": true, "searchMessages": true, "duplicateCandidates": true, "auditReport": true}

// of gives the cost of selections; page is how long the list is whose items or edges they would select, 0 for none.
func (c *costs) of(selections ast.SelectionSet, page int) int {
	sum := 0
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if c.asked(s.Directives) {
				sum += c.field(s, page)
			}
		case *ast.InlineFragment:
			if c.asked(s.Directives) {
				sum += c.of(s.SelectionSet, page)
			}
		case *ast.FragmentSpread:
			if c.asked(s.Directives) {
				sum += c.of(s.Definition.SelectionSet, page)
			}
		}
		if sum > maxCost { // it will be refused, and numbers stay small
			return sum
		}
	}
	return sum
}

func (c *costs) field(f *ast.Field, page int) int {
	d := f.Definition
	c.customers = c.customers || !colleagues[f.ObjectDefinition.Name]
	if len(f.SelectionSet) == 0 {
		return c.leaf(d)
	}
	length, own := 1, 0
	if searches[d.Name] {
		own = costSearch
	} else if name := d.Type.Name(); name == "StoredToken" || name == "RefreshTokenPayload" {
		own = costToken
	}
	switch {
	case d.Type.Elem != nil && page > 0: // nodes, edges
		length = page
	case d.Type.Elem != nil:
		length = assumedList
	}
	below := 0
	if d.Arguments.ForName("first") != nil {
		below = c.page(f)
	}
	return own + length*(costObject+c.of(f.SelectionSet, below))
}

func (c *costs) leaf(d *ast.FieldDefinition) int {
	switch {
	case d.Directives.ForName("pii") != nil || c.schema.Types[d.Type.Name()].Directives.ForName("pii") != nil:
		c.personal = true
		return costPersonal
	case d.Directives.ForName("piiText") != nil:
		c.personal = true
		return costContent
	}
	return 0
}

// page is the size of a page, as far as it is a size at all: others are refused where the page is read. Literals
// beyond numbers must not be read as values: the parser's library panics at them.
func (c *costs) page(f *ast.Field) int {
	for _, name := range []string{"first", "last"} {
		argument := f.Arguments.ForName(name)
		if argument == nil {
			continue
		}
		given := any(argument.Value.Raw)
		if argument.Value.Kind == ast.Variable {
			given = c.variables[argument.Value.Raw]
		}
		if size, err := strconv.Atoi(fmt.Sprint(given)); err == nil {
			return min(max(size, 1), loaders.MaxPage)
		}
	}
	return assumedPage
}

// asked evaluates @skip and @include as the executor does.
func (c *costs) asked(directives ast.DirectiveList) bool {
	for _, d := range directives {
		condition := d.Arguments.ForName("if")
		if condition == nil {
			continue
		}
		holds := condition.Value.Raw == "true"
		if condition.Value.Kind == ast.Variable {
			var known bool
			if holds, known = c.variables[condition.Value.Raw].(bool); !known { // a default does not stand in for null
				c.fault = chat.InvalidField(condition.Value.Raw, "must be true or false")
			}
		}
		if d.Name == "skip" && holds || d.Name == "include" && !holds {
			return false
		}
	}
	return true
}

// spend says what an operation costs.
func (s *spending) spend(schema *ast.Schema, rc *graphql.OperationContext) *chat.Error {
	c := costs{schema: schema, variables: rc.Variables}
	s.cost = c.of(rc.Operation.SelectionSet, 0)
	s.personal, s.customers = c.personal, c.customers
	return c.fault
}
