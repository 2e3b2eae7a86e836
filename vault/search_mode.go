package vault

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/store"
)

// SetSearchMode chooses how an account's sealed values are searched and puts it on record in one transaction, with a job
// that makes the tokens or takes them away, then tells every replica. Until the job is done, and with SCAN from then on,
// values are searched by opening them; no answer is wrong meanwhile. Choosing what is chosen already is on record and
// changes nothing. It gives the account as it is now. chat.ErrNotFound when there is no such account; chat.Conflict when
// the account is written without a pause.
func (v *Vault) SetSearchMode(ctx context.Context, actor chat.Actor, accountID int64, mode chat.SearchMode, reason string) (*chat.Account, error) {
	if err := checkReason(reason); err != nil {
		return nil, err
	}
	if mode != chat.SearchByTokens && mode != chat.SearchByScan {
		return nil, chat.InvalidField("input.mode", "must be %s or %s", chat.SearchByTokens, chat.SearchByScan)
	}
	if _, err := v.store.FindAccount(ctx, accountID); err != nil {
		return nil, err
	}
	entry := &chat.AuditEntry{AccountID: accountID, Actor: actor, Action: chat.SearchModeSet, EntityType: "account", EntityID: chat.FormatID(accountID)}
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		before, err := tx.LockSearchSettings(ctx, accountID)
		if err != nil {
			return err
		}
		entry.Details = map[string]any{"before": before.Mode, "mode": mode, "reason": reason}
		if before.Mode == mode {
			return nil
		}
		if err := tx.SetSearchMode(ctx, accountID, mode); err != nil {
			return err
		}
		return startIndexing(ctx, tx, entry)
	})
	if err != nil {
		return nil, err
	}
	v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: accountID})
	return v.findAccount(ctx, accountID)
}

// startIndexing puts the job in the queue in the transaction of the change it follows. One that is open already finds the
// change before it ends.
func startIndexing(ctx context.Context, tx *store.Store, entry *chat.AuditEntry) error {
	job, err := tx.CreateJob(ctx, chat.Job{Kind: chat.IndexSearch, AccountID: entry.AccountID, Actor: entry.Actor})
	if errors.Is(err, chat.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	entry.Details["job"] = job.ID
	return tx.Enqueue(ctx, job.ID, job.Arguments.NotBefore)
}

// SearchStatus is where the search of an account stands.
type SearchStatus struct {
	Settings chat.SearchSettings
	// MissingMessages and MissingContacts are sealed and have no tokens under the generation in force.
	MissingMessages, MissingContacts int64
	Generation                       int // of the index keyset: in force
	Rows                             []store.TokenRows
	Job                              *chat.Job // that is open, or nil
}

// SearchStatus reads where the search of an account stands, and counts its rows: it reads every row of tokens once.
// chat.ErrNotFound when there is no such account.
func (v *Vault) SearchStatus(ctx context.Context, accountID int64) (*SearchStatus, error) {
	account, err := v.findAccount(ctx, accountID)
	if err != nil {
		return nil, err
	}
	defer v.Enter()()
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		return nil, err
	}
	s := &SearchStatus{Settings: account.Settings.Search, Generation: keys.IndexGeneration()}
	if s.MissingMessages, s.MissingContacts, err = countBoth(ctx, v.store, keys); err != nil {
		return nil, err
	}
	if s.Rows, err = v.store.CountTokenRows(ctx, accountID); err != nil {
		return nil, err
	}
	s.Job, err = v.store.FindOpenJob(ctx, chat.IndexSearch, accountID, 0)
	if errors.Is(err, chat.ErrNotFound) {
		return s, nil
	}
	return s, err
}
