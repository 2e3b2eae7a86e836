package resolvers

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
)

var errUnbuilt = errors.New("unbuilt")

func (r *Resolver) duplicateCandidates(context.Context, *chat.Account, int64) ([]*chat.DuplicateCandidate, error) {
	return nil, errUnbuilt
}

// contactSearch says what a search of contacts may go by, from whom it is, and spends a masked viewer's look-up.
func (r *Resolver) contactSearch(context.Context, *chat.Account, string) (chat.ContactSearch, error) {
	return chat.ContactSearch{}, errUnbuilt
}

func (r *Resolver) savedViews(context.Context, *chat.Account, *chat.SavedViewKind) ([]*chat.SavedView, error) {
	return nil, errUnbuilt
}

func (r *Resolver) setContactOrdering(context.Context, graph.SetContactOrderingInput) (*chat.Account, error) {
	return nil, errUnbuilt
}
