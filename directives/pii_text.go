package directives

import (
	"context"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// history is a row whose text may be what a person wrote into a thread, which is exempt from masking.
type history interface{ IsHistory() bool }

// PIIText is @piiText: null in place of a text that looks as if it held an address, for viewers who may not see
// one. It is the only gate that looks at the value first, because the value decides.
func PIIText(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	res, err := next(ctx)
	text, ok := res.(*string)
	if err != nil || !ok || text == nil {
		return nil, err
	}
	if h, ok := obj.(history); ok && h.IsHistory() {
		return text, nil
	}
	row, ok := obj.(Owned)
	if !ok {
		return nil, nil
	}
	if text = masking.Text(auth.Viewer(ctx), row.Owner(), text); text == nil {
		return nil, nil
	}
	return text, noteText(ctx, row, *text)
}

// noteText notes a text around the history that holds an address.
func noteText(ctx context.Context, row Owned, text string) error {
	shown, err := ShownTo(ctx)
	if err != nil || shown == nil || !chat.TextHoldsAddress(text) {
		return err
	}
	shown.Note(row, chat.Attribute)
	return nil
}
