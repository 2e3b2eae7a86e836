package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// orderKinds are the kinds of value that contacts can be ordered by.
var orderKinds = map[chat.ContactOrderField]chat.Kind{chat.ContactsByEmail: chat.Email, chat.ContactsByPhone: chat.Phone}

// orderFor refuses an order by a value that is hidden from the viewer: a contact's neighbours would tell it. @piiArg
// refuses the same before anything runs; this holds where the order is carried out, and does not read the schema. Of an
// order by name it gives the one in which names that are hidden have no place.
func orderFor(ctx context.Context, account *chat.Account, order *chat.ContactOrder) (*chat.ContactOrder, error) {
	if order == nil {
		return nil, nil
	}
	viewer := auth.Viewer(ctx)
	kind, personal := orderKinds[order.Field]
	if personal && masking.Decide(viewer, account.ID, kind) != masking.Show {
		return nil, &chat.Error{Code: chat.PIIFilterRejected, Field: "orderBy.field", Message: "takes a viewer who may see such values"}
	}
	if order.Field == chat.ContactsByName && masking.Decide(viewer, account.ID, chat.Name) != masking.Show {
		return &chat.ContactOrder{Field: chat.ContactsByShownName, Direction: order.Direction}, nil
	}
	return order, nil
}
