package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
)

// renewWords are the steps of an index's rotation that make tokens and tags anew. These keep nothing unique, so that a row
// is of one generation at a time: everybody writes the new one, and searches ask for both until the old one is named by
// no row.
var renewWords = []step{
	{name: "messages", count: countRenewed(chat.MessageRecord), batch: renewTokens(chat.MessageRecord)},
	{name: "contacts", count: countRenewed(chat.ContactRecord), batch: renewTokens(chat.ContactRecord)},
	{name: "attributes", count: countTagged, batch: renewTags},
	{name: "words", batch: verifyWords},
}

// newIndexKeys are the account's keys, with the generation that the job has put in force.
func (b *batch) newIndexKeys(ctx context.Context) (*keyring.Account, error) {
	keys, read, fill, err := b.indexKeys(ctx)
	if err == nil && read != fill {
		err = fmt.Errorf("index of account %d: generation %d is in force, not %d: cancel the job and start it anew", keys.ID(), read, fill)
	}
	return keys, err
}

// wordsUnder is the generation that rows are to name: while only counting, one that none of them does.
func (b *batch) wordsUnder(ctx context.Context) (int, error) {
	if b.job.Arguments.DryRun {
		return 0, nil
	}
	keys, err := b.newIndexKeys(ctx)
	if err != nil {
		return 0, err
	}
	return keys.IndexGeneration(), nil
}

func countRenewed(kind chat.RecordKind) func(context.Context, *batch) (int64, error) {
	return func(ctx context.Context, b *batch) (int64, error) {
		settings, err := b.searchSettings(ctx)
		if err != nil || settings.Mode != chat.SearchByTokens {
			return 0, err
		}
		generation, err := b.wordsUnder(ctx)
		if err != nil {
			return 0, err
		}
		return b.tx.CountUnindexed(ctx, b.job.AccountID, kind, generation)
	}
}

func countTagged(ctx context.Context, b *batch) (int64, error) {
	generation, err := b.wordsUnder(ctx)
	if err != nil {
		return 0, err
	}
	return b.tx.CountTagged(ctx, b.job.AccountID, generation)
}

func renewTokens(kind chat.RecordKind) func(context.Context, *batch) (outcome, error) {
	return func(ctx context.Context, b *batch) (outcome, error) {
		settings, err := b.searchSettings(ctx)
		if err != nil || settings.Mode != chat.SearchByTokens {
			return over(0), err
		}
		keys, err := b.newIndexKeys(ctx)
		if err != nil {
			return outcome{}, err
		}
		n, err := b.fill(ctx, keys, kind)
		return outcome{rows: int64(n), done: n < b.limit}, err
	}
}

func renewTags(ctx context.Context, b *batch) (outcome, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil {
		return outcome{}, err
	}
	keys, err := b.newIndexKeys(ctx)
	if err != nil {
		return outcome{}, err
	}
	at := &b.job.Checkpoint
	ids, err := b.tx.ListTagged(ctx, keys.ID(), taggedKinds[at.Table].model, keys.IndexGeneration(), at.ID, b.limit)
	if err != nil {
		return outcome{}, err
	}
	return b.tag(ctx, keys, settings.Attributes, ids)
}

// verifyWords counts what names another generation still. What a request held is gone after again; what belongs to nothing
// that is sealed any more goes.
func verifyWords(ctx context.Context, b *batch) (outcome, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil {
		return outcome{}, err
	}
	keys, err := b.newIndexKeys(ctx)
	if err != nil {
		return outcome{}, err
	}
	if settings.Mode == chat.SearchByScan {
		if out, err := b.clearOld(ctx); err != nil || !out.done {
			return out, err
		}
	}
	if err := b.tx.DropOrphans(ctx, keys.ID(), keys.IndexGeneration()); err != nil {
		return outcome{}, err
	}
	left, err := b.tx.CountOldWords(ctx, keys.ID(), keys.IndexGeneration())
	if err != nil || left == 0 {
		return over(0), err
	}
	return outcome{back: "messages", wait: passAgain, waitingFor: fmt.Sprintf("%d rows that were in use", left)}, nil
}

// clearOld takes away the tokens of an account that is searched without, unless a job is about to that first waits for
// those who still search by them.
func (b *batch) clearOld(ctx context.Context) (outcome, error) {
	_, err := b.tx.FindOpenJob(ctx, chat.IndexSearch, b.job.AccountID, 0)
	if err == nil {
		return outcome{wait: passAgain, waitingFor: "the job that takes the account's tokens away"}, nil
	}
	if !errors.Is(err, chat.ErrNotFound) {
		return outcome{}, err
	}
	n, err := b.tx.ClearTokens(ctx, b.job.AccountID, b.limit)
	return outcome{rows: n, done: n == 0}, err
}

// soak waits for as long as was asked, with both generations complete.
func soak(ctx context.Context, b *batch) (outcome, error) {
	age, err := b.tx.Since(ctx, b.job.StepAt)
	if err != nil {
		return outcome{}, err
	}
	if left := b.job.Arguments.Soak - age; left > 0 {
		return outcome{wait: min(left, time.Minute), waitingFor: fmt.Sprintf("the end of the soak at %s",
			b.job.StepAt.Add(b.job.Arguments.Soak).UTC().Format(time.RFC3339))}, nil
	}
	return over(0), nil
}
