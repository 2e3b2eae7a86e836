package vault

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/store"
)

const (
	// verifyAfter is how long after an erasure it is verified: by then every answer that was under way has left, and every
	// copy of a key in memory is gone.
	verifyAfter = 10 * time.Minute
	// dropChunk is how many records are dropped from the cache in one trip.
	dropChunk = 1000
)

// EraseContact erases a contact of an account in whatever phase it is: its keys are destroyed, its values emptied in
// Cloakroom's tables and in Chatwoot's, its blind indexes deleted, all in one transaction with the ledger and the record.
// When it returns, no value of the contact's is read from the database or from Redis; answers that were composed before
// are awaited by the caller (auth.AwaitForgotten). Erasing again mends what is left and gives the same erasure.
// chat.ErrNotFound when the account never had such a contact.
func (v *Vault) EraseContact(ctx context.Context, accountID, contactID int64, reason string) (*chat.Erasure, error) {
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	return v.erase(ctx, accountID, contactID, map[string]any{"reason": reason})
}

func (v *Vault) erase(ctx context.Context, accountID, contactID int64, details map[string]any) (*chat.Erasure, error) {
	e := &erasing{Vault: v, by: ActorFrom(ctx), details: details}
	err := v.store.InTx(ctx, func(tx *store.Store) error { return e.run(ctx, tx, accountID, contactID) })
	if errors.Is(err, chat.ErrNotFound) {
		return nil, chat.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("erase contact %d of account %d: %w", contactID, accountID, err)
	}
	e.settle(ctx)
	return e.saved, nil
}

// erasing is one erasure.
type erasing struct {
	*Vault
	by      chat.Actor
	details map[string]any
	scope   *store.Erasing
	saved   *chat.Erasure
	epochs  []int64 // of the cache: before and after
	mending bool    // a verification is under way already
}

func (e *erasing) run(ctx context.Context, tx *store.Store, accountID, contactID int64) error {
	keys, err := e.keys.Account(ctx, accountID)
	if err != nil {
		return err
	}
	if e.scope, err = tx.LockErasing(ctx, accountID, contactID); err != nil {
		return err
	}
	if e.scope.Alias, err = keys.Alias(contactID); err != nil {
		return err
	}
	counts, err := tx.EraseRows(ctx, e.scope)
	if err != nil {
		return err
	}
	destroyed, err := tx.DestroySubjectKeys(ctx, e.scope)
	if err != nil {
		return err
	}
	if destroyed > 0 {
		counts["cloakroom.subject_keys"] = destroyed
	}
	if e.saved, err = tx.SaveErasure(ctx, e.scope, e.by, counts); err != nil {
		return err
	}
	if err := e.record(ctx, tx, counts); err != nil {
		return err
	}
	if !e.mending {
		if err := e.arrange(ctx, tx); err != nil {
			return err
		}
	}
	return e.invalidate(ctx, tx)
}

// record puts the erasure on record, by ids and counts.
func (e *erasing) record(ctx context.Context, tx *store.Store, counts map[string]int64) error {
	details := map[string]any{"erasure": chat.FormatID(e.saved.ID), "rows": counts, "again": !e.scope.First}
	for key, value := range e.details {
		details[key] = value
	}
	return e.write(ctx, tx, chat.AuditEntry{AccountID: e.saved.AccountID, Actor: e.by, Action: chat.ContactErased, EntityType: "contact",
		EntityID: chat.FormatID(e.saved.ContactID), Details: details})
}

// arrange has the erasure verified later, by any replica.
func (e *erasing) arrange(ctx context.Context, tx *store.Store) error {
	after := time.Now().Add(verifyAfter)
	job, err := tx.CreateJob(ctx, chat.Job{Kind: chat.VerifyErasure, AccountID: e.saved.AccountID, Actor: e.by,
		Arguments: chat.JobArguments{ContactID: e.saved.ContactID, NotBefore: after}})
	if errors.Is(err, chat.ErrNotFound) { // one is open already
		return nil
	}
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, job.ID, after)
}

// invalidate makes what is cached of the account unreachable and has every replica forget its keys. It comes last: while
// the change of keys is noted, no other can be.
func (e *erasing) invalidate(ctx context.Context, tx *store.Store) error {
	for range 2 { // the epoch of before, then the one of after
		policy, err := tx.ReadPolicy(ctx, 0, []int64{e.saved.AccountID})
		if err != nil {
			return fmt.Errorf("read the cache epoch: %w", err)
		}
		if e.epochs = append(e.epochs, policy.Settings[e.saved.AccountID].CacheEpoch); len(e.epochs) == 2 {
			break
		}
		if err := tx.MoveCacheEpoch(ctx, e.saved.AccountID); err != nil {
			return err
		}
	}
	_, err := tx.NoteKeyChange(ctx, e.saved.AccountID)
	return err
}

// settle does what follows once the erasure stands. Redis may fail: the epoch has moved, so that nothing it holds is read
// any more, and the verifier clears it.
func (e *erasing) settle(ctx context.Context) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	e.keys.Forget(e.saved.AccountID)
	err := e.store.EachErasedRecord(ctx, e.scope, dropChunk, func(records []chat.RecordKey) error {
		for _, epoch := range e.epochs {
			if err := e.cache.drop(ctx, e.saved.AccountID, epoch, records); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		e.log.WarnContext(ctx, "cached records of an erased contact are left to the verifier; nobody reads them", "account", e.saved.AccountID,
			"contact", e.saved.ContactID, "error", store.Redact(err))
	}
	e.tell(ctx, events.Event{Kind: events.AccountChanged, ID: e.saved.AccountID})
	e.tell(ctx, events.Event{Kind: events.KeysChanged, ID: e.saved.AccountID})
}

// FindErasure reads a contact's erasure; chat.ErrNotFound when it was not erased.
func (v *Vault) FindErasure(ctx context.Context, accountID, contactID int64) (*chat.Erasure, error) {
	return v.store.FindErasure(ctx, accountID, contactID)
}

// EachErasure gives every erasure of the ledger to fn, oldest first.
func (v *Vault) EachErasure(ctx context.Context, fn func(*chat.Erasure) error) error {
	return v.store.EachErasure(ctx, fn)
}

// ReplayErasure erases again a contact that a ledger says was erased, after a database was restored from before that.
// done is false when the database knows of the erasure and nothing of the contact's is left; and, with chat.ErrNotFound,
// when it never had the contact.
func (v *Vault) ReplayErasure(ctx context.Context, accountID, contactID int64) (done bool, err error) {
	_, err = v.store.FindErasure(ctx, accountID, contactID)
	switch {
	case err == nil:
		e, err := v.VerifyErasure(ctx, accountID, contactID)
		return false, errors.Join(err, unproven(e))
	case !errors.Is(err, chat.ErrNotFound):
		return false, err
	}
	if _, err := v.erase(ctx, accountID, contactID, map[string]any{"replayed": true}); err != nil {
		return false, err
	}
	e, err := v.VerifyErasure(ctx, accountID, contactID)
	return true, errors.Join(err, unproven(e))
}

func unproven(e *chat.Erasure) error {
	if e == nil || e.Proven() {
		return nil
	}
	return fmt.Errorf("contact %d of account %d is erased, but something of it is still there: %v", e.ContactID, e.AccountID, whereLeft(e.Leftovers))
}

// whereLeft names where something was found, with how much.
func whereLeft(found map[string]int64) []string {
	list := make([]string, 0, len(found))
	for place, n := range found {
		list = append(list, fmt.Sprintf("%s: %d", place, n))
	}
	slices.Sort(list)
	return list
}
