package vault

import (
	"context"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	// spreadAfter is how long labels that were put between others may tell that their contacts came later.
	spreadAfter = 24 * time.Hour
	// orderingsAtOnce is how many accounts' jobs the schedule starts at a time.
	orderingsAtOnce = 10
	// readAtOnce is how many contacts are read at a time by a worker that must read all of them in one batch.
	readAtOnce = 20_000
)

// buildOrder makes the labels of an account's orders anew, one order after another, evenly spread, and takes away those
// of orders that were turned off. From the commit of choose on writers note their contacts in the new generation, so that
// none is missing when it is switched to. What is sorted lies in the memory of whoever works on it; another worker reads
// all again, and labels those in between that have no label yet.
var buildOrder = []step{
	{name: "choose", batch: chooseOrder},
	{name: "read", count: func(ctx context.Context, b *batch) (int64, error) {
		return b.tx.CountSealedContacts(ctx, b.job.AccountID)
	}, batch: readOrder},
	{name: "write", count: func(ctx context.Context, b *batch) (int64, error) {
		return b.tx.CountSealedContacts(ctx, b.job.AccountID)
	}, batch: writeOrder},
	{name: "switch", batch: switchOrder},
	{name: "place", batch: placeWaiting},
	{name: "drop", batch: dropLabels},
}

// chooseOrder begins a new generation of the first order that is due.
func chooseOrder(ctx context.Context, b *batch) (outcome, error) {
	b.builds.forget(b.job)
	if _, err := b.tx.LockSearchSettings(ctx, b.job.AccountID); err != nil {
		return outcome{}, err
	}
	if err := b.tx.WantSpread(ctx, b.job.AccountID, spreadAfter); err != nil {
		return outcome{}, err
	}
	orderings, err := b.tx.ListOrderings(ctx, b.job.AccountID)
	if err != nil {
		return outcome{}, err
	}
	for _, o := range orderings {
		if o.Enabled && o.Due {
			b.job.Checkpoint.Field = o.Field
			b.job.Checkpoint.Generation, err = b.tx.BeginLabels(ctx, b.job.AccountID, o.Field)
			return over(0), err
		}
	}
	return outcome{back: "drop"}, nil
}

// readOrder opens what the next contacts are ordered by. Where another worker has read some of it, the next step reads all.
func readOrder(ctx context.Context, b *batch) (outcome, error) {
	o := b.builds.of(b.job)
	if o.sorted || o.after != b.job.Checkpoint.ID {
		b.builds.forget(b.job)
		return over(0), nil
	}
	n, err := b.readOn(ctx, o, b.limit)
	b.job.Checkpoint.ID = o.after
	return outcome{rows: int64(n), done: n < b.limit}, err
}

// readOn opens what up to limit more contacts are ordered by.
func (b *batch) readOn(ctx context.Context, o *build, limit int) (n int, err error) {
	keys, err := b.keys.Account(ctx, b.job.AccountID)
	if err != nil {
		return 0, err
	}
	rows, err := b.tx.OrderValuesAfter(ctx, b.job.AccountID, o.labels.Field, o.after, limit)
	if err != nil {
		return 0, err
	}
	texts, faults := inParallel(rows, orderKeys{keys, o.labels.Field}.text)
	for i, row := range rows {
		if faults[i] != nil { // it comes last, as long as it does not open
			b.atFault(ctx, "contacts", b.job.AccountID, row.ContactID, faults[i])
		}
		o.read = append(o.read, readPlace{chat.Position{ID: row.ContactID, Text: texts[i]}, row.Version})
		o.after = row.ContactID
	}
	return len(rows), nil
}

// writeOrder writes the next labels. Nobody erases a contact, or writes labels of the order, meanwhile.
func writeOrder(ctx context.Context, b *batch) (outcome, error) {
	kept, err := b.hold(ctx)
	if err != nil || kept.Building != b.job.Checkpoint.Generation {
		return outcome{back: "choose"}, err
	}
	o := b.builds.of(b.job)
	if o.sorted && o.at != b.job.Checkpoint.ID { // another worker has written some of it, or a batch came to nothing
		b.builds.forget(b.job)
		o = b.builds.of(b.job)
	}
	if !o.sorted {
		if err := b.readAll(ctx, o); err != nil {
			return outcome{}, err
		}
		b.job.Checkpoint.ID = 0
	}
	from := int(b.job.Checkpoint.ID)
	to := min(from+b.limit, len(o.built))
	if err := b.tx.WriteLabels(ctx, o.labels, o.built[from:to]); err != nil {
		return outcome{}, err
	}
	o.at, b.job.Checkpoint.ID = int64(to), int64(to)
	return outcome{rows: int64(to - from), done: to == len(o.built)}, nil
}

