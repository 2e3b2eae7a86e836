package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Replica is a process that holds keys.
type Replica struct {
	ID        string
	Program   string // what it was started for, such as serve
	StartedAt time.Time
	SeenAt    time.Time
	ChangeID  int64  // the change of keys up to which it has forgotten what it held before
	Trouble   string // why it cannot go on to the next, without values
}

// KeyChange says that the keys of an account are others than before; account 0 is every account.
type KeyChange struct {
	ID        int64
	AccountID int64
}

// ReplicaSilence is how long a replica that says nothing still counts. It must be longer than a replica itself goes on
// trusting its keys without having been heard.
const ReplicaSilence = 30 * time.Second

// Two transactions could take their numbers in one order and commit in the other, and a replica that has seen the
// greater number would never look for the smaller one again. So whoever wants a number waits for whoever has the one
// before: PostgreSQL lets go of this lock only after the commit is there for all to see.
const (
	lockKeyChanges = `SELECT pg_advisory_xact_lock(hashtext('cloakroom.key_changes'))`
	noteKeyChange  = `INSERT INTO cloakroom.key_changes (account_id) VALUES ($1) RETURNING change_id`
)

// NoteKeyChange numbers a change of an account's keys, 0 being every account's. It belongs at the end of the transaction
// that makes the change: until that commits, no other change of keys can.
func (s *Store) NoteKeyChange(ctx context.Context, accountID int64) (change int64, err error) {
	err = s.InTx(ctx, func(tx *Store) error {
		if _, err := tx.db.Exec(ctx, lockKeyChanges); err != nil {
			return err
		}
		return tx.db.QueryRow(ctx, noteKeyChange, accountID).Scan(&change)
	})
	if err != nil {
		return 0, fmt.Errorf("note a change of the keys of account %d: %w", accountID, err)
	}
	return change, nil
}

const registerReplica = `INSERT INTO cloakroom.replicas (replica_id, program, change_id)
 VALUES ($1, $2, CASE WHEN $3 THEN 0 ELSE (SELECT COALESCE(max(change_id), 0) FROM cloakroom.key_changes) END)
 ON CONFLICT (replica_id) DO NOTHING RETURNING change_id`

// RegisterReplica puts a process on the list of those that hold keys, and gives the change that it may take for seen.
// One that is about to read its first key has missed nothing; it must not read any before this has returned. One that
// holds keys already, having been away for so long that it was struck off, has seen nothing.
func (s *Store) RegisterReplica(ctx context.Context, id, program string, holding bool) (change int64, err error) {
	if err := s.forKeys().db.QueryRow(ctx, registerReplica, id, program, holding).Scan(&change); err != nil {
		return 0, fmt.Errorf("register as one that holds keys: %w", err)
	}
	return change, nil
}

const beatReplica = `WITH beat AS (UPDATE cloakroom.replicas SET seen_at = now() WHERE replica_id = $1 RETURNING replica_id)
 SELECT COALESCE(max(k.change_id), 0), COALESCE(k.account_id, 0) FROM beat LEFT JOIN cloakroom.key_changes k ON k.change_id > $2
 GROUP BY k.account_id ORDER BY 1`

// Beat says that a replica lives and gives what changed after a change: the last one of each account. registered is
// false when the replica was struck off; then it must register again and forget everything.
func (s *Store) Beat(ctx context.Context, id string, after int64) (changes []KeyChange, registered bool, err error) {
	rows, err := collect(ctx, s.forKeys().db, func(rows pgx.Rows) (k KeyChange, err error) {
		return k, rows.Scan(&k.ID, &k.AccountID)
	}, beatReplica, id, after)
	if err != nil {
		return nil, false, fmt.Errorf("say that this process lives: %w", err)
	}
	for _, k := range rows {
		if k.ID != 0 { // the row that stands for no change at all
			changes = append(changes, k)
		}
	}
	return changes, len(rows) > 0, nil
}

const acknowledgeKeyChange = `UPDATE cloakroom.replicas SET change_id = greatest(change_id, $2), seen_at = now(), trouble = '' WHERE replica_id = $1`

// AcknowledgeKeyChange says that a replica has nothing left of what was before a change.
func (s *Store) AcknowledgeKeyChange(ctx context.Context, id string, change int64) error {
	if _, err := s.forKeys().db.Exec(ctx, acknowledgeKeyChange, id, change); err != nil {
		return fmt.Errorf("acknowledge change %d of keys: %w", change, err)
	}
	return nil
}

const setReplicaTrouble = `UPDATE cloakroom.replicas SET trouble = $2 WHERE replica_id = $1`

// SetReplicaTrouble says why a replica cannot follow a change.
func (s *Store) SetReplicaTrouble(ctx context.Context, id, trouble string) error {
	if _, err := s.forKeys().db.Exec(ctx, setReplicaTrouble, id, trouble); err != nil {
		return fmt.Errorf("say why this process cannot follow a change of keys: %w", err)
	}
	return nil
}

// DeregisterReplica says that a process holds no keys any more.
func (s *Store) DeregisterReplica(ctx context.Context, id string) error {
	if _, err := s.db.Exec(ctx, `DELETE FROM cloakroom.replicas WHERE replica_id = $1`, id); err != nil {
		return fmt.Errorf("deregister from those that hold keys: %w", err)
	}
	return nil
}

const replicaColumns = `SELECT replica_id, program, started_at, seen_at, change_id, trouble FROM cloakroom.replicas`

func scanReplica(rows pgx.Rows) (r Replica, err error) {
	return r, rows.Scan(&r.ID, &r.Program, &r.StartedAt, &r.SeenAt, &r.ChangeID, &r.Trouble)
}

const replicasBehind = replicaColumns + ` WHERE change_id < $1 AND seen_at > now() - $2::interval ORDER BY started_at, replica_id`

// ReplicasBehind reads the living replicas that may still use what was before a change. None is left once all have
// forgotten it, or have been silent for so long that they do not trust it themselves.
func (s *Store) ReplicasBehind(ctx context.Context, change int64) ([]Replica, error) {
	list, err := collect(ctx, s.db, scanReplica, replicasBehind, change, ReplicaSilence)
	if err != nil {
		return nil, fmt.Errorf("read who has yet to see change %d of keys: %w", change, err)
	}
	return list, nil
}

const listReplicas = replicaColumns + ` WHERE seen_at > now() - $1::interval ORDER BY started_at, replica_id`

// ListReplicas reads the living replicas, oldest first.
func (s *Store) ListReplicas(ctx context.Context) ([]Replica, error) {
	list, err := collect(ctx, s.db, scanReplica, listReplicas, ReplicaSilence)
	if err != nil {
		return nil, fmt.Errorf("read who holds keys: %w", err)
	}
	return list, nil
}

// A replica that comes back after an hour finds itself forgotten and begins anew, so no change of a week ago is
// anybody's to read. The last one stays: new replicas begin at it.
const (
	pruneReplicas   = `DELETE FROM cloakroom.replicas WHERE seen_at < now() - interval '1 hour'`
	pruneKeyChanges = `DELETE FROM cloakroom.key_changes WHERE changed_at < now() - interval '7 days'
 AND change_id < (SELECT max(change_id) FROM cloakroom.key_changes)`
)

// PruneReplicas forgets replicas that are gone and changes that all have seen.
func (s *Store) PruneReplicas(ctx context.Context) error {
	for _, sql := range []string{pruneReplicas, pruneKeyChanges} {
		if _, err := s.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("forget replicas and changes of keys that are long gone: %w", err)
		}
	}
	return nil
}
