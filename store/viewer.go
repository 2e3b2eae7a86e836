package store

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/jackc/pgx/v5"
)

// ViewerRow is a user as far as signing in goes. Masking is not here: it is read on its own, by ReadPolicy.
type ViewerRow struct {
	ID          int64
	UID         string // what session headers name the user by
	Name        string // display name where one is set
	Email       *string
	SuperAdmin  bool
	Tokens      string          // users.tokens as it lies there, for ParseSessions; empty for NULL
	Memberships []MembershipRow // of active accounts only, by account id
}

// MembershipRow is a user's place in one active account. The account's settings are not filled in.
type MembershipRow struct {
	chat.Membership
	Availability chat.Availability // as configured, not presence
}

// viewerColumns ends in the memberships as one JSON array, so that a user is one row however many accounts
// they are in. custom_role_id goes through to_jsonb because Chatwoot's editions differ in having it.
const viewerColumns = `
SELECT u.id, u.uid, COALESCE(NULLIF(u.display_name, ''), u.name), u.email, COALESCE(u.type, '') = 'SuperAdmin',
       COALESCE(u.tokens::text, ''),
       (SELECT json_agg(json_build_object(
                   'account_id', a.id, 'account', a.name, 'crm_v2', a.feature_flags & (1::bigint << 49) <> 0,
                   'role', au.role, 'availability', au.availability,
                   'has_custom_role', to_jsonb(au)->>'custom_role_id' IS NOT NULL,
                   'permissions', %s) ORDER BY a.id)
        FROM account_users au
        JOIN accounts a ON a.id = au.account_id AND a.status = 0
        WHERE au.user_id = u.id)
FROM users u`

// A custom role of another account, or one that is gone, gives no permissions and still narrows its holder.
const (
	customPermissions = `(SELECT cr.permissions FROM custom_roles cr
                   WHERE cr.id = (to_jsonb(au)->>'custom_role_id')::bigint AND cr.account_id = au.account_id)`
	noPermissions = `NULL`

	viewerByUID = viewerColumns + `
WHERE u.uid = $1
ORDER BY u.id
LIMIT 1`
	viewerByAccessToken = viewerColumns + `
WHERE u.id = (SELECT owner_id FROM access_tokens WHERE token = $1 AND owner_type = 'User')`
)

// FindViewerByUID finds the user that session headers name; ErrNotFound when there is none.
// Chatwoot looks by uid alone, whatever the provider, and so does this.
func (s *Store) FindViewerByUID(ctx context.Context, uid string) (*ViewerRow, error) {
	v, err := s.findViewer(ctx, viewerByUID, uid)
	if err != nil {
		return nil, fmt.Errorf("find a viewer by uid: %w", err)
	}
	return v, nil
}

// FindViewerByAccessToken finds the user that owns a Chatwoot access token; ErrNotFound when there is none,
// and for the tokens of bots and platform apps, which Chatwoot admits to a few endpoints only.
func (s *Store) FindViewerByAccessToken(ctx context.Context, token string) (*ViewerRow, error) {
	v, err := s.findViewer(ctx, viewerByAccessToken, token)
	if err != nil {
		return nil, fmt.Errorf("find a viewer by access token: %w", err)
	}
	return v, nil
}

func (s *Store) findViewer(ctx context.Context, sql, key string) (*ViewerRow, error) {
	permissions := noPermissions
	if known, err := s.hasCustomRoles(ctx); err != nil {
		return nil, err
	} else if known {
		permissions = customPermissions
	}
	var v ViewerRow
	var memberships []byte
	err := s.db.QueryRow(ctx, fmt.Sprintf(sql, permissions), key).
		Scan(&v.ID, &v.UID, &v.Name, &v.Email, &v.SuperAdmin, &v.Tokens, &memberships)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, chat.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	v.Memberships, err = readMemberships(memberships)
	return &v, err
}

// membershipJSON is one element of viewerColumns' array.
type membershipJSON struct {
	AccountID     int64    `json:"account_id"`
	Account       string   `json:"account"`
	CRMV2         bool     `json:"crm_v2"`
	Role          int      `json:"role"`
	Availability  int      `json:"availability"`
	HasCustomRole bool     `json:"has_custom_role"`
	Permissions   []string `json:"permissions"`
}

// availabilities are Chatwoot's numbers.
var availabilities = [...]chat.Availability{chat.Online, chat.Offline, chat.Busy}

func readMemberships(raw []byte) ([]MembershipRow, error) {
	if raw == nil { // json_agg of no rows
		return nil, nil
	}
	var list []membershipJSON
	if err := json.Unmarshal(raw, &list); err != nil {
		return nil, fmt.Errorf("read a user's memberships: %w", err)
	}
	rows := make([]MembershipRow, len(list))
	for i, m := range list {
		rows[i] = MembershipRow{
			Membership: chat.Membership{
				Account:     chat.Account{ID: m.AccountID, Name: m.Account, CRMV2: m.CRMV2},
				Role:        chat.Agent, // whatever number a later Chatwoot invents has no more rights than this
				Permissions: chat.Permissions{HasRole: m.HasCustomRole, Names: m.Permissions},
			},
			Availability: chat.Offline,
		}
		if m.Role == 1 {
			rows[i].Role = chat.Administrator
		}
		if m.Availability >= 0 && m.Availability < len(availabilities) {
			rows[i].Availability = availabilities[m.Availability]
		}
	}
	return rows, nil
}

// customRolesKnown remembers for each pool whether the table exists: Chatwoot makes tables only while it is
// being upgraded, and a role that is not known narrows its holder to nothing, so a restart may wait.
var customRolesKnown sync.Map // of *pgxpool.Pool to bool

const customRolesTable = `SELECT to_regclass('custom_roles') IS NOT NULL`

func (s *Store) hasCustomRoles(ctx context.Context) (bool, error) {
	if known, ok := customRolesKnown.Load(s.pool); ok {
		return known.(bool), nil
	}
	var exists bool
	if err := s.db.QueryRow(ctx, customRolesTable).Scan(&exists); err != nil {
		return false, fmt.Errorf("look for table custom_roles: %w", err)
	}
	customRolesKnown.Store(s.pool, exists)
	return exists, nil
}
