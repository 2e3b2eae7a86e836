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

// placeContacts gives contacts their order labels, in place of those they have. It comes last in a transaction: from its
// locks to the commit nobody else places any of the account's. Where the contacts seem to belong is found before.
func (v *Vault) placeContacts(ctx context.Context, tx *store.Store, keys *keyring.Account, orderings []*chat.ContactOrdering, rows []store.PlainRow) error {
	if len(rows) == 0 {
		return nil
	}
	var orders []*placing
	for _, o := range orderings { // in the order of their names, as everybody locks them
		if !o.Enabled || o.Live == 0 && o.Building == 0 {
			continue
		}
		p := &placing{vault: v, tx: tx, ordering: o, orderKeys: orderKeys{keys, o.Field}}
		var err error
		if p.places, err = p.texts(ctx, rows); err != nil {
			return err
		}
		if err := p.look(ctx); err != nil {
			return err
		}
		orders = append(orders, p)
	}
	for _, p := range orders {
		if err := p.run(ctx); err != nil {
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
	places   []*chat.Position
	guesses  []guess // one for each place that has a text, where each contact is placed by itself
	locked   bool
	left     bool // somebody waits for the job
}

// look finds out where the contacts seem to belong.
func (p *placing) look(ctx context.Context) (err error) {
	if p.ordering.Live == 0 || len(p.places) > maxPlaced {
		return nil
	}
	p.guesses = make([]guess, len(p.places))
	for i, at := range p.places {
		if at.Text == nil {
			continue
		}
		if p.guesses[i], err = p.slotOf(at).look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// run locks the order and places the contacts. A single one is placed in two round trips.
func (p *placing) run(ctx context.Context) error {
	if p.ordering.Building > 0 {
		if err := p.clear(ctx, p.ordering.Building, p.places...); err != nil {
			return err
		}
	}
	switch {
	case p.ordering.Live == 0:
		return nil
	case len(p.places) > maxPlaced:
		return p.leave(ctx, p.places...)
	}
	for i, at := range p.places {
		if err := p.put(ctx, at, p.guesses[i]); err != nil {
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

// clear locks the order and notes contacts in a generation without a label; those that have a value wait for one.
func (p *placing) clear(ctx context.Context, generation int, places ...*chat.Position) error {
	if !p.locked {
		if err := p.tx.LockOrdering(ctx, p.keys.ID(), p.field); err != nil {
			return err
		}
	}
	p.locked = true
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

// slotOf is a search for a contact's place.
func (p *placing) slotOf(at *chat.Position) *slotSearch {
	return &slotSearch{orderKeys: p.orderKeys, store: p.tx, labels: p.labels(p.ordering.Live), want: at, own: at.ID}
}

// put gives a contact its label, with the order locked: the one it has if its value belongs there still.
func (p *placing) put(ctx context.Context, at *chat.Position, g guess) error {
	if at.Text == nil {
		return p.clear(ctx, p.ordering.Live, at)
	}
	s := p.slotOf(at)
	found, sure, err := s.confirm(ctx, g)
	if p.locked = err == nil; err != nil || found.stands {
		return err
	}
	for range 2 {
		if !sure {
			if found.slot, sure, err = s.search(ctx); err != nil || !sure {
				return p.orLeave(ctx, err, at)
			}
		}
		label, ok := p.vault.runs.place(runKey{s.labels.AccountID, p.field}, at.ID, found.below, found.above)
		if ok {
			return p.tx.PutLabel(ctx, s.labels, at.ID, label)
		}
		if made, err := p.makeRoom(ctx, s.labels, found.below.label); err != nil || !made {
			return p.orLeave(ctx, err, at)
		}
		sure = false
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
