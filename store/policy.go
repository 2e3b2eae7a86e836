package store

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/jackc/pgx/v5"
)

// Policy is what Cloakroom has decided about one user and some accounts.
type Policy struct {
	Masking  chat.Masking                   // the zero value for a user nobody decided about
	Settings map[int64]chat.AccountSettings // one for every account asked for
}

// Row 0 stands for no account: it carries the user's own setting even when no account is asked for.
// An account without a row has epoch 0, so that getting its first row is a move of the epoch.
// The ids lie in a query of their own: a planner that sees how few they are makes another plan every time, which takes
// longer than reading them.
var readPolicy = `
SELECT wanted.id, COALESCE(m.masked, false), COALESCE(m.version, 0), COALESCE(f.enabled, false), COALESCE(l.enabled, true),
       COALESCE(a.phase_contacts, 'off'), COALESCE(a.phase_messages, 'off'), COALESCE(a.phase_attributes, 'off'),
       COALESCE(a.cache_epoch, 0), ` + searchSettings("wanted.id") + `
FROM unnest((SELECT array_append($2::bigint[], 0::bigint))) AS wanted (id)
LEFT JOIN cloakroom.agent_masking m ON m.user_id = $1
LEFT JOIN cloakroom.accounts a ON a.account_id = wanted.id
LEFT JOIN cloakroom.account_flags f ON f.account_id = wanted.id AND f.name = 'contact_pii_masking'
LEFT JOIN cloakroom.account_flags l ON l.account_id = wanted.id AND l.name = 'masked_contact_lookup'`

// ReadPolicy reads a user's masking setting and the settings of accounts in one statement; userID is 0 for a
// service, which has no setting. It stands apart from the identity on purpose: a policy that cannot be read
// masks the viewer, an identity that cannot be read refuses them.
func (s *Store) ReadPolicy(ctx context.Context, userID int64, accountIDs []int64) (Policy, error) {
	p := Policy{Settings: make(map[int64]chat.AccountSettings, len(accountIDs))}
	_, err := collect(ctx, s.db, p.scan, readPolicy, userID, accountIDs)
	if err != nil {
		return Policy{}, fmt.Errorf("read the masking policy: %w", err)
	}
	return p, nil
}

func (p *Policy) scan(rows pgx.Rows) (struct{}, error) {
	var id int64
	var a chat.AccountSettings
	var contacts, messages, attributes chat.Phase
	var search []byte
	err := rows.Scan(&id, &p.Masking.Masked, &p.Masking.Version, &a.ContactPIIMasking, &a.MaskedLookup,
		&contacts, &messages, &attributes, &a.CacheEpoch, &search)
	if err != nil {
		return struct{}{}, err
	}
	if a.Search, err = readSearchSettings(search); err != nil {
		return struct{}{}, err
	}
	if id != 0 {
		a.Phases = map[chat.Dataset]chat.Phase{chat.Contacts: contacts, chat.Messages: messages, chat.Attributes: attributes}
		p.Settings[id] = a
	}
	return struct{}{}, nil
}
