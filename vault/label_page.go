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
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, true, err
	}
	q.Parts.Record = true // they are few, and lie beside what is joined anyway: Redis would be one more round trip
	l := &labelList{orderKeys: orderKeys{r.account, field}, store: v.store, query: q,
		labels: store.Labels{AccountID: account.ID, Field: field, Generation: kept.Live}}
	for range labelTries {
		if rows, err = l.page(ctx); !errors.Is(err, errMoved) {
			break
		}
	}
	for _, row := range rows {
		r.attachContact(row.Contact, row.Record)
	}
	return rows, true, err
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
	want := l.query.Page.Read()
	start, rows, err := l.first(ctx, want)
	if err != nil || len(rows) == want {
		return rows, err
	}
	if err := l.still(ctx, start); err != nil || start.Blank != l.query.Page.Backward {
		return rows, err
	}
	rest, err := l.store.ListLabelled(ctx, l.labels, l.query, store.LabelStart{Blank: !start.Blank}, want-len(rows))
	return append(rows, rest...), err
}

// first reads the part of the list in which the page begins. From a cursor it goes on, as a rule, at its contact, which
// stands where it stood: that is read beside the page, and only where it has moved the page is read from where it was.
func (l *labelList) first(ctx context.Context, want int) (start store.LabelStart, rows []store.ContactRow, err error) {
	start = store.LabelStart{Blank: l.query.Page.Backward}
	if from := l.query.Page.From; from != nil {
		own, page, err := l.store.ListLabelledFrom(ctx, l.labels, l.query, from.ID, want)
		if err != nil {
			return start, nil, err
		}
		if l.stands(own, from) {
			return store.LabelStart{Below: from.ID, Above: from.ID}, page, nil
		}
		if start, err = l.find(ctx, from); err != nil {
			return start, nil, err
		}
	}
	rows, err = l.store.ListLabelled(ctx, l.labels, l.query, start, want)
	return start, rows, err
}

// stands says that a cursor's contact has the label of the value in the cursor still.
func (l *labelList) stands(own *store.LabelRow, from *chat.Position) bool {
	if own == nil {
		return false
	}
	now, ok := l.place(&own.OrderValue)
	return !ok || labelOrder.Compare(now, from) == 0
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

// find gives the beginning of a page that goes on from a cursor whose contact has moved: the two between which it would
// stand. One without a text is found by its id.
func (l *labelList) find(ctx context.Context, from *chat.Position) (store.LabelStart, error) {
	if from.Text == nil {
		return store.LabelStart{Blank: true, Below: from.ID, Above: from.ID}, nil
	}
	s := &slotSearch{orderKeys: l.orderKeys, store: l.store, labels: l.labels, want: from}
	at, _, err := s.search(ctx)
	return store.LabelStart{Below: at.below.id, Above: at.above.id}, err
}
