package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/loaders"
)

// AuditReport is the resolver for the auditReport field.
func (r *queryResolver) AuditReport(ctx context.Context, accountID *chat.ID, filter *chat.AuditFilter, purpose *string, first *int, after *string) (*chat.AuditEntryConnection, error) {
	return r.auditReport(ctx, int64(given(accountID)), given(filter), given(purpose), loaders.NewPageArgs(first, after, nil, nil))
}
