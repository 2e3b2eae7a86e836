package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// unnamed says that no row names a generation k any more. Cursors lie with clients, who keep them for a day at most;
// aliases and the pepper must stay.
const unnamed = `CASE k.purpose
 WHEN 'data' THEN NOT EXISTS (SELECT 1 FROM cloakroom.subject_keys n WHERE n.account_id = k.account_id AND n.key_id = k.generation AND n.state = 'active')
  AND NOT EXISTS (SELECT 1 FROM cloakroom.contacts n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.contact_inboxes n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.conversations n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.messages n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.attachments n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.notes n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
 WHEN 'audit' THEN NOT EXISTS (SELECT 1 FROM cloakroom.audit_entries n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
 WHEN 'index' THEN NOT EXISTS (SELECT 1 FROM cloakroom.lookup_tags n WHERE n.account_id = k.account_id AND n.generation = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.message_tokens n WHERE n.account_id = k.account_id AND n.generation = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.contact_tokens n WHERE n.account_id = k.account_id AND n.generation = k.generation)
  AND NOT EXISTS (SELECT 1 FROM cloakroom.attribute_tags n WHERE n.account_id = k.account_id AND n.generation = k.generation)
 WHEN 'cursor' THEN k.retired_at < now() - interval '1 day'
 WHEN 'vault' THEN NOT EXISTS (SELECT 1 FROM cloakroom.vault_tokens n WHERE n.account_id = k.account_id AND n.key_id = k.generation)
 ELSE false END`

func scanKeysetName(rows pgx.Rows) (k chat.KeysetName, err error) {
	return k, rows.Scan(&k.AccountID, &k.Purpose, &k.Generation)
}

const listUnnamedKeysets = `SELECT k.account_id, k.purpose, k.generation FROM cloakroom.account_keysets k
 WHERE k.state = 'retired' AND ($1 < 0 OR k.account_id = $1) AND k.purpose = ANY($2) AND ` + unnamed + `
 ORDER BY k.account_id, k.purpose, k.generation LIMIT $3`

// ListUnnamedKeysets reads retired generations that no row names any more, of one account or with -1 of all.
func (s *Store) ListUnnamedKeysets(ctx context.Context, accountID int64, purposes []chat.KeysetPurpose, limit int) ([]chat.KeysetName, error) {
	list, err := collect(ctx, s.db, scanKeysetName, listUnnamedKeysets, accountID, purposes, limit)
	if err != nil {
		return nil, fmt.Errorf("look for keysets that no row names: %w", err)
	}
	return list, nil
}

const refuseKeyset = `UPDATE cloakroom.account_keysets k SET state = 'refused', refused_at = now()
 WHERE k.account_id = $1 AND k.purpose = $2 AND k.generation = $3 AND k.state = 'retired' AND ($4 OR ` + unnamed + `)`

// RefuseKeyset takes a retired generation out of use unless a row names it, and says whether it did. Of an index, rows
// may name it still: nobody reads them any more, and they go next.
func (s *Store) RefuseKeyset(ctx context.Context, k chat.KeysetName) (bool, error) {
	tag, err := s.db.Exec(ctx, refuseKeyset, k.AccountID, k.Purpose, k.Generation, k.Purpose == chat.KeysetIndex)
	if err != nil {
		return false, fmt.Errorf("refuse %s keyset of account %d, generation %d: %w", k.Purpose, k.AccountID, k.Generation, err)
	}
	return tag.RowsAffected() > 0, nil
}

const listRefusedKeysets = `SELECT k.account_id, k.purpose, k.generation FROM cloakroom.account_keysets k
 WHERE k.state = 'refused' AND ($1 < 0 OR k.account_id = $1) AND k.refused_at <= now() - $2::interval
 AND (k.account_id, k.purpose, k.generation) > ($3, $4, $5) ORDER BY k.account_id, k.purpose, k.generation LIMIT $6`

// ListRefusedKeysets reads generations that were refused for so long, after one, of one account or with -1 of all.
func (s *Store) ListRefusedKeysets(ctx context.Context, accountID int64, retention time.Duration, after chat.KeysetName, limit int) ([]chat.KeysetName, error) {
	list, err := collect(ctx, s.db, scanKeysetName, listRefusedKeysets, accountID, retention, after.AccountID, after.Purpose, after.Generation, limit)
	if err != nil {
		return nil, fmt.Errorf("look for keysets that were refused long enough ago: %w", err)
	}
	return list, nil
}

const destroyKeyset = `UPDATE cloakroom.account_keysets k SET state = 'destroyed', destroyed_at = now(), keyset_sealed = ''
 WHERE k.account_id = $1 AND k.purpose = $2 AND k.generation = $3 AND k.state = 'refused' AND ` + unnamed

// DestroyKeyset empties a refused generation unless a row names it, and says whether it did.
func (s *Store) DestroyKeyset(ctx context.Context, k chat.KeysetName) (bool, error) {
	tag, err := s.db.Exec(ctx, destroyKeyset, k.AccountID, k.Purpose, k.Generation)
	if err != nil {
		return false, fmt.Errorf("destroy %s keyset of account %d, generation %d: %w", k.Purpose, k.AccountID, k.Generation, err)
	}
	return tag.RowsAffected() > 0, nil
}

// spentEpoch says that an epoch's time is over and no living subject key needs it.
const spentEpoch = ` e.state = 'retired' AND e.retired_at <= now() - $1::interval
 AND NOT EXISTS (SELECT 1 FROM cloakroom.subject_keys n WHERE n.epoch = e.epoch AND n.state = 'active')`

// ListSpentEpochs reads the numbers of epochs that were retired for so long and that no active subject key is wrapped
// under.
func (s *Store) ListSpentEpochs(ctx context.Context, retention time.Duration) ([]int64, error) {
	list, err := collect(ctx, s.db, scanID, `SELECT e.epoch::int8 FROM cloakroom.key_epochs e WHERE`+spentEpoch+` ORDER BY e.epoch`, retention)
	if err != nil {
		return nil, fmt.Errorf("look for epochs that nothing is wrapped under: %w", err)
	}
	return list, nil
}

const spendEpochs = `UPDATE cloakroom.key_epochs e SET state = 'destroyed', destroyed_at = now() WHERE` + spentEpoch + ` RETURNING e.epoch::int8`

// SpendEpochs takes epochs out of use whose time is over and that nothing is wrapped under, and gives their numbers. Their
// keys are still there, and so are their bytes, until EmptyEpoch says that the keys are gone.
func (s *Store) SpendEpochs(ctx context.Context, retention time.Duration) ([]int64, error) {
	list, err := collect(ctx, s.db, scanID, spendEpochs, retention)
	if err != nil {
		return nil, fmt.Errorf("take old epochs out of use: %w", err)
	}
	return list, nil
}

// EmptyEpoch notes that the key of a spent epoch is gone.
func (s *Store) EmptyEpoch(ctx context.Context, number int) error {
	_, err := s.db.Exec(ctx, `UPDATE cloakroom.key_epochs SET keyset_sealed = '', destroyed_at = now() WHERE epoch = $1 AND state = 'destroyed'`, number)
	if err != nil {
		return fmt.Errorf("empty epoch %d: %w", number, err)
	}
	return nil
}
