package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// orderKinds are the kinds of value that contacts can be ordered by.
var orderKinds = map[chat.ContactOrderField]chat.Kind{chat.ContactsByEmail: chat.Email, chat.ContactsByPhone: chat.Phone}

// mayOrder refuses an order by a value that is hidden from the viewer: a contact's neighbours would tell it. @piiArg
// refuses the same before anything runs; this holds where the order is carried out, and does not read the schema.
func mayOrder(ctx context.Context, account *chat.Account, order *chat.ContactOrder) error {
	if order == nil {
		return nil
	}
	kind, personal := orderKinds[order.Field]
	if personal && masking.Decide(auth.Viewer(ctx), account.ID, kind) != masking.Show {
		return &chat.Error{Code: chat.PIIFilterRejected, Field: "orderBy.field", Message: "takes a viewer who may see such values"}
	}
	return nil
}
