package vault

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// Change makes a change and puts it on record in one transaction: either both happen or neither. fn may fill in
// entry's details, such as the state before.
func (v *Vault) Change(ctx context.Context, entry *chat.AuditEntry, fn func(tx *store.Store) error) error {
	defer v.Enter()()
	return v.store.InTx(ctx, func(tx *store.Store) error {
		if err := fn(tx); err != nil {
			return err
		}
		return v.write(ctx, tx, *entry)
	})
}

// Record puts something on record that changed nothing, such as a refusal.
func (v *Vault) Record(ctx context.Context, entry chat.AuditEntry) error {
	defer v.Enter()() // whoever asked may be gone already
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), recordDeadline)
	defer cancel()
	return v.write(ctx, v.store, entry)
}

// recordDeadline bounds the wait for an entry whose asker may be gone already.
const recordDeadline = 3 * time.Second

func (v *Vault) write(ctx context.Context, tx *store.Store, entry chat.AuditEntry) error {
	keys, err := v.keys.Account(ctx, entry.AccountID)
	if err != nil {
		return fmt.Errorf("put %s on record: %w", entry.Action, err)
	}
	if entry.ID, err = v.entryIDs.take(ctx, tx); err != nil {
		return err
	}
	if entry.RequestID == "" {
		entry.RequestID = RequestID(ctx)
	}
	details, err := json.Marshal(withOrigin(ctx, entry.Details))
	if err != nil {
		return fmt.Errorf("encode the details of %s: %w", entry.Action, err)
	}
	sealed, err := keys.SealAudit(auditPlace(entry.ID), details)
	if err != nil {
		return fmt.Errorf("seal the details of %s: %w", entry.Action, err)
	}
	return tx.CreateAuditEntry(ctx, store.AuditRow{AuditEntry: entry, KeyID: keys.AuditGeneration(), DetailsSealed: sealed})
}

// Entries reads the newest entries of an account since a time, with their details; account 0 is the installation.
func (v *Vault) Entries(ctx context.Context, accountID int64, since time.Time, limit int) ([]chat.AuditEntry, error) {
	rows, err := v.store.ListAuditEntries(ctx, accountID, since, limit)
	if err != nil {
		return nil, fmt.Errorf("read the audit trail: %w", err)
	}
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		return nil, err
	}
	entries := make([]chat.AuditEntry, len(rows))
	for i, row := range rows {
		if row.Details, err = openDetails(keys, &row); err != nil {
			return nil, err
		}
		entries[i] = row.AuditEntry
	}
	return entries, nil
}

func openDetails(keys *keyring.Account, row *store.AuditRow) (details map[string]any, err error) {
	text, err := keys.OpenAudit(auditPlace(row.ID), row.DetailsSealed)
	if err != nil {
		return nil, fmt.Errorf("open audit entry %d: %w", row.ID, err)
	}
	if err := json.Unmarshal(text, &details); err != nil {
		return nil, fmt.Errorf("read audit entry %d: %w", row.ID, err)
	}
	return details, nil
}

func auditPlace(id int64) keyring.Place {
	return keyring.Place{Table: keyring.TableAuditEntries, Field: keyring.FieldAuditDetails, Row: id, Version: 1}
}

type actorKey struct{}

// WithActor says on whose behalf a request runs, for entries that are written deep below the edge.
func WithActor(ctx context.Context, a chat.Actor) context.Context {
	return context.WithValue(ctx, actorKey{}, a)
}

// ActorFrom gives the actor of the request, the operator where there is no request.
func ActorFrom(ctx context.Context) chat.Actor {
	if a, ok := ctx.Value(actorKey{}).(chat.Actor); ok {
		return a
	}
	return chat.Operator
}

type requestIDKey struct{}

// WithRequestID keeps the request's id for audit entries and logs.
func WithRequestID(ctx context.Context, id string) context.Context {
	return context.WithValue(ctx, requestIDKey{}, id)
}

// RequestID gives the request's id, "" where there is no request.
func RequestID(ctx context.Context) string {
	id, _ := ctx.Value(requestIDKey{}).(string)
	return id
}
