package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// auditPage is the size of a page of the audit trail that says none.
const auditPage = 25

// AuditPage checks the arguments of a page of the audit trail.
func (a PageArgs) AuditPage(ctx context.Context, cursors vault.Cursors) (chat.Page, error) {
	return a.page(ctx, cursors, auditPage, false)
}
