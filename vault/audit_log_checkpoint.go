package vault

import (
	"context"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store"
)

const (
	signMoved = time.Minute    // between two checkpoints of a tree that grows
	signIdle  = 24 * time.Hour // and of one that does not: so that a trail that stands still is told from one that was stopped

	deliveryLease    = time.Minute // for the checkpoints of one account that go to one destination at a time
	deliveryDeadline = 10 * time.Second
	deliveryBatch    = 5
	deliveryRest     = 15 * time.Minute // at most, between two tries
	behindAfter      = 5 * time.Minute
)

// AuditDestination is a place outside the database where checkpoints lie, and are never changed.
type AuditDestination struct {
	Name string // without credentials

	// Put keeps a checkpoint under a name, and gives an error if another one lies there; the same one is none. Its errors
	// hold no credentials and nothing that the other side has said.
	Put func(ctx context.Context, name string, note []byte) error
}

// signAll signs every tree whose time has come. An account whose trail somebody has broken keeps no other waiting.
func (v *Vault) signAll(ctx context.Context) error {
	if v.AuditLog.Key == nil {
		return nil
	}
	accounts, err := v.store.ListCheckpointsDue(ctx, signMoved, signIdle)
	if err != nil {
		return err
	}
	return eachOf(ctx, accounts, v.signCheckpoint)
}

// signCheckpoint makes the next checkpoint of an account, unless another replica just has or is at it.
func (v *Vault) signCheckpoint(ctx context.Context, accountID int64) error {
	return v.store.InTx(ctx, func(tx *store.Store) error {
		locked, err := tx.LockAuditTree(ctx, accountID)
		if err != nil || !locked {
			return err
		}
		last, err := tx.FindNewestCheckpoint(ctx, accountID)
		if err != nil {
			return err
		}
		row, err := tx.ReadAuditTree(ctx, accountID)
		if err != nil {
			return err
		}
		now, err := tx.Time(ctx)
		if err != nil || now.Sub(last.SignedAt) < signMoved {
			return err
		}
		if row.Size < last.Size {
			return fmt.Errorf("sign the audit trail of account %d: it has %d entries, and checkpoint %d signed %d: run `cloakroom audit verify`",
				accountID, row.Size, last.Number, last.Size)
		}
		next, err := v.checkpointOf(row, last.Number+1, now.UTC().Truncate(time.Second))
		if err != nil {
			return err
		}
		v.AuditLog.at("signed")
		err = tx.CreateCheckpoint(ctx, next)
		v.AuditLog.at("kept")
		return err
	})
}

func (v *Vault) checkpointOf(row *store.AuditTree, number int64, at time.Time) (store.AuditCheckpoint, error) {
	tree, err := proof.OpenTree(row.Size, row.Hashes)
	if err != nil {
		return store.AuditCheckpoint{}, fmt.Errorf("sign account %d: %w", row.AccountID, err)
	}
	root, err := tree.Root()
	if err != nil {
		return store.AuditCheckpoint{}, fmt.Errorf("sign account %d: %w", row.AccountID, err)
	}
	note, err := v.AuditLog.Key.Sign(proof.Checkpoint{AccountID: row.AccountID, Number: number, Size: row.Size, Root: root, SignedAt: at})
	return store.AuditCheckpoint{AccountID: row.AccountID, Number: number, Size: row.Size, Root: root[:], Note: note, SignedAt: at}, err
}

// deliverAll brings every destination what it lacks. A destination that fails keeps no other waiting.
func (v *Vault) deliverAll(ctx context.Context) error {
	for _, d := range v.AuditLog.Destinations {
		due, err := v.store.ListDeliveriesDue(ctx, d.Name)
		if err != nil {
			return err
		}
		for _, delivery := range due {
			if err := v.deliver(ctx, d, delivery); err != nil {
				return err
			}
		}
	}
	return nil
}

// deliver brings a destination the next checkpoints of an account. Its failures are noted and tried again, later and
// later.
func (v *Vault) deliver(ctx context.Context, d AuditDestination, delivery store.AuditDelivery) error {
	mine, err := v.store.ClaimDelivery(ctx, d.Name, delivery, deliveryLease)
	if err != nil || !mine {
		return err
	}
	list, err := v.store.ListCheckpoints(ctx, delivery.AccountID, delivery.Number, deliveryBatch)
	if err != nil {
		return err
	}
	for _, c := range list {
		v.AuditLog.at("put")
		if trouble := v.put(ctx, d, c); trouble != nil {
			v.log.ErrorContext(ctx, "a destination of the audit trail is behind", "destination", d.Name, "account", c.AccountID,
				"checkpoint", c.Number, "failures", delivery.Attempts+1, "error", trouble.Error())
			again := min(time.Second<<min(delivery.Attempts, 20), deliveryRest)
			return v.store.NoteUndelivered(ctx, d.Name, c.AccountID, trouble.Error(), again)
		}
		v.AuditLog.at("delivered")
		if err := v.store.NoteDelivered(ctx, d.Name, c.AccountID, c.Number); err != nil {
			return err
		}
	}
	return v.store.ReleaseDelivery(ctx, d.Name, delivery.AccountID)
}

func (v *Vault) put(ctx context.Context, d AuditDestination, c store.AuditCheckpoint) error {
	ctx, cancel := context.WithTimeout(ctx, deliveryDeadline)
	defer cancel()
	return d.Put(ctx, fmt.Sprintf("account-%d/%012d.checkpoint", c.AccountID, c.Number), []byte(c.Note))
}
