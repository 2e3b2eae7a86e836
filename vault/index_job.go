package vault

import (
	"context"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// indexSearch makes an account's tokens and tags what its settings of search say. Writers keep rows in step by
// themselves, in every transaction; the job sees to those that were sealed before. Where tokens are to go, it first waits
// until nobody searches by them any more.
var indexSearch = []step{
	{name: "drain", batch: drainTokens},
	settle("await readers"),
	{name: "clear", count: countCleared, batch: clearTokens},
	{name: "messages", count: countUnindexed(chat.MessageRecord), batch: fillTokens(chat.MessageRecord)},
	{name: "contacts", count: countUnindexed(chat.ContactRecord), batch: fillTokens(chat.ContactRecord)},
	{name: "attributes", count: countAttributed, batch: fillAttributes},
	{name: "mark", batch: markIndexed},
}

// taggedKinds are what has attributes, each with its model.
var taggedKinds = []struct {
	kind  chat.RecordKind
	model chat.AttributeModel
}{{chat.ContactRecord, chat.ContactAttributes}, {chat.ConversationRecord, chat.ConversationAttributes}}

// searchSettings are those of the job's account, which stay as they are until the batch ends, and so do its contacts:
// tokens of somebody who is being erased must not come after the erasure.
func (b *batch) searchSettings(ctx context.Context) (chat.SearchSettings, error) {
	if err := b.tx.HoldErasures(ctx, b.job.AccountID); err != nil {
		return chat.SearchSettings{}, err
	}
	return b.tx.HoldSearchSettings(ctx, b.job.AccountID)
}

// drainTokens numbers a change once no request begins by settings of before, so that settle awaits those that have begun.
func drainTokens(ctx context.Context, b *batch) (outcome, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil || settings.Mode != chat.SearchByScan {
		return over(0), err
	}
	age, err := b.tx.Since(ctx, b.job.StepAt)
	if err != nil {
		return outcome{}, err
	}
	if age < policyMemory {
		return outcome{wait: policyMemory - age, waitingFor: "replicas to search without tokens"}, nil
	}
	return over(0), b.changed(ctx, b.job.AccountID)
}

func countCleared(ctx context.Context, b *batch) (int64, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil || settings.Mode != chat.SearchByScan {
		return 0, err
	}
	return b.tx.CountTokens(ctx, b.job.AccountID)
}

func clearTokens(ctx context.Context, b *batch) (outcome, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil || settings.Mode != chat.SearchByScan {
		return over(0), err
	}
	n, err := b.tx.ClearTokens(ctx, b.job.AccountID, b.limit)
	return outcome{rows: n, done: n < int64(b.limit)}, err
}

func countUnindexed(kind chat.RecordKind) func(context.Context, *batch) (int64, error) {
	return func(ctx context.Context, b *batch) (int64, error) {
		settings, err := b.searchSettings(ctx)
		if err != nil || settings.Mode != chat.SearchByTokens {
			return 0, err
		}
		keys, err := b.keys.Account(ctx, b.job.AccountID)
		if err != nil {
			return 0, err
		}
		return b.tx.CountUnindexed(ctx, keys.ID(), kind, keys.IndexGeneration())
	}
}

func fillTokens(kind chat.RecordKind) func(context.Context, *batch) (outcome, error) {
	return func(ctx context.Context, b *batch) (outcome, error) {
		settings, err := b.searchSettings(ctx)
		if err != nil || settings.Mode != chat.SearchByTokens {
			return over(0), err
		}
		keys, err := b.keys.Account(ctx, b.job.AccountID)
		if err != nil {
			return outcome{}, err
		}
		n, err := b.fill(ctx, keys, kind)
		return outcome{rows: int64(n), done: n < b.limit}, err
	}
}

// fill gives the next rows of a kind that have no tokens under the generation in force their own, and says how many.
func (b *batch) fill(ctx context.Context, keys *keyring.Account, kind chat.RecordKind) (int, error) {
	at := &b.job.Checkpoint
	locked, err := b.tx.LockUnindexed(ctx, keys.ID(), kind, at.Parent, at.ID, keys.IndexGeneration(), b.limit)
	if err != nil || len(locked) == 0 {
		return 0, err
	}
	rows, err := b.openIndexed(ctx, keys, kind, locked)
	if err != nil {
		return 0, err
	}
	put := putMessageTokens
	if kind == chat.ContactRecord {
		put = putContactTokens
	}
	if len(rows) > 0 {
		if err := put(ctx, b.tx, keys, rows); err != nil {
			return 0, err
		}
	}
	at.Parent, at.ID = locked[len(locked)-1].Parent, locked[len(locked)-1].ID
	return len(locked), b.tx.BlankTokens(ctx, keys.ID(), kind, locked, keys.IndexGeneration())
}

// openIndexed gives rows that are locked as they were before they were sealed; those that do not open are told of and
// left out.
func (b *batch) openIndexed(ctx context.Context, keys *keyring.Account, kind chat.RecordKind, locked []chat.RecordKey) ([]store.PlainRow, error) {
	rows, err := b.tx.ReadIndexed(ctx, keys.ID(), kind, locked)
	if err != nil {
		return nil, err
	}
	opened, faults := inParallel(rows, func(row *store.IndexedRow) (store.PlainRow, error) { return openIndexedRow(keys, kind, row) })
	plain := opened[:0]
	for i := range rows {
		switch err := faults[i]; {
		case isUnreadable(err) || errors.Is(err, errKeyGone):
			b.atFault(ctx, recordNames[kind], keys.ID(), rows[i].ID, err)
		case err != nil:
			return nil, err
		default:
			plain = append(plain, opened[i])
		}
	}
	return plain, nil
}

func openIndexedRow(keys *keyring.Account, kind chat.RecordKind, row *store.IndexedRow) (store.PlainRow, error) {
	plain := store.PlainRow{Parent: row.Parent, ID: row.ID, ContactID: row.KeyContactID, Columns: make([][]byte, len(row.Columns))}
	var subject *keyring.Subject
	for i, f := range sealFields[kind] {
		if row.Columns[i] == nil {
			if f == keyring.FieldName {
				plain.Columns[i] = []byte(row.ListedName)
			}
			continue
		}
		var err error
		if subject == nil {
			if subject, err = subjectOfRow(keys, row.KeyContactID, row.SubjectKeyID, row.KeySealed); err != nil {
				return plain, err
			}
		}
		place := keyring.Place{Table: f.Table(), Field: f, Row: row.ID, Version: row.Version}
		if plain.Columns[i], err = subject.Open(place, row.Columns[i]); err != nil {
			return plain, err
		}
	}
	return plain, nil
}

// markIndexed says that search may go by the tokens, once none is missing. Whoever seals a row meanwhile writes its
// tokens with it, and nobody can change the settings until the batch ends.
func markIndexed(ctx context.Context, b *batch) (outcome, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil {
		return outcome{}, err
	}
	out, err := b.searchIndexed(ctx, settings)
	if err != nil || out.back != "" {
		return out, err
	}
	if err := b.tx.MarkAttributesIndexed(ctx, b.job.AccountID); err != nil {
		return outcome{}, err
	}
	b.tellAccounts([]int64{b.job.AccountID})
	return over(0), b.putFaults(ctx, "search")
}

// searchIndexed looks whether everything is as the settings say, marks tokens that are, and names the step to go back to.
func (b *batch) searchIndexed(ctx context.Context, settings chat.SearchSettings) (outcome, error) {
	if settings.Mode == chat.SearchByScan {
		left, err := b.tx.CountTokens(ctx, b.job.AccountID)
		if err != nil || left > 0 {
			return outcome{back: "drain", waitingFor: fmt.Sprintf("%d tokens that were in use", left)}, err
		}
	} else {
		keys, err := b.keys.Account(ctx, b.job.AccountID)
		if err != nil {
			return outcome{}, err
		}
		messages, contacts, err := countBoth(ctx, b.tx, keys)
		if err != nil || messages+contacts > 0 {
			return outcome{back: "messages", wait: passAgain, waitingFor: fmt.Sprintf("%d rows that were in use", messages+contacts)}, err
		}
		done := true
		if err := b.tx.SetIndexed(ctx, b.job.AccountID, &done, &done); err != nil {
			return outcome{}, err
		}
	}
	if versionsOf(settings.Attributes) != b.job.Checkpoint.Policies {
		return outcome{back: "attributes", waitingFor: "an attribute that was decided about meanwhile"}, nil
	}
	return outcome{}, nil
}

func countBoth(ctx context.Context, tx *store.Store, keys *keyring.Account) (messages, contacts int64, err error) {
	if messages, err = tx.CountUnindexed(ctx, keys.ID(), chat.MessageRecord, keys.IndexGeneration()); err != nil {
		return 0, 0, err
	}
	contacts, err = tx.CountUnindexed(ctx, keys.ID(), chat.ContactRecord, keys.IndexGeneration())
	return messages, contacts, err
}

// markSealed lets search go by the tokens of an account whose rows all have them, as they do when it was sealed in one go.
func (v *Vault) markSealed(ctx context.Context, accountID int64) error {
	defer v.Enter()()
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		return err
	}
	return v.store.InTx(ctx, func(tx *store.Store) error {
		settings, err := tx.HoldSearchSettings(ctx, accountID)
		if err != nil || settings.Mode != chat.SearchByTokens {
			return err
		}
		messages, contacts, err := countBoth(ctx, tx, keys)
		if err != nil {
			return err
		}
		noMessage, noContact := messages == 0 || settings.MessagesIndexed, contacts == 0 || settings.ContactsIndexed
		return tx.SetIndexed(ctx, accountID, &noMessage, &noContact)
	})
}
