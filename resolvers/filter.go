package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// savedViews lists the viewer's own saved views; a service has none.
func (r *Resolver) savedViews(ctx context.Context, account *chat.Account, kind *chat.SavedViewKind) ([]*chat.SavedView, error) {
	viewer := auth.Viewer(ctx)
	if viewer.User == nil {
		return []*chat.SavedView{}, nil
	}
	list, err := r.Store.ListSavedViews(ctx, account.ID, viewer.User.ID, kind)
	if list == nil {
		list = []*chat.SavedView{}
	}
	return list, err
}
