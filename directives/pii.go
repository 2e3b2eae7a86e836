// Package directives is the room of the schema's rules at the gate: @pii, @hasRole, @scope and @serviceOnly, one file each.
// The viewer and the field that is asked for come in; no directive reads or writes anything, and what a gate shows to a
// service it notes.
// What does not leave is a value whose directive said no: it decides before the resolver runs.
package directives

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// Owned is a row that knows its account, without which nothing can be decided, and whose values it holds.
type Owned interface {
	Owner() int64
	Whose() chat.Whose
}

// PII is @pii: null in place of a value the viewer may not see. Where both the field and its scalar say a kind,
// the field's counts.
func PII(ctx context.Context, obj any, next graphql.Resolver, kind chat.Kind) (any, error) {
	row, ok := obj.(Owned)
	kind = kindOf(ctx, kind)
	if !ok || decide(auth.Viewer(ctx), row, kind) == masking.Hide {
		return nil, nil
	}
	shown, err := ShownTo(ctx)
	if err != nil {
		return nil, err
	}
	value, err := next(ctx)
	if err == nil && isValue(value) {
		shown.Note(row, kind)
	}
	return value, err
}

// decide asks an attribute itself, because what was decided about it may be another thing than of its kind.
func decide(v *chat.Viewer, row Owned, kind chat.Kind) masking.Verdict {
	if a, ok := row.(*chat.CustomAttribute); ok && kind == chat.Attribute {
		return masking.Attribute(v, a)
	}
	return masking.Decide(v, row.Owner(), kind)
}

func kindOf(ctx context.Context, kind chat.Kind) chat.Kind {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || fc.Field.Definition == nil {
		return kind
	}
	d := fc.Field.Definition.Directives.ForName("pii")
	if d == nil {
		return kind
	}
	return chat.Kind(d.Arguments.ForName("kind").Value.Raw)
}
