package vault

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

const (
	// maxPlaced is how many contacts of one transaction are given their labels in it. What writes more waits for the job:
	// nobody else writes labels of the order meanwhile.
	maxPlaced = 64
	// maxSpread is how many labels one writer moves to make room.
	maxSpread = 10_000
)

// placeContacts gives contacts their order labels, in place of those they have. It comes last in a transaction: from here
// to the commit nobody else places any of the account's.
func (v *Vault) placeContacts(ctx context.Context, tx *store.Store, keys *keyring.Account, orderings []*chat.ContactOrdering, rows []store.PlainRow) error {
	if len(rows) == 0 {
		return nil
	}
	for _, o := range orderings { // in the order of their names, as everybody locks them
		if !o.Enabled || o.Live == 0 && o.Building == 0 {
			continue
		}
		p := &placing{vault: v, tx: tx, ordering: o, orderKeys: orderKeys{keys, o.Field}}
		if err := p.run(ctx, rows); err != nil {
			return err
		}
	}
	return nil
}

// placing puts contacts in their places in one order.
type placing struct {
	orderKeys
	vault    *Vault
	tx       *store.Store
	ordering *chat.ContactOrdering
	left     bool // somebody waits for the job
}

func (p *placing) run(ctx context.Context, rows []store.PlainRow) error {
	if err := p.tx.LockOrdering(ctx, p.keys.ID(), p.field); err != nil {
		return err
	}
	places, err := p.texts(ctx, rows)
	if err != nil {
		return err
	}
	if p.ordering.Building > 0 {
		if err := p.clear(ctx, p.ordering.Building, places...); err != nil {
			return err
		}
	}
	switch {
	case p.ordering.Live == 0:
		return nil
	case len(places) > maxPlaced:
		return p.leave(ctx, places...)
	}
	for _, at := range places {
		if err := p.put(ctx, at); err != nil {
			return err
		}
	}
	return nil
}

// texts gives the contacts' places. Whether a name is sealed away is known when it has been written.
func (p *placing) texts(ctx context.Context, rows []store.PlainRow) ([]*chat.Position, error) {
	source, opened := p.field.Source()
	places, ids := make([]*chat.Position, len(rows)), make([]int64, len(rows))
	for i, row := range rows {
		places[i], ids[i] = &chat.Position{ID: row.ID}, row.ID
		if opened {
			places[i].Text = p.field.TextIn(chat.PII(row.Columns[contactColumn(source)]))
		}
	}
	if opened {
		return places, nil
	}
	listed, err := p.tx.OrderValuesOf(ctx, p.keys.ID(), p.field, ids)
	if err != nil {
		return nil, err
	}
	byID := make(map[int64]*string, len(listed))
	for i := range listed {
		if byID[listed[i].ContactID], err = p.text(&listed[i]); err != nil {
			return nil, err
		}
	}
	for _, at := range places {
		at.Text = byID[at.ID]
	}
	return places, nil
}

// contactColumn is where a field lies among a contact's columns.
func contactColumn(f chat.Field) int {
	for i, g := range contactFields {
		if f == g {
			return i
		}
	}
	return -1
}

func (p *placing) labels(generation int) store.Labels {
	return store.Labels{AccountID: p.keys.ID(), Field: p.field, Generation: generation}
}

// clear notes contacts in a generation without a label; those that have a value wait for one.
func (p *placing) clear(ctx context.Context, generation int, places ...*chat.Position) error {
	ids, waiting := make([]int64, len(places)), make([]bool, len(places))
	for i, at := range places {
		ids[i], waiting[i] = at.ID, at.Text != nil
	}
	return p.tx.ClearLabels(ctx, p.labels(generation), ids, waiting)
}

// leave has contacts wait for the job, which labels all of them anew.
func (p *placing) leave(ctx context.Context, places ...*chat.Position) error {
	if err := p.clear(ctx, p.ordering.Live, places...); err != nil {
		return err
	}
	p.left = true
	return p.tx.WantLabels(ctx, p.keys.ID(), p.field)
}

// put gives a contact its label: the one it has if its value belongs there still.
func (p *placing) put(ctx context.Context, at *chat.Position) error {
	if at.Text == nil {
		return p.clear(ctx, p.ordering.Live, at)
	}
	labels := p.labels(p.ordering.Live)
	s := &slotSearch{orderKeys: p.orderKeys, store: p.tx, labels: labels, want: at, own: at.ID}
	stands, err := s.stands(ctx)
	if err != nil || stands {
		return err
	}
	for range 2 {
		found, sure, err := s.search(ctx)
		if err != nil || !sure {
			return p.orLeave(ctx, err, at)
		}
		label, ok := p.vault.runs.place(runKey{labels.AccountID, p.field}, at.ID, found.below, found.above)
		if ok {
			return p.tx.PutLabel(ctx, labels, at.ID, label)
		}
		if made, err := p.makeRoom(ctx, labels, found.below.label); err != nil || !made {
			return p.orLeave(ctx, err, at)
		}
	}
	return p.leave(ctx, at)
}

func (p *placing) orLeave(ctx context.Context, err error, at *chat.Position) error {
	if err != nil {
		return err
	}
	return p.leave(ctx, at)
}

// makeRoom spreads the labels around one out over the smallest range that is not crowded; made is false where that would
// move too many.
func (p *placing) makeRoom(ctx context.Context, labels store.Labels, around int64) (made bool, err error) {
	from, to, n, err := spread(around, func(from, to int64) (int, error) {
		return p.tx.CountLabels(ctx, labels, from, to, maxSpread+1)
	})
	if err != nil || n > maxSpread {
		return false, err
	}
	return true, p.tx.SpreadLabels(ctx, labels, from, to, apart(from, to, n))
}
