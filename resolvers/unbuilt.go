package resolvers

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
)

var errUnbuilt = errors.New("unbuilt")

func (r *Resolver) setContactOrdering(context.Context, graph.SetContactOrderingInput) (*chat.Account, error) {
	return nil, errUnbuilt
}
