package resolvers

import (
	"context"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/vault"
)

// auditReport gives a page of the audit trail of an account, or with 0 of the installation.
func (r *Resolver) auditReport(ctx context.Context, accountID int64, filter chat.AuditFilter, purpose string, page loaders.PageArgs) (*chat.AuditEntryConnection, error) {
	if err := r.mayReport(ctx, accountID); err != nil {
		return nil, err
	}
	if err := checkAuditFilter(&filter); err != nil {
		return nil, err
	}
	if purpose != "" {
		if err := chat.CheckPurpose("purpose", purpose); err != nil {
			return nil, err
		}
	}
	at, err := page.AuditPage(ctx, r.Vault.AuditCursors(accountID))
	if err != nil {
		return nil, err
	}
	viewer := auth.Viewer(ctx)
	open := viewer.Service != nil || viewer.SuperAdmin || !masking.MaskedIn(viewer, accountID)
	return r.Vault.AuditPage(ctx, vault.AuditQuestion{AccountID: accountID, Filter: filter, Purpose: purpose, MayOpen: open}, at)
}

// mayReport says whether the viewer is given an account's trail: a service its accounts', a super admin every one's, and
// whoever may erase contacts of an account that account's.
func (r *Resolver) mayReport(ctx context.Context, accountID int64) error {
	viewer := auth.Viewer(ctx)
	if viewer.Service != nil {
		if _, ok := viewer.Account(accountID); !ok {
			return named("accountId", chat.ErrNotFound)
		}
		return nil
	}
	if err := mayErase(ctx, accountID); err != nil {
		return err
	}
	if _, member := viewer.Account(accountID); member || accountID == 0 {
		return nil
	}
	_, err := r.Store.FindAccount(ctx, accountID) // of a super admin who is no member
	return named("accountId", err)
}

// maxAuditFilter bounds what entries are looked for by, in characters.
const maxAuditFilter = 200

func checkAuditFilter(f *chat.AuditFilter) error {
	for _, c := range [][2]string{{"filter.entityType", f.EntityType}, {"filter.entityId", f.EntityID}, {"filter.actorKind", f.ActorKind},
		{"filter.actorId", f.ActorID}, {"filter.action", f.Action}} {
		if strings.ContainsRune(c[1], 0) || utf8.RuneCountInString(c[1]) > maxAuditFilter {
			return chat.InvalidField(c[0], "must have at most %d characters and no NUL", maxAuditFilter)
		}
	}
	for _, at := range []*time.Time{f.From, f.To} {
		if at != nil {
			*at = at.Truncate(time.Microsecond) // which is what the database keeps
		}
	}
	return nil
}

// given is an argument's value, or the zero of its type where there is none.
func given[T any](argument *T) (value T) {
	if argument != nil {
		value = *argument
	}
	return value
}
