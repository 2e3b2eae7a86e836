package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/telemetry"
)

// note says which document runs to whatever is logged from here on, before anything else of the request does.
func note(ctx context.Context, d *document) {
	o := telemetry.OperationFrom(ctx)
	o.Document, o.Name = d.said, d.name
}

// noteAnswer says for the request's span how it ended.
func noteAnswer(ctx context.Context, a *answer) {
	o := telemetry.OperationFrom(ctx)
	o.Facts.ViewerKind, o.Facts.Type = auth.Viewer(ctx).Kind(), a.kind
	if a.spent != nil {
		o.Facts.Cost = a.spent.cost
	}
	if len(a.response.Errors) > 0 {
		code, _ := a.response.Errors[0].Extensions["code"].(string)
		o.Facts.Code = chat.Code(code)
	}
}
