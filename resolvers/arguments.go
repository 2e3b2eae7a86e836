package resolvers

import (
	"strconv"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// forbidden says which argument of an operation a viewer may not give, by the schema's @piiArg, before anything
// runs; nil for none. It looks at arguments, at the fields of inputs and at values of enums, in the document, in
// variables and in defaults alike. The answer is an error: an argument left out would widen the question.
// cost is what the arguments cost on top of what is selected: orders and conditions open what nobody selects.
func forbidden(schema *ast.Schema, rc *graphql.OperationContext, viewer *chat.Viewer) (cost int, fault *chat.Error) {
	a := arguments{schema: schema, variables: rc.Variables, viewer: viewer}
	a.selections(rc.Operation.SelectionSet, 0)
	return a.cost, a.fault
}

// costly are inputs and values that have sealed values opened without being asked for them, by type and name.
var costly = map[string]int{
	"ContactOrderField.COMPANY": costOrder, "ContactOrderField.CITY": costOrder, "ContactOrderField.COUNTRY": costOrder,
	"ContactCondition": costCompare, "ConversationCondition": costCompare,
	"ContactFilter.savedViewId": costSearch, "ConversationFilter.savedViewId": costSearch,
}

// arguments goes through what is given in an operation.
type arguments struct {
	schema    *ast.Schema
	variables map[string]any
	viewer    *chat.Viewer

	cost  int
	fault *chat.Error
}

// selections looks at fields that belong to an account, 0 where that is not known.
func (a *arguments) selections(selections ast.SelectionSet, account int64) {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			a.field(s, account)
		case *ast.InlineFragment:
			a.selections(s.SelectionSet, account)
		case *ast.FragmentSpread:
			a.selections(s.Definition.SelectionSet, account)
		}
	}
}

func (a *arguments) field(f *ast.Field, account int64) {
	if f.Definition.Type.Name() == "Account" {
		account = a.account(f)
	}
	for _, given := range f.Arguments {
		d := f.Definition.Arguments.ForName(given.Name)
		if !a.null(given.Value) {
			a.ruled(d.Directives, given.Name, account)
		}
		a.literal(d.Type, given.Value, given.Name, account)
	}
	a.selections(f.SelectionSet, account)
}

// account reads which account a field gives; of any other than account(id:) it is not known before it runs.
func (a *arguments) account(f *ast.Field) int64 {
	id := f.Arguments.ForName("id")
	if id == nil {
		return 0
	}
	given := any(id.Value.Raw)
	if id.Value.Kind == ast.Variable {
		given = a.variables[id.Value.Raw]
	}
	var known chat.ID
	if err := known.UnmarshalGQL(given); err != nil {
		return 0
	}
	return int64(known)
}

// ruled applies @piiArg where something bears it.
func (a *arguments) ruled(directives ast.DirectiveList, field string, account int64) {
	rule := directives.ForName("piiArg")
	if rule == nil || a.fault != nil || rule.Arguments.ForName("policy").Value.Raw != string(chat.Privileged) {
		return
	}
	a.cost += costOrder
	if !a.sees(account, chat.Kind(rule.Arguments.ForName("kind").Value.Raw)) {
		a.fault = &chat.Error{Code: chat.PIIFilterRejected, Field: field, Message: "takes a viewer who may see such values"}
	}
}

// sees says that a kind is shown to the viewer in an account; where the account is not known, in each of theirs.
func (a *arguments) sees(account int64, kind chat.Kind) bool {
	if account != 0 {
		return masking.Decide(a.viewer, account, kind) == masking.Show
	}
	for _, each := range a.viewer.Accounts() {
		if masking.Decide(a.viewer, each.ID, kind) == masking.Hide {
			return false
		}
	}
	return true
}

// literal looks at a value as it stands in the document.
func (a *arguments) literal(t *ast.Type, v *ast.Value, field string, account int64) {
	switch v.Kind {
	case ast.Variable:
		a.value(t, a.variables[v.Raw], field, account)
	case ast.EnumValue:
		a.enum(t, v.Raw, field, account)
	case ast.ListValue:
		a.bounded(len(v.Children), field)
		for i, item := range v.Children {
			a.literal(element(t), item.Value, field+"["+strconv.Itoa(i)+"]", account)
		}
	case ast.ObjectValue:
		a.literalObject(t, v, field, account)
	}
}

// bounded refuses a list that is longer than any page.
func (a *arguments) bounded(length int, field string) {
	if length > maxList && a.fault == nil {
		a.fault = chat.InvalidField(field, "must hold at most %d", maxList)
	}
}

func (a *arguments) literalObject(t *ast.Type, v *ast.Value, field string, account int64) {
	def := a.schema.Types[t.Name()]
	a.cost += costly[def.Name]
	for _, d := range def.Fields {
		name := field + "." + d.Name
		given := v.Children.ForName(d.Name)
		switch {
		case given != nil && !a.null(given):
			a.cost += costly[def.Name+"."+d.Name]
			a.ruled(d.Directives, name, account)
			a.literal(d.Type, given, name, account)
		case given == nil && d.DefaultValue != nil:
			a.literal(d.Type, d.DefaultValue, name, account)
		}
	}
}

// null says that nothing is given.
func (a *arguments) null(v *ast.Value) bool {
	return v.Kind == ast.NullValue || v.Kind == ast.Variable && a.variables[v.Raw] == nil
}

// value looks at a variable's value, or at what lies in it.
func (a *arguments) value(t *ast.Type, value any, field string, account int64) {
	switch value := value.(type) {
	case string:
		a.enum(t, value, field, account)
	case []any:
		a.bounded(len(value), field)
		for i, item := range value {
			a.value(element(t), item, field+"["+strconv.Itoa(i)+"]", account)
		}
	case map[string]any:
		a.valueObject(t, value, field, account)
	default:
		if value != nil && t.Elem != nil { // a list of one may be given as the one
			a.value(t.Elem, value, field, account)
		}
	}
}

func (a *arguments) valueObject(t *ast.Type, value map[string]any, field string, account int64) {
	def := a.schema.Types[t.Name()]
	a.cost += costly[def.Name]
	for _, d := range def.Fields {
		name := field + "." + d.Name
		given, ok := value[d.Name]
		switch {
		case ok && given != nil:
			a.cost += costly[def.Name+"."+d.Name]
			a.ruled(d.Directives, name, account)
			a.value(d.Type, given, name, account)
		case !ok && d.DefaultValue != nil:
			a.literal(d.Type, d.DefaultValue, name, account)
		}
	}
}

func (a *arguments) enum(t *ast.Type, value, field string, account int64) {
	def := a.schema.Types[t.Name()]
	if def == nil || def.Kind != ast.Enum {
		return
	}
	if v := def.EnumValues.ForName(value); v != nil {
		a.cost += costly[def.Name+"."+value]
		a.ruled(v.Directives, field, account)
	}
}

func element(t *ast.Type) *ast.Type {
	if t.Elem != nil {
		return t.Elem
	}
	return t
}
