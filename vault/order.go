package vault

import (
	"context"
	"fmt"
	"hash/fnv"
	"reflect"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	maxOrdered    = 20_000 // contacts that one request opens to put them in order
	orderReports  = 100    // values that one order puts on record when they do not open: what a page could show
	orderInterval = 1024   // contacts between two looks at whether anybody still waits
	orderProbes   = 15     // values opened at a time to find a place in a list
)

var errTooMany = &chat.Error{Code: chat.Limited, Field: "orderBy.field", Message: "this account has too many contacts to be ordered by it"}

// OrderContacts gives the places that a page of contacts reads, as a store would: up to one over the limit, and in reverse
// where the page is read backwards. The order is by a sealed value. The list of the whole account is made once for a state
// of its contacts, by opening every value; what is kept of it, here and sealed in Redis, are ids. Of an account with over
// 20,000 contacts those that pass the filter are opened each time, and chat.Limited says that these are too many as well.
// A contact without a value comes last, and so does one whose value does not open.
//
// A place holds no text, unless it had to be opened: see chat.ContactOrderField.TextOf.
func (v *Vault) OrderContacts(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]*chat.Position, error) {
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, err
	}
	o := &ordering{reader: r, orderKeys: orderKeys{r.account, q.Order.Field}, query: q}
	state, err := v.store.ReadContactsState(ctx, account.ID, maxOrdered+1)
	if err != nil {
		return nil, err
	}
	if state.Count > maxOrdered {
		return o.filtered()
	}
	key := orderKey{account.ID, q.Order.Field, state.State}
	l, err := v.orders.get(ctx, key, func() (*orderList, bool, error) { return o.make(key, account.Settings.CacheEpoch) })
	if err != nil {
		return nil, err
	}
	return o.page(l, orderMark(state.State))
}

// orderMark tells in a cursor from which list it is.
func orderMark(state string) int64 {
	h := fnv.New64a()
	_, _ = h.Write([]byte(state)) // a hash never fails
	return int64(h.Sum64() >> 1)
}

// ordering puts contacts in order for one request.
type ordering struct {
	*reader
	orderKeys
	query    chat.ContactQuery
	unopened int
}

// make gives the list of all contacts of the account, in ascending order: from Redis, or by opening all. One in which
// something did not open is not kept, because that may pass.
func (o *ordering) make(key orderKey, epoch int64) (l *orderList, keep bool, err error) {
	if l, found := o.vault.cache.getOrder(o.ctx, o.reader.account, epoch, key); found {
		return l, true, nil
	}
	places, err := o.places(chat.ContactQuery{Order: chat.ContactOrder{Field: o.field, Direction: chat.Ascending}, Sealed: true})
	if err != nil {
		return nil, false, err
	}
	if l = newOrderList(places); o.unopened > 0 {
		return l, false, nil
	}
	return l, true, o.vault.cache.fillOrder(o.reader.account, epoch, key, l)
}

