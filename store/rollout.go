package store

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// The column of each dataset's phase.
var phaseColumns = map[chat.Dataset]string{
	chat.Contacts:   "phase_contacts",
	chat.Messages:   "phase_messages",
	chat.Attributes: "phase_attributes",
}

// SetPhase puts a dataset of an account into a phase. The epoch moves with it, so that nothing cached before is
// read after.
func (s *Store) SetPhase(ctx context.Context, accountID int64, d chat.Dataset, phase chat.Phase) error {
	column := phaseColumns[d]
	_, err := s.db.Exec(ctx, `INSERT INTO cloakroom.accounts AS a (account_id, `+column+`) VALUES ($1, $2)
 ON CONFLICT (account_id) DO UPDATE SET `+column+` = excluded.`+column+`, cache_epoch = a.cache_epoch + 1, updated_at = now()`,
		accountID, phase)
	if err != nil {
		return fmt.Errorf("put %s of account %d into phase %s: %w", d, accountID, phase, err)
	}
	return nil
}

const moveCacheEpoch = `INSERT INTO cloakroom.accounts AS a (account_id) VALUES ($1)
 ON CONFLICT (account_id) DO UPDATE SET cache_epoch = a.cache_epoch + 1`

// MoveCacheEpoch makes every cached record of an account unreachable: for when dropping one may have failed.
func (s *Store) MoveCacheEpoch(ctx context.Context, accountID int64) error {
	if _, err := s.db.Exec(ctx, moveCacheEpoch, accountID); err != nil {
		return fmt.Errorf("move the cache epoch of account %d: %w", accountID, err)
	}
	return nil
}
