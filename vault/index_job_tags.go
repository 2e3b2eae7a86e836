package vault

import (
	"context"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
)

// versionsOf is another number after every decision about an attribute: versions only ever grow.
func versionsOf(policies []chat.AttributePolicy) (sum int64) {
	for _, p := range policies {
		sum += int64(p.Version)
	}
	return sum
}

// waitingAttributes says that there are attributes of a model whose tags are not complete.
func waitingAttributes(policies []chat.AttributePolicy, model chat.AttributeModel) bool {
	return slices.ContainsFunc(policies, func(p chat.AttributePolicy) bool { return p.Model == model && p.Searchable && !p.Indexed })
}

func countAttributed(ctx context.Context, b *batch) (total int64, err error) {
	settings, err := b.searchSettings(ctx)
	if err != nil {
		return 0, err
	}
	for _, of := range taggedKinds {
		if !waitingAttributes(settings.Attributes, of.model) {
			continue
		}
		n, err := b.tx.CountAttributed(ctx, b.job.AccountID, of.kind)
		if err != nil {
			return 0, err
		}
		total += n
	}
	return total, nil
}

// fillAttributes goes over every sealed row with attributes, of one kind after the other: nothing tells a row that lacks
// a tag from one that has no value to be found by.
func fillAttributes(ctx context.Context, b *batch) (outcome, error) {
	settings, err := b.searchSettings(ctx)
	if err != nil {
		return outcome{}, err
	}
	at := &b.job.Checkpoint
	if at.Table == 0 && at.ID == 0 {
		at.Policies = versionsOf(settings.Attributes)
	}
	for at.Table < len(taggedKinds) && !waitingAttributes(settings.Attributes, taggedKinds[at.Table].model) {
		at.Table, at.ID = at.Table+1, 0
	}
	if at.Table >= len(taggedKinds) {
		return over(0), nil
	}
	keys, err := b.keys.Account(ctx, b.job.AccountID)
	if err != nil {
		return outcome{}, err
	}
	ids, err := b.tx.ListAttributed(ctx, keys.ID(), taggedKinds[at.Table].kind, at.ID, b.limit)
	if err != nil {
		return outcome{}, err
	}
	return b.tag(ctx, keys, settings.Attributes, ids)
}

// tag gives contacts or conversations, in order of their ids, the tags of their searchable attributes, up to the first that
// somebody holds: who writes it may have nothing to do with attributes, so it is waited for.
func (b *batch) tag(ctx context.Context, keys *keyring.Account, policies []chat.AttributePolicy, ids []int64) (outcome, error) {
	at := &b.job.Checkpoint
	of := taggedKinds[at.Table]
	free, held, err := b.tx.LockAttributed(ctx, keys.ID(), of.kind, ids)
	if err != nil {
		return outcome{}, err
	}
	last := len(ids) < b.limit
	if i := slices.IndexFunc(ids, func(id int64) bool { return held[id] }); i >= 0 {
		first := ids[i]
		free = slices.DeleteFunc(free, func(id int64) bool { return id >= first })
		ids, last = ids[:i], false
	}
	if len(ids) == 0 && !last {
		return outcome{wait: passAgain, waitingFor: "a row that is in use"}, nil
	}
	if err := b.putTags(ctx, keys, policies, free); err != nil {
		return outcome{}, err
	}
	if err := b.tx.DropOldAttributeTags(ctx, keys.ID(), of.model, ids, keys.IndexGeneration()); err != nil { // of rows that do not open, or are gone
		return outcome{}, err
	}
	if last {
		at.Table, at.ID = at.Table+1, 0
	} else {
		at.ID = ids[len(ids)-1]
	}
	return outcome{rows: int64(len(ids)), done: at.Table >= len(taggedKinds)}, nil
}

// putTags writes the tags of rows that are locked.
func (b *batch) putTags(ctx context.Context, keys *keyring.Account, policies []chat.AttributePolicy, ids []int64) error {
	if len(ids) == 0 {
		return nil
	}
	of := taggedKinds[b.job.Checkpoint.Table]
	locked := make([]chat.RecordKey, len(ids))
	for i, id := range ids {
		locked[i] = chat.RecordKey{Kind: of.kind, ID: id}
	}
	rows, err := b.openIndexed(ctx, keys, of.kind, locked)
	if err != nil {
		return err
	}
	attributes := conversationAttributeRows
	if of.kind == chat.ContactRecord {
		attributes = contactAttributeRows
	}
	return putAttributeTags(ctx, b.tx, keys, of.model, policies, attributes(rows))
}
