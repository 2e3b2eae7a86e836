package store

import (
	"context"
	"fmt"
	"time"
)

// finiteEntry is when an entry was written; one that says never has always been waiting.
const finiteEntry = `CASE WHEN isfinite(e.occurred_at) THEN e.occurred_at ELSE 'epoch' END`

const readUnnumberedAge = auditAccounts + ` SELECT GREATEST(now() - min(f.occurred_at), interval '0') FROM a
 LEFT JOIN cloakroom.audit_trees t ON t.account_id = a.id CROSS JOIN LATERAL (SELECT ` + finiteEntry + ` AS occurred_at FROM cloakroom.audit_entries e
  WHERE e.account_id = a.id AND (e.xid, e.entry_id) > (COALESCE(t.seen_xid, '0'), COALESCE(t.seen_entry, 0)) ORDER BY e.xid, e.entry_id LIMIT 1) f`

const readUnsignedAge = `SELECT GREATEST(now() - min(` + finiteEntry + `), interval '0') FROM cloakroom.audit_trees t LEFT JOIN LATERAL (SELECT c.size
 FROM cloakroom.audit_checkpoints c WHERE c.account_id = t.account_id ORDER BY c.number DESC LIMIT 1) c ON true
 JOIN cloakroom.audit_leaves l ON l.account_id = t.account_id AND l.seq = COALESCE(c.size, 0)
 JOIN cloakroom.audit_entries e ON e.account_id = l.account_id AND e.entry_id = l.entry_id`

// UnprovenAge says for how long the entry has been waiting that has waited longest for its number, and the one that has
// for a checkpoint; 0 where none waits. Each is one look into an index for an account.
func (s *Store) UnprovenAge(ctx context.Context) (unnumbered, unsigned time.Duration, err error) {
	for sql, age := range map[string]*time.Duration{readUnnumberedAge: &unnumbered, readUnsignedAge: &unsigned} {
		var found *time.Duration
		if err := s.db.QueryRow(ctx, sql).Scan(&found); err != nil {
			return 0, 0, fmt.Errorf("read how far the audit trail is behind: %w", err)
		}
		if found != nil {
			*age = *found
		}
	}
	return unnumbered, unsigned, nil
}
