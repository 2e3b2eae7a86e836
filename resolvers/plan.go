package resolvers

import (
	"context"
	"io"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
)

// planned is @planned: where everything a query asks below a field is at hand, the answer is written in one go
// instead of field by field, which costs the executor a context, a closure and often a goroutine each. Whatever a
// plan does not know, and every error, is left to the executor: the two answers are the same, and a test runs both.
func planned(ctx context.Context, _ any, next graphql.Resolver) (any, error) {
	value, err := next(ctx)
	if err != nil || absent(value) {
		return value, err
	}
	compiled := planFor(ctx, auth.Viewer(ctx))
	if compiled == nil {
		return value, nil
	}
	shown, err := directives.ShownTo(ctx)
	if err != nil {
		return nil, err
	}
	w := &planWriter{ctx: ctx, viewer: auth.Viewer(ctx), shown: shown, out: make([]byte, 0, sizeOf(value))}
	if !w.object(compiled, value) {
		return value, nil
	}
	return written(w.out), nil
}

// sizeOf guesses the size of an answer, so that it is rarely moved while it grows.
func sizeOf(value any) int {
	if _, one := value.(*chat.Contact); one {
		return 512
	}
	return 16 << 10
}

// absent tells a pointer that is nil from one that is not, of the types that planned fields give.
func absent(value any) bool {
	switch v := value.(type) {
	case *chat.Contact:
		return v == nil
	case *chat.Conversation:
		return v == nil
	case *chat.ContactConnection:
		return v == nil
	case *chat.ConversationConnection:
		return v == nil
	case *chat.MessageConnection:
		return v == nil
	}
	return true
}

// written is an answer that is JSON already.
type written []byte

// MarshalGQL is for gqlgen.
func (b written) MarshalGQL(w io.Writer) { _, _ = w.Write(b) }

// planner compiles the selections below one field.
type planner struct {
	op     *graphql.OperationContext
	viewer *chat.Viewer
	plans  map[planKey]*plan
}

type planKey struct {
	selection *ast.Selection // the first of its set, which names the set
	typeName  string
}

// plan is what to write of an object of one type.
type plan struct{ fields []planField }

// planField is one member of an object: how it is written, what guards it and what is asked below it.
type planField struct {
	name     []byte // `"alias":`, and the value where constant
	constant bool   // __typename
	write    fieldWriter
	kind     chat.Kind        // of @pii, "" for none
	text     bool             // @piiText
	sub      *plan            // of what is below
	senders  map[string]*plan // of what is below a union, by type
	args     loaders.PageArgs
	needs    loaders.Needs // of a page that a parent may have brought along
}

// compile gives the plan for a selection, nil where some field of it is not known.
func (p *planner) compile(typeName string, selections ast.SelectionSet) *plan {
	key := planKey{&selections[0], typeName}
	if known, ok := p.plans[key]; ok {
		return known
	}
	collected := graphql.CollectFields(p.op, selections, []string{typeName, "MessageSender"})
	compiled := &plan{fields: make([]planField, 0, len(collected))}
	for _, c := range collected {
		f, ok := p.field(typeName, c)
		if !ok {
			compiled = nil
			break
		}
		compiled.fields = append(compiled.fields, f)
	}
	p.plans[key] = compiled
	return compiled
}

func (p *planner) field(typeName string, c graphql.CollectedField) (planField, bool) {
	f := planField{name: appendName(nil, c.Alias), write: planFields[typeName][c.Name]}
	if c.Name == "__typename" {
		f.name = appendString(f.name, typeName)
		f.constant = true
		return f, true
	}
	if f.write == nil || c.IsDeferred() || !p.guards(&f, c.Definition) {
		return f, false
	}
	if len(c.Definition.Arguments) > 0 {
		var ok bool
		if f.args, ok = loaders.ArgsOf(c.ArgumentMap(p.op.Variables)); !ok {
			return f, false
		}
		f.needs = loaders.NeedsOf(p.op, c)
	}
	if len(c.Selections) == 0 {
		return f, true
	}
	below := c.Definition.Type.Name()
	if below == "MessageSender" {
		f.senders = p.compileSenders(c.Selections)
		return f, f.senders != nil
	}
	f.sub = p.compile(below, c.Selections)
	return f, f.sub != nil
}

// compileSenders compiles a union for whichever of its types comes; nil where one of them is not known.
func (p *planner) compileSenders(selections ast.SelectionSet) map[string]*plan {
	senders := make(map[string]*plan, 3)
	for _, typeName := range []string{"User", "Contact", "AgentBot"} {
		if senders[typeName] = p.compile(typeName, selections); senders[typeName] == nil {
			return nil
		}
	}
	return senders
}

// guards takes a field's gates from the schema itself, so that no field can be in a plan without its own. A
// directive that a plan does not know keeps the field out.
func (p *planner) guards(f *planField, d *ast.FieldDefinition) bool {
	for _, directive := range d.Directives {
		switch directive.Name {
		case "pii":
			f.kind = chat.Kind(directive.Arguments.ForName("kind").Value.Raw)
		case "piiText":
			f.text = true
		case "scope":
			if !directives.HoldsScope(p.viewer, directive.Arguments.ForName("any").Value.Raw) {
				return false
			}
		case "planned":
		default:
			return false
		}
	}
	if f.kind == "" {
		f.kind = scalarKinds[d.Type.Name()]
	}
	return true
}

// shows decides once per account and kind of a page.
func (w *planWriter) shows(accountID int64, kind chat.Kind) bool {
	if w.verdicts.account != accountID {
		w.verdicts.account, w.verdicts.known = accountID, nil
	}
	for _, v := range w.verdicts.known {
		if v.kind == kind {
			return v.shown
		}
	}
	shown := masking.Decide(w.viewer, accountID, kind) == masking.Show
	w.verdicts.known = append(w.verdicts.known, verdict{kind, shown})
	return shown
}

type verdict struct {
	kind  chat.Kind
	shown bool
}
