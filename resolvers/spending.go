package resolvers

import (
	"context"
	"errors"
	"net/http"
	"slices"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// spending is what a request costs and what its viewer has left.
type spending struct {
	cost int

	personal  bool // values behind a gate are asked for
	customers bool // anything of a customer's is
	balance   vault.Balance
	paid      bool // a request that is answered again pays once
	unknown   bool // whether there was enough to pay could not be told
	status    int  // of a refusal, 0 for the usual one
}

// admit says whether an operation may run, and as whom. Where the budget cannot be read nothing stops a request that
// asks for nothing personal; from users personal values are hidden as if the policy were unreadable, and services
// are refused them, because a back end would take a hidden value for none.
func (t *transport) admit(ctx context.Context, rc *graphql.OperationContext, viewer *chat.Viewer, s *spending) (*chat.Viewer, *chat.Error) {
	given, fault := forbidden(t.schema, rc, viewer)
	if fault != nil {
		return nil, fault
	}
	if s.cost += given; s.cost > maxCost {
		return nil, chat.Errorf(chat.Limited, "the document costs more than %d points: ask for smaller pages", maxCost)
	}
	if fault := t.pay(ctx, viewer, s); fault != nil {
		return nil, fault
	}
	switch {
	case !s.unknown:
		return viewer, nil
	case viewer.Service == nil:
		return masked(viewer), nil
	case s.personal:
		s.status = http.StatusServiceUnavailable
		return nil, chat.Errorf(chat.Limited, "personal values are not read while the budget cannot be kept; try again")
	default:
		return unprivileged(viewer), nil
	}
}

func (t *transport) pay(ctx context.Context, viewer *chat.Viewer, s *spending) *chat.Error {
	if s.paid || t.limit.Restore == 0 {
		return nil
	}
	balance, err := t.vault.Spend(ctx, spender(viewer), max(s.cost, 1), t.limit)
	var limited *chat.Error
	switch {
	case errors.As(err, &limited):
		s.balance, s.status = balance, http.StatusTooManyRequests
		return limited
	case err != nil:
		s.unknown = true
	default:
		s.balance, s.paid, s.unknown = balance, true, false
	}
	return nil
}

// spender names whose budget it is.
func spender(v *chat.Viewer) string {
	if v.Service != nil {
		return "token:" + v.Service.TokenID
	}
	return "user:" + chat.FormatID(v.UserID())
}

// masked is the viewer with everything hidden.
func masked(v *chat.Viewer) *chat.Viewer {
	hidden := *v
	hidden.Policy = chat.PolicyUnreadable
	return &hidden
}

// personalScopes are those that show a value.
var personalScopes = []chat.Scope{chat.ScopePIIEmail, chat.ScopePIIPhone, chat.ScopePIIIdentifier, chat.ScopePIIAttributes, chat.ScopeChannelAddress}

// unprivileged is the service without the scopes that show a value: names that are addresses have no field to refuse.
func unprivileged(v *chat.Viewer) *chat.Viewer {
	less, service := *v, *v.Service
	service.Scopes = slices.DeleteFunc(slices.Clone(service.Scopes), func(s chat.Scope) bool { return slices.Contains(personalScopes, s) })
	less.Service = &service
	return &less
}
