package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Every table whose rows name a generation, by the purpose of its keyset. Cursors lie with clients and aliases nowhere.
const countGenerations = `SELECT account_id, purpose, generation, sum(n)::int8 FROM (
 SELECT account_id, 'data' AS purpose, key_id AS generation, count(*) AS n FROM cloakroom.subject_keys
   WHERE state = 'active' AND ($1 < 0 OR account_id = $1) GROUP BY 1, 3
 UNION ALL SELECT account_id, 'data', key_id, count(*) FROM cloakroom.contacts WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'data', key_id, count(*) FROM cloakroom.contact_inboxes WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'data', key_id, count(*) FROM cloakroom.conversations WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'data', key_id, count(*) FROM cloakroom.messages WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'data', key_id, count(*) FROM cloakroom.attachments WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'data', key_id, count(*) FROM cloakroom.notes WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'audit', key_id, count(*) FROM cloakroom.audit_entries WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'vault', key_id, count(*) FROM cloakroom.vault_tokens WHERE key_id > 0 AND ($1 < 0 OR account_id = $1) GROUP BY 1, 3
 UNION ALL SELECT account_id, 'index', generation, count(*) FROM cloakroom.lookup_tags WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'index', generation, count(*) FROM cloakroom.message_tokens WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'index', generation, count(*) FROM cloakroom.contact_tokens WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
 UNION ALL SELECT account_id, 'index', generation, count(*) FROM cloakroom.attribute_tags WHERE $1 < 0 OR account_id = $1 GROUP BY 1, 3
) counted GROUP BY 1, 2, 3`

// GenerationRows is how many rows name a generation of an account's keyset.
type GenerationRows struct {
	AccountID  int64
	Purpose    chat.KeysetPurpose
	Generation int
	Rows       int64
}

// CountGenerations counts the rows that name each generation, of one account or with -1 of all; generations that no row
// names are not in the answer. It reads every sealed table of the account once.
func (s *Store) CountGenerations(ctx context.Context, accountID int64) ([]GenerationRows, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (GenerationRows, error) {
		var g GenerationRows
		return g, rows.Scan(&g.AccountID, &g.Purpose, &g.Generation, &g.Rows)
	}, countGenerations, accountID)
	if err != nil {
		return nil, fmt.Errorf("count the rows of each generation: %w", err)
	}
	return list, nil
}

const countEpochs = `SELECT epoch, count(*) FROM cloakroom.subject_keys WHERE state = 'active' GROUP BY epoch`

// CountEpochs counts the active subject keys that are wrapped under each epoch; 0 is none.
func (s *Store) CountEpochs(ctx context.Context) (map[int]int64, error) {
	counts := make(map[int]int64)
	_, err := collect(ctx, s.db, func(rows pgx.Rows) (struct{}, error) {
		var epoch int
		var n int64
		err := rows.Scan(&epoch, &n)
		counts[epoch] = n
		return struct{}{}, err
	}, countEpochs)
	if err != nil {
		return nil, fmt.Errorf("count the subject keys of each epoch: %w", err)
	}
	return counts, nil
}

const listAllKeysets = `SELECT account_id, purpose, generation, master_key, state, created_at, activated_at, retired_at, refused_at, destroyed_at
 FROM cloakroom.account_keysets WHERE $1 < 0 OR account_id = $1 ORDER BY account_id, purpose, generation`

// ListAllKeysets reads the keysets of one account, or with -1 of all, without the wrapped keys.
func (s *Store) ListAllKeysets(ctx context.Context, accountID int64) ([]chat.Keyset, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (chat.Keyset, error) {
		var k chat.Keyset
		err := rows.Scan(&k.AccountID, &k.Purpose, &k.Generation, &k.MasterKey, &k.State, moment(&k.CreatedAt),
			moment(&k.ActivatedAt), moment(&k.RetiredAt), moment(&k.RefusedAt), moment(&k.DestroyedAt))
		return k, err
	}, listAllKeysets, accountID)
	if err != nil {
		return nil, fmt.Errorf("list the keysets: %w", err)
	}
	return list, nil
}
