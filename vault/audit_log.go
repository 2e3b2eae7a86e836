package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store"
)

// AuditLog is who signs the checkpoints of the audit trail and where they go. Without a key nothing is signed; entries
// are numbered all the same.
type AuditLog struct {
	Key          *proof.Key
	Destinations []AuditDestination

	step func(name string) // nil but in tests: called between any two steps
}

const (
	sequenceEvery = time.Second
	sequenceBatch = 256
	sequenceLog   = time.Minute // how often one failure after another is logged
)

// KeepAuditLog numbers entries, signs checkpoints and delivers them, about every second until ctx ends. Any number of
// replicas may.
func (v *Vault) KeepAuditLog(ctx context.Context) {
	var quiet recent[string]
	tick := time.NewTicker(sequenceEvery)
	defer tick.Stop()
	for {
		for _, step := range []struct {
			name string
			do   func(context.Context) error
		}{{"number", v.sequenceAll}, {"sign", v.signAll}, {"deliver", v.deliverAll}} {
			if err := step.do(ctx); err != nil && ctx.Err() == nil && quiet.first(step.name, sequenceLog, time.Now()) {
				v.log.ErrorContext(ctx, "the audit trail is not being proven", "step", step.name, "error", store.Redact(err))
			}
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// sequenceAll numbers whatever can be numbered now. An account whose trail somebody has broken keeps no other waiting.
func (v *Vault) sequenceAll(ctx context.Context) error {
	accounts, err := v.store.ListAccountsToNumber(ctx)
	if err != nil {
		return err
	}
	return eachOf(ctx, accounts, func(ctx context.Context, account int64) error {
		for n := sequenceBatch; n == sequenceBatch; {
			var err error
			if n, err = v.sequence(ctx, account); err != nil {
				return err
			}
		}
		return nil
	})
}

// eachOf goes on to the other accounts when one fails.
func eachOf(ctx context.Context, accounts []int64, do func(context.Context, int64) error) error {
	var failed []error
	for _, account := range accounts {
		if ctx.Err() != nil {
			break
		}
		if err := do(ctx, account); err != nil {
			failed = append(failed, err)
		}
	}
	return errors.Join(failed...)
}

// sequence gives the next entries of an account their numbers and leaves, at most a batch, and says how many there were.
// While another replica does so it does nothing.
func (v *Vault) sequence(ctx context.Context, accountID int64) (n int, err error) {
	err = v.store.InTx(ctx, func(tx *store.Store) error {
		locked, err := tx.LockAuditTree(ctx, accountID)
		if err != nil || !locked {
			return err
		}
		row, err := tx.ReadAuditTree(ctx, accountID)
		if err != nil {
			return err
		}
		tree, err := proof.OpenTree(row.Size, row.Hashes)
		if err != nil {
			return fmt.Errorf("go on with account %d: %w", accountID, err)
		}
		v.AuditLog.at("read")
		entries, err := tx.ListNumberless(ctx, row, sequenceBatch)
		if err != nil {
			return err
		}
		leaves, err := grow(tree, entries)
		if err != nil {
			return err
		}
		n, row.Size, row.Hashes = len(entries), tree.Size(), tree.Hashes()
		v.AuditLog.at("leaves")
		err = tx.GrowAuditTree(ctx, row, leaves)
		v.AuditLog.at("commit")
		return err
	})
	v.AuditLog.at("committed")
	return n, err
}

// at is where a test ends the process.
func (l *AuditLog) at(step string) {
	if l.step != nil {
		l.step(step)
	}
}

// grow appends entries to a tree and gives their leaves.
func grow(tree *proof.Tree, entries []store.NumberlessEntry) ([]store.AuditLeaf, error) {
	leaves := make([]store.AuditLeaf, len(entries))
	for i, e := range entries {
		leaf := leafOf(tree.Size(), e)
		hash := leaf.Hash()
		if err := tree.Append(hash); err != nil {
			return nil, fmt.Errorf("number audit entry %d: %w", e.ID, err)
		}
		leaves[i] = store.AuditLeaf{Seq: leaf.Seq, EntryID: e.ID, Hash: hash[:], Marks: leaf.Marks()}
	}
	return leaves, nil
}

func leafOf(seq int64, e store.NumberlessEntry) proof.Leaf {
	return proof.Leaf{AuditEntry: e.AuditEntry, Seq: seq, Transaction: e.Transaction, KeyID: e.KeyID, DetailsSealed: e.DetailsSealed}
}