// places opens what the contacts that pass a filter are ordered by, and sorts them.
func (o *ordering) places(q chat.ContactQuery) ([]*chat.Position, error) {
	rows, err := o.vault.store.ListOrderValues(o.ctx, o.id, q, maxOrdered+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxOrdered {
		return nil, errTooMany
	}
	places := make([]*chat.Position, len(rows))
	for i := range rows {
		if i%orderInterval == 0 && o.ctx.Err() != nil {
			return nil, fmt.Errorf("order the contacts of account %d: %w", o.id, o.ctx.Err())
		}
		places[i] = o.at(&rows[i])
	}
	slices.SortFunc(places, q.Order.Compare)
	return places, nil
}

func (o *ordering) at(row *store.OrderValue) *chat.Position {
	text, err := o.text(row)
	if err != nil {
		o.failed(row.ContactID, err)
	}
	return &chat.Position{ID: row.ContactID, Text: text}
}

// failed counts a value that did not open. Only so many go on record: an account whose every row is broken must not
// write thousands of entries for one page.
func (o *ordering) failed(contactID int64, cause error) {
	field, _ := o.field.Source()
	if o.unopened++; o.unopened > orderReports {
		o.vault.metrics.unreadable.WithLabelValues(fieldNames[field]).Inc()
		return
	}
	_ = o.vault.unreadable(o.ctx, o.id, chat.RecordKey{Kind: chat.ContactRecord, ID: contactID}, field, cause) // a last place shows no error
}

// filtered is a page of a large account, of which only what passes the filter is put in order.
func (o *ordering) filtered() ([]*chat.Position, error) {
	places, err := o.places(o.query)
	if err != nil {
		return nil, err
	}
	page, at, there := o.query.Page, 0, false
	if page.From != nil {
		at, there = slices.BinarySearchFunc(places, page.From, o.query.Order.Compare)
	} else if page.Backward {
		at = len(places)
	}
	return stretch(places, page, at, there), nil
}

// page is a page of a list that is known.
func (o *ordering) page(l *orderList, mark int64) ([]*chat.Position, error) {
	if o.query.Order.Direction == chat.Descending {
		l = l.reverse()
	}
	page, at, there := o.query.Page, 0, false
	var err error
	if page.From != nil {
		at, there, err = o.find(l, page.From, mark)
	} else if page.Backward {
		at = len(l.ids)
	}
	if err != nil {
		return nil, err
	}
	ids := l.ids
	if len(o.query.Where) > 0 || !reflect.ValueOf(o.query.Filter).IsZero() {
		if ids, at, there, err = o.passing(l, at, there); err != nil {
			return nil, err
		}
	}
	read := stretch(ids, page, at, there)
	places := make([]*chat.Position, len(read))
	for i, id := range read {
		places[i] = &chat.Position{ID: id, Int: &mark}
	}
	return places, nil
}

// passing leaves of a list what passes the filter, and moves the place to begin at along.
func (o *ordering) passing(l *orderList, at int, there bool) (ids []int64, begin int, same bool, err error) {
	list, err := o.vault.store.PassingContacts(o.ctx, o.id, o.query)
	if err != nil {
		return nil, 0, false, err
	}
	passing := make(map[int64]bool, len(list))
	for _, id := range list {
		passing[id] = true
	}
	for i, id := range l.ids {
		if i == at {
			begin = len(ids)
			same = there && passing[id]
		}
		if passing[id] {
			ids = append(ids, id)
		}
	}
	if at >= len(l.ids) {
		begin = len(ids)
	}
	return ids, begin, same, nil
}

// stretch gives what a page reads of a list from a place, which is where it starts or, there being such a contact, that
// contact: one over the limit, and in reverse where the page is read backwards.
func stretch[T any](list []T, page chat.Page, at int, there bool) []T {
	if !page.Backward {
		if there {
			at++
		}
		return list[at:min(at+page.Read(), len(list))]
	}
	read := slices.Clone(list[max(0, at-page.Read()):at])
	slices.Reverse(read)
	return read
}

// find gives the place of a cursor in a list; there says that its contact stands at it still. A cursor of this very list
// opens nothing, any other the value of its contact; where that has changed, or the contact is gone, its former place is
// found by opening a few.
func (o *ordering) find(l *orderList, from *chat.Position, mark int64) (at int, there bool, err error) {
	at = slices.Index(l.ids, from.ID)
	if at >= 0 && from.Int != nil && *from.Int == mark {
		return at, true, nil
	}
	if at >= 0 {
		now, err := o.probe([]int64{from.ID})
		if err != nil {
			return 0, false, err
		}
		if p, ok := now[from.ID]; !ok || o.query.Order.Compare(p, from) == 0 {
			return at, true, nil
		}
	}
	low, high := 0, l.texts
	if from.Text == nil { // ids stand for themselves
		tail := l.ids[l.texts:]
		i, there := slices.BinarySearchFunc(tail, from.ID, func(id, target int64) int {
			return o.query.Order.Compare(&chat.Position{ID: id}, &chat.Position{ID: target})
		})
		return l.texts + i, there, nil
	}
	for low < high {
		if low, high, err = o.narrow(l, from, low, high); err != nil {
			return 0, false, err
		}
	}
	return low, false, nil
}

// narrow opens values evenly spread over a part of a list, and gives the part between those next to a place.
func (o *ordering) narrow(l *orderList, from *chat.Position, low, high int) (below, above int, err error) {
	var ids []int64
	step := max(1, (high-low)/(orderProbes+1))
	for i := low + step - 1; i < high && len(ids) < orderProbes+1; i += step {
		ids = append(ids, l.ids[i])
	}
	now, err := o.probe(ids)
	if err != nil {
		return 0, 0, err
	}
	below, above = low, high
	for i, id := range ids {
		at := low + step - 1 + i*step
		p, ok := now[id]
		switch {
		case !ok || p.Text == nil: // changed since, or unreadable: it says nothing
		case o.query.Order.Compare(p, from) < 0:
			below = max(below, at+1)
		default:
			above = min(above, at)
		}
	}
	if below > above || below == low && above == high { // values have changed under the search: this is near enough
		return below, below, nil
	}
	return below, above, nil
}

// probe opens the places of some contacts; those that do not open, or are gone, are not in the answer.
func (o *ordering) probe(ids []int64) (map[int64]*chat.Position, error) {
	rows, err := o.vault.store.OrderValuesOf(o.ctx, o.id, o.field, ids)
	if err != nil {
		return nil, err
	}
	found := make(map[int64]*chat.Position, len(rows))
	for i := range rows {
		if p, ok := o.place(&rows[i]); ok {
			found[p.ID] = p
		}
	}
	return found, nil
}
