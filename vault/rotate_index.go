package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// rotateIndex gives an account a new index key. At every moment one generation is complete and written by everybody:
// look-ups read that one, and an address that somebody holds under it is not to be had. While the new generation is
// pending both are written and the old one is read; once it is active both are written and the new one is read, so that
// the job may rest there, in the soak, with either complete; then the old one is refused and its rows go. Tokens and tags,
// which keep nothing unique, are made anew before the soak, and again after it what a row names still.
var rotateIndex = slices.Concat([]step{
	{name: "create", batch: func(ctx context.Context, b *batch) (outcome, error) {
		return over(0), b.createGenerations(ctx, chat.KeysetIndex)
	}},
	settle("await writers of both"),
	{name: "backfill", count: func(ctx context.Context, b *batch) (int64, error) {
		return b.tx.CountSealedContacts(ctx, b.job.AccountID)
	}, batch: backfillIndex},
	{name: "verify", batch: verifyIndex},
	{name: "switch", batch: func(ctx context.Context, b *batch) (outcome, error) {
		return over(0), b.activate(ctx, chat.KeysetIndex)
	}},
	settle("await readers"),
}, renewWords, []step{
	{name: "soak", batch: soak},
	{name: "shrink", batch: shrinkIndex},
	settle("await refusal"),
	{name: "delete", count: countOldTags, batch: deleteOldTags},
	destroyRefused(chat.KeysetIndex),
})

// errTag is what a tag that is not the one of its value is reported as.
var errOldTag = errors.New("a blind index entry is missing, or is not that of the contact's address")

// indexKeys gives the account's keys with the generation that is read, and the one that is being filled.
func (b *batch) indexKeys(ctx context.Context) (keys *keyring.Account, read, fill int, err error) {
	fill = b.job.Checkpoint.Generation
	newest := func(keys *keyring.Account) int { return slices.Max(keys.IndexGenerations()) }
	if keys, err = b.accountKeys(ctx, b.job.AccountID, newest); err != nil {
		return nil, 0, 0, err
	}
	return keys, keys.IndexGeneration(), fill, nil
}

func backfillIndex(ctx context.Context, b *batch) (outcome, error) {
	keys, read, fill, err := b.indexKeys(ctx)
	if err != nil {
		return outcome{}, err
	}
	rows, err := b.tx.LockContactsAfter(ctx, keys.ID(), b.job.Checkpoint.ID, b.limit)
	if err != nil {
		return outcome{}, err
	}
	if err := b.fillTags(ctx, keys, read, fill, rows); err != nil {
		return outcome{}, err
	}
	if len(rows) > 0 {
		b.job.Checkpoint.ID = rows[len(rows)-1].ID
	}
	return outcome{rows: int64(len(rows)), done: len(rows) < b.limit}, nil
}

// verifyIndex compares the two generations in one statement and fills in what differs, contact by contact, waiting for
// whoever holds one: since everybody writes both, a contact that is equal once stays so. Rows at fault may differ.
func verifyIndex(ctx context.Context, b *batch) (outcome, error) {
	keys, read, fill, err := b.indexKeys(ctx)
	if err != nil {
		return outcome{}, err
	}
	ids, err := b.tx.ListDifferingContacts(ctx, keys.ID(), read, fill, b.job.Checkpoint.ID, b.limit)
	if err != nil {
		return outcome{}, err
	}
	if len(ids) == 0 {
		return over(0), b.putFaults(ctx, "index")
	}
	rows, err := b.tx.LockContacts(ctx, keys.ID(), ids)
	if err != nil {
		return outcome{}, err
	}
	faults := b.job.Checkpoint.Found
	if err := b.fillTags(ctx, keys, read, fill, rows); err != nil {
		return outcome{}, err
	}
	b.job.Checkpoint.Found = faults // they were counted by the backfill
	b.job.Checkpoint.ID = ids[len(ids)-1]
	return outcome{rows: int64(len(ids))}, nil
}

