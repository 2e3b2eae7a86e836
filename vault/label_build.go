package vault

import (
	"context"
	"slices"
	"sync"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	// spreadAfter is how long labels that were put between others may tell that their contacts came later.
	spreadAfter = 24 * time.Hour
	// orderingsAtOnce is how many accounts' jobs the schedule starts at a time.
	orderingsAtOnce = 10
)

// buildOrder makes the labels of an account's orders anew, one order after another, evenly spread, and takes away those
// of orders that were turned off. What is sorted lies in the memory of whoever works on it; another worker begins anew.
// From the commit of choose on writers note their contacts in the new generation, so that none is missing when it is
// switched to.
var buildOrder = []step{
	{name: "choose", batch: chooseOrder},
	{name: "read", count: func(ctx context.Context, b *batch) (int64, error) {
		return b.tx.CountSealedContacts(ctx, b.job.AccountID)
	}, batch: readOrder},
	{name: "write", count: func(_ context.Context, b *batch) (int64, error) {
		return int64(len(b.builds.of(b.job).built)), nil
	}, batch: writeOrder},
	{name: "switch", batch: switchOrder},
	{name: "place", batch: placeWaiting},
	{name: "drop", batch: dropLabels},
}

// build is an order that is being made: its contacts first with their texts and then, once all are read, in order with
// their labels.
type build struct {
	labels store.Labels
	after  int64 // the last contact read
	read   []readPlace
	built  []store.BuiltLabel
	sorted bool
}

// readPlace is a contact's place as it was in one version of the contact.
type readPlace struct {
	chat.Position
	version int64
}

// builds are those of a process, by job.
type builds struct {
	mu  sync.Mutex
	all map[int64]*build
}

// maxBuilds bounds what lies in memory: more is left behind only by jobs that others went on with.
const maxBuilds = 4

// of gives a job's build; a new one where this process has none of its generation.
func (s *builds) of(job *chat.Job) *build {
	s.mu.Lock()
	defer s.mu.Unlock()
	labels := store.Labels{AccountID: job.AccountID, Field: job.Checkpoint.Field, Generation: job.Checkpoint.Generation}
	if b := s.all[job.ID]; b != nil && b.labels == labels {
		return b
	}
	if s.all == nil || len(s.all) >= maxBuilds {
		s.all = make(map[int64]*build)
	}
	s.all[job.ID] = &build{labels: labels}
	return s.all[job.ID]
}

func (s *builds) forget(job *chat.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, job.ID)
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

// readOrder opens what the next contacts are ordered by; after the last one all are sorted and labelled.
func readOrder(ctx context.Context, b *batch) (outcome, error) {
	o := b.builds.of(b.job)
	if o.sorted || o.after != b.job.Checkpoint.ID { // another worker has read some of it, or a batch came to nothing
		b.builds.forget(b.job)
		o, b.job.Checkpoint.ID, b.job.RowsDone = b.builds.of(b.job), 0, 0
	}
	keys, err := b.keys.Account(ctx, b.job.AccountID)
	if err != nil {
		return outcome{}, err
	}
	rows, err := b.tx.OrderValuesAfter(ctx, b.job.AccountID, o.labels.Field, o.after, b.limit)
	if err != nil {
		return outcome{}, err
	}
	open := orderKeys{keys, o.labels.Field}
	texts, faults := inParallel(rows, open.text)
	for i, row := range rows {
		if faults[i] != nil { // it comes last, as long as it does not open
			b.atFault(ctx, "contacts", b.job.AccountID, row.ContactID, faults[i])
		}
		o.read = append(o.read, readPlace{chat.Position{ID: row.ContactID, Text: texts[i]}, row.Version})
		o.after = row.ContactID
	}
	b.job.Checkpoint.ID = o.after
	if len(rows) == b.limit {
		return outcome{rows: int64(len(rows))}, nil
	}
	o.sort()
	return over(int64(len(rows))), nil
}

// sort gives the contacts labels that are spread evenly; what they were sorted by is forgotten.
func (o *build) sort() {
	slices.SortFunc(o.read, func(a, b readPlace) int { return labelOrder.Compare(&a.Position, &b.Position) })
	texts := slices.IndexFunc(o.read, func(p readPlace) bool { return p.Text == nil })
	if texts < 0 {
		texts = len(o.read)
	}
	o.built = make([]store.BuiltLabel, len(o.read))
	for i, p := range o.read {
		o.built[i] = store.BuiltLabel{ContactID: p.ID, Version: p.version}
		if i < texts {
			o.built[i].Label = int64(i+1) * apart(0, labelEnd, texts)
		}
	}
	o.read, o.sorted = nil, true
}

// writeOrder writes the next labels. Nobody erases a contact, or writes labels of the order, meanwhile.
func writeOrder(ctx context.Context, b *batch) (outcome, error) {
	o := b.builds.of(b.job)
	if kept, err := b.hold(ctx); err != nil || !o.sorted || kept.Building != o.labels.Generation {
		return outcome{back: "choose"}, err
	}
	from := int(b.job.Checkpoint.ID)
	to := min(from+b.limit, len(o.built))
	if err := b.tx.WriteLabels(ctx, o.labels, o.built[from:to]); err != nil {
		return outcome{}, err
	}
	b.job.Checkpoint.ID = int64(to)
	return outcome{rows: int64(to - from), done: to == len(o.built)}, nil
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
	p := &placing{vault: b.Vault, tx: b.tx, ordering: &kept, orderKeys: orderKeys{keys, kept.Field}}
	rows, err := b.tx.WaitingContacts(ctx, p.labels(kept.Live), maxPlaced)
	if err != nil {
		return outcome{}, err
	}
	for i := range rows {
		at, ok := p.place(&rows[i].OrderValue)
		if !ok {
			b.atFault(ctx, "contacts", keys.ID(), at.ID, errMissing)
		}
		if err := p.put(ctx, at); err != nil {
			return outcome{}, err
		}
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
