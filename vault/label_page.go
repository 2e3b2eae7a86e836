package vault

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// ListByLabel reads a page of contacts, as a store would, in an order that the database keeps for an account whose values
// are sealed; ok is false where it keeps none that can be read yet. Places hold no text: see
// chat.ContactOrderField.TextOf. A cursor is good for as long as the order is, whatever becomes of its contact or of the
// labels.
func (v *Vault) ListByLabel(ctx context.Context, account *chat.Account, q chat.ContactQuery) (rows []store.ContactRow, ok bool, err error) {
	field := q.Order.Field
	if field == chat.ContactsByShownName {
		field = chat.ContactsByName // a name that is an address is sealed away, and listed as blank for everybody
	}
	kept, ok := account.Settings.Search.Ordering(field)
	if !ok || !kept.Enabled || !kept.Ready() {
		return nil, false, nil
	}
	keys, err := v.keys.Account(ctx, account.ID)
	if err != nil {
		return nil, true, err
	}
	l := &labelList{orderKeys: orderKeys{keys, field}, store: v.store, query: q,
		labels: store.Labels{AccountID: account.ID, Field: field, Generation: kept.Live}}
	for range labelTries {
		if rows, err = l.page(ctx); !errors.Is(err, errMoved) {
			return rows, true, err
		}
	}
	return nil, true, err
}

// labelTries is how often a page is begun whose beginning moves away under it.
const labelTries = 5

var errMoved = errors.New("the place of a contact has changed while a page was read from it")

// labelList reads an order that the database keeps.
type labelList struct {
	orderKeys
	store  *store.Store
	labels store.Labels
	query  chat.ContactQuery
}

func (l *labelList) page(ctx context.Context) ([]store.ContactRow, error) {
	start := store.LabelStart{Blank: l.query.Page.Backward}
	if from := l.query.Page.From; from != nil {
		var err error
		if start, err = l.find(ctx, from); err != nil {
			return nil, err
		}
	}
	want := l.query.Page.Read()
	rows, err := l.store.ListLabelled(ctx, l.labels, l.query, start, want)
	if err != nil || len(rows) == want {
		return rows, err
	}
	if err := l.still(ctx, start); err != nil || start.Blank != l.query.Page.Backward {
		return rows, err
	}
	rest, err := l.store.ListLabelled(ctx, l.labels, l.query, store.LabelStart{Blank: !start.Blank}, want-len(rows))
	return append(rows, rest...), err
}

// still fails where a page that came out short began at a label that is gone.
func (l *labelList) still(ctx context.Context, start store.LabelStart) error {
	for _, id := range []int64{start.Below, start.Above} {
		if start.Blank || id == 0 {
			continue
		}
		if own, err := l.store.LabelsAround(ctx, l.labels, id, 0); err != nil || len(own) == 0 {
			return errors.Join(err, errMoved)
		}
	}
	return nil
}

// find gives the beginning of a page that goes on from a cursor: its contact, if that stands there still, else the two
// between which it would. One without a text then is found by its id.
func (l *labelList) find(ctx context.Context, from *chat.Position) (store.LabelStart, error) {
	own, err := l.store.LabelsAround(ctx, l.labels, from.ID, 0)
	if err != nil {
		return store.LabelStart{}, err
	}
	if len(own) > 0 {
		now, ok := l.place(&own[0].OrderValue)
		if !ok || labelOrder.Compare(now, from) == 0 {
			return store.LabelStart{Below: from.ID, Above: from.ID}, nil
		}
	}
	if from.Text == nil {
		return store.LabelStart{Blank: true, Below: from.ID, Above: from.ID}, nil
	}
	s := &slotSearch{orderKeys: l.orderKeys, store: l.store, labels: l.labels, want: from}
	at, _, err := s.search(ctx)
	return store.LabelStart{Below: at.below.id, Above: at.above.id}, err
}