// fillTags writes the entries of contacts under one generation, held as they are held under the other. What the other
// generation has is derived again and compared; a difference is counted, and only the new generation is put right.
func (b *batch) fillTags(ctx context.Context, keys *keyring.Account, read, fill int, rows []store.IndexedContact) error {
	ids := make([]int64, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	have, err := b.tx.TagsOfMany(ctx, keys.ID(), ids, read, fill)
	if err != nil {
		return err
	}
	byContact := make(map[int64][]store.TagRow, len(rows))
	for _, t := range have {
		byContact[t.ContactID] = append(byContact[t.ContactID], t)
	}
	var add, drop []store.TagRow
	derived, faults := inParallel(rows, func(row *store.IndexedContact) ([]derivedTag, error) { return deriveTags(keys, read, fill, row) })
	for i := range rows {
		if err := faults[i]; isUnreadable(err) || errors.Is(err, errKeyGone) {
			b.atFault(ctx, "contacts", keys.ID(), rows[i].ID, err)
			continue
		} else if err != nil {
			return err
		}
		f := filling{contactID: rows[i].ID, read: read, fill: fill, have: byContact[rows[i].ID]}
		f.compare(derived[i])
		add, drop = append(add, f.add...), append(drop, f.drop...)
		if f.faulty {
			b.atFault(ctx, "lookup_tags", keys.ID(), rows[i].ID, errOldTag)
		}
	}
	if err := b.tx.DropTags(ctx, keys.ID(), drop); err != nil || len(add) == 0 {
		return err
	}
	return b.tx.CreateTags(ctx, keys.ID(), add)
}

// derivedTag is what the entries of one address must be.
type derivedTag struct {
	field       int16
	read, write []byte
}

func deriveTags(keys *keyring.Account, read, fill int, row *store.IndexedContact) ([]derivedTag, error) {
	var tags []derivedTag
	var subject *keyring.Subject
	for i, f := range addressFields {
		if row.Columns[i] == nil {
			continue
		}
		var err error
		if subject == nil {
			if subject, err = subjectOfRow(keys, row.KeyContactID, row.SubjectKeyID, row.KeySealed); err != nil {
				return nil, err
			}
		}
		field := tagFields[f]
		clear, err := subject.Open(keyring.Place{Table: field.Table(), Field: field, Row: row.ID, Version: row.Version}, row.Columns[i])
		if err != nil {
			return nil, err
		}
		normalised := []byte(Normalise(f, string(clear)))
		tag := derivedTag{field: int16(field)}
		if tag.read, err = keys.TagUnder(read, field, normalised); err != nil {
			return nil, err
		}
		if tag.write, err = keys.TagUnder(fill, field, normalised); err != nil {
			return nil, err
		}
		tags = append(tags, tag)
	}
	return tags, nil
}

// filling is one contact's entries: what must be added and dropped, so that the new generation is what it must be.
type filling struct {
	contactID  int64
	read, fill int
	have       []store.TagRow
	add, drop  []store.TagRow
	faulty     bool
}

func (f *filling) compare(derived []derivedTag) {
	right := make(map[int16]*derivedTag, len(derived))
	held := make(map[int16]bool)
	found := make(map[int16]bool)
	for i := range derived {
		right[derived[i].field] = &derived[i]
	}
	for _, t := range f.have {
		if t.Generation != f.read {
			continue
		}
		d := right[t.Field]
		if d == nil || !bytes.Equal(d.read, t.Tag) {
			f.faulty = true
			continue
		}
		found[t.Field], held[t.Field] = true, t.Exclusive
	}
	for field, d := range right {
		f.faulty = f.faulty || !found[field]
		f.add = append(f.add, store.TagRow{LookupTag: store.LookupTag{Field: field, Generation: f.fill, Tag: d.write},
			ContactID: f.contactID, Exclusive: held[field]})
	}
	f.reconcile(right, held)
}

// reconcile goes by what the new generation has already: an entry that is right is not written again, another one goes.
func (f *filling) reconcile(right map[int16]*derivedTag, held map[int16]bool) {
	for _, t := range f.have {
		if t.Generation != f.fill {
			continue
		}
		d := right[t.Field]
		if d == nil || !bytes.Equal(d.write, t.Tag) || t.Exclusive != held[t.Field] {
			f.drop = append(f.drop, t)
			continue
		}
		f.add = slices.DeleteFunc(f.add, func(a store.TagRow) bool { return a.Field == t.Field })
	}
}

// shrinkIndex refuses what was read before: from here on only the new generation is written.
func shrinkIndex(ctx context.Context, b *batch) (outcome, error) {
	sets, err := b.tx.ListKeysets(ctx, b.job.AccountID)
	if err != nil {
		return outcome{}, err
	}
	left, err := b.tx.CountOldWords(ctx, b.job.AccountID, newestOf(sets, chat.KeysetIndex).Generation)
	if err != nil || left > 0 { // written by nobody who was waited for; what is left must not lose its key
		return outcome{back: "messages", waitingFor: fmt.Sprintf("%d tokens under the old key", left)}, err
	}
	b.job.Checkpoint.Keysets = nil
	for i := range sets {
		k := &sets[i]
		if k.Purpose != chat.KeysetIndex || k.State != chat.KeysetRetired {
			continue
		}
		if _, err := b.tx.RefuseKeyset(ctx, nameOf(k)); err != nil {
			return outcome{}, err
		}
		b.job.Checkpoint.Keysets = append(b.job.Checkpoint.Keysets, nameOf(k))
		if err := b.putKeyset(ctx, chat.GenerationRefused, nameOf(k)); err != nil {
			return outcome{}, err
		}
	}
	return over(0), b.changed(ctx, b.job.AccountID)
}

// refusedIndexes are the generations whose entries go: every one that is out of use, also of a job that was cancelled.
func (b *batch) refusedIndexes(ctx context.Context) ([]int, error) {
	sets, err := b.tx.ListKeysets(ctx, b.job.AccountID)
	if err != nil {
		return nil, err
	}
	var generations []int
	for _, k := range sets {
		if k.Purpose == chat.KeysetIndex && (k.State == chat.KeysetRefused || k.State == chat.KeysetDestroyed ||
			b.job.Arguments.DryRun && k.State != chat.KeysetPending) {
			generations = append(generations, k.Generation)
		}
	}
	return generations, nil
}

func countOldTags(ctx context.Context, b *batch) (int64, error) {
	generations, err := b.refusedIndexes(ctx)
	if err != nil {
		return 0, err
	}
	return b.tx.CountTagsUnder(ctx, b.job.AccountID, generations)
}

func deleteOldTags(ctx context.Context, b *batch) (outcome, error) {
	generations, err := b.refusedIndexes(ctx)
	if err != nil {
		return outcome{}, err
	}
	n, err := b.tx.DeleteTagsUnder(ctx, b.job.AccountID, generations, b.limit)
	if err != nil || n > 0 {
		return outcome{rows: n}, err
	}
	left, err := b.tx.CountTagsUnder(ctx, b.job.AccountID, generations)
	if err != nil || left == 0 {
		return over(0), err
	}
	return outcome{wait: passAgain, waitingFor: fmt.Sprintf("%d entries that are in use", left)}, nil
}
