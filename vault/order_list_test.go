package vault

import (
	"math/rand/v2"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
)

// TestPagesOfAListAreThePlainOnes turns pages both ways, under a filter and without.
func TestPagesOfAListAreThePlainOnes(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	strangeContacts(r, 60)
	no := false
	for _, order := range sealedOrders {
		for _, filter := range []chat.ContactFilter{{}, {Blocked: &no}} {
			want := placeIDs(plainOrder(r, chat.ContactQuery{Order: order, Filter: filter}))
			for _, limit := range []int{50, len(want) - 1, len(want)} {
				for _, backward := range []bool{false, true} {
					got := r.turn(chat.ContactQuery{Order: order, Filter: filter, Page: chat.Page{Limit: limit, Backward: backward}}, r.ordered)
					if diff := cmp.Diff(want, got); diff != "" {
						t.Errorf("%v in pages of %d, backward %v (-plain +paged):\n%s", order, limit, backward, diff)
					}
				}
			}
		}
	}
}

// turn turns the pages of a list from its end, with cursors as they come back from a client, and gives all ids in the
// list's order.
func (r *replica) turn(q chat.ContactQuery, read func(chat.ContactQuery) []*chat.Position) (ids []int64) {
	r.t.Helper()
	for {
		places, info := chat.Slice(read(q), q.Page, func(p *chat.Position) *chat.Position { return p })
		edge, more := info.End, info.HasNextPage
		if q.Page.Backward {
			ids, edge, more = append(placeIDs(places), ids...), info.Start, info.HasPreviousPage
		} else {
			ids = append(ids, placeIDs(places)...)
		}
		if !more {
			return ids
		}
		q.Page.From = r.cursor(q.Order.Field, edge)
	}
}

// cursor is a place with its text.
func (r *replica) cursor(f chat.ContactOrderField, at *chat.Position) *chat.Position {
	r.t.Helper()
	whole := *at
	whole.Text = withTexts(r, f, []*chat.Position{at})[0].Text
	return &whole
}

// TestOrderListCodec: what was written is read, and nothing else.
func TestOrderListCodec(t *testing.T) {
	t.Parallel()
	for _, l := range []orderList{{ids: []int64{}}, {ids: []int64{5}, texts: 1}, {ids: []int64{7, 1, 1 << 40, 3, 9}, texts: 3}} {
		b := l.encode()
		got, err := decodeOrderList(b)
		if err != nil || !slices.Equal(got.ids, l.ids) || got.texts != l.texts {
			t.Errorf("%v: %v, %v", l, got, err)
		}
		for i := range b {
			if _, err := decodeOrderList(b[:i]); err == nil {
				t.Errorf("%v: read from %d bytes of %d", l, i, len(b))
			}
		}
		if _, err := decodeOrderList(append(b, 0)); err == nil {
			t.Errorf("%v: read with a byte more", l)
		}
	}
	for range 10_000 {
		b := make([]byte, rand.IntN(30))
		for i := range b {
			b[i] = byte(rand.IntN(256))
		}
		if len(b) > 0 {
			b[0] = orderCodec
		}
		if l, err := decodeOrderList(b); err == nil && (l.texts > len(l.ids) || len(l.ids) > len(b)) {
			t.Errorf("%x gives %v", b, l)
		}
	}
}