// readAll reads what is left to be read, and puts all in order.
func (b *batch) readAll(ctx context.Context, o *build) error {
	for {
		n, err := b.readOn(ctx, o, readAtOnce)
		if err != nil {
			return err
		}
		if n < readAtOnce {
			break
		}
	}
	have, err := b.tx.HaveLabels(ctx, o.labels)
	if err == nil {
		o.sort(have)
	}
	return err
}

// hold keeps everybody else from labels of the order, and gives it as it stands.
func (b *batch) hold(ctx context.Context) (chat.ContactOrdering, error) {
	if err := b.tx.HoldErasures(ctx, b.job.AccountID); err != nil {
		return chat.ContactOrdering{}, err
	}
	settings, err := b.tx.HoldSearchSettings(ctx, b.job.AccountID)
	if err != nil {
		return chat.ContactOrdering{}, err
	}
	kept, ok := settings.Ordering(b.job.Checkpoint.Field)
	if !ok || !kept.Enabled {
		return chat.ContactOrdering{}, nil
	}
	return *kept, b.tx.LockOrdering(ctx, b.job.AccountID, b.job.Checkpoint.Field)
}

func switchOrder(ctx context.Context, b *batch) (outcome, error) {
	if err := b.tx.AnalyzeLabels(ctx); err != nil {
		return outcome{}, err
	}
	settings, err := b.tx.LockSearchSettings(ctx, b.job.AccountID)
	if err != nil {
		return outcome{}, err
	}
	labels := b.builds.of(b.job).labels
	if kept, ok := settings.Ordering(labels.Field); !ok || !kept.Enabled || kept.Building != labels.Generation {
		return outcome{back: "choose"}, nil
	}
	b.builds.forget(b.job)
	return over(0), b.tx.SwitchLabels(ctx, labels)
}

// placeWaiting gives contacts their labels that were written while all were made.
func placeWaiting(ctx context.Context, b *batch) (outcome, error) {
	kept, err := b.hold(ctx)
	if err != nil || kept.Live != b.job.Checkpoint.Generation {
		return over(0), err
	}
	keys, err := b.keys.Account(ctx, b.job.AccountID)
	if err != nil {
		return outcome{}, err
	}
	kept.Building = 0
	p := &placing{vault: b.Vault, tx: b.tx, ordering: &kept, orderKeys: orderKeys{keys, kept.Field}, locked: true}
	rows, err := b.tx.WaitingContacts(ctx, p.labels(kept.Live), maxPlaced)
	if err != nil {
		return outcome{}, err
	}
	for i := range rows {
		at, ok := p.place(&rows[i].OrderValue)
		if !ok {
			b.atFault(ctx, "contacts", keys.ID(), at.ID, errMissing)
		}
		p.places = append(p.places, at)
	}
	if err := p.look(ctx); err != nil {
		return outcome{}, err
	}
	if err := p.run(ctx); err != nil {
		return outcome{}, err
	}
	return outcome{rows: int64(len(rows)), done: len(rows) < maxPlaced || p.left}, nil
}

// dropLabels deletes labels that nobody reads any more, and goes on with the next order that is due.
func dropLabels(ctx context.Context, b *batch) (outcome, error) {
	age, err := b.tx.Since(ctx, b.job.StepAt)
	if err != nil {
		return outcome{}, err
	}
	if age < policyMemory {
		return outcome{wait: policyMemory - age, waitingFor: "replicas to read the new labels"}, nil
	}
	n, err := b.tx.DropLabels(ctx, b.job.AccountID, b.limit)
	if err != nil || n > 0 {
		return outcome{rows: n}, err
	}
	if err := b.tx.ForgetOrderings(ctx, b.job.AccountID); err != nil {
		return outcome{}, err
	}
	orderings, err := b.tx.ListOrderings(ctx, b.job.AccountID)
	if slices.ContainsFunc(orderings, func(o store.Ordering) bool { return o.Due || !o.Enabled }) {
		return outcome{back: "choose"}, err
	}
	return over(0), err
}

// tendOrderings starts the jobs of accounts whose labels are to be made or to go, and of those whose labels have changed
// for a day.
func (v *Vault) tendOrderings(ctx context.Context, s Schedule) error {
	due, err := v.store.ListOrderingsDue(ctx, spreadAfter, afterFailure, orderingsAtOnce)
	if err != nil {
		return err
	}
	for _, accountID := range due {
		if _, _, err := v.StartJob(ctx, chat.BuildOrder, accountID, chat.JobArguments{Rate: s.Rate}); err != nil {
			return err
		}
	}
	return nil
}
