package vault

import (
	"bytes"
	"context"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// forget empties what a process keeps.
func (o *orders) forget() {
	o.mu.Lock()
	defer o.mu.Unlock()
	for o.used.Len() > 0 {
		o.drop(o.used.Back())
	}
}

// forgetLists forgets every list, in memory and in Redis.
func (r *replica) forgetLists() {
	r.t.Helper()
	r.orders.forget()
	for key := range r.cachedOrders() {
		if err := r.client.Del(r.t.Context(), key).Err(); err != nil {
			r.t.Fatal(err)
		}
	}
}

// cachedOrders gives the lists that Redis holds of the account, by key.
func (r *replica) cachedOrders() map[string]string {
	r.t.Helper()
	r.Settle()
	found := make(map[string]string)
	for _, o := range sealedOrders {
		key := orderCacheKey(orderKey{account: schema.Acme, field: o.Field}, r.account(schema.Acme).Settings.CacheEpoch)
		if value, err := r.client.Get(r.t.Context(), key).Result(); err == nil {
			found[key] = value
		}
	}
	return found
}

// TestASecondPageOpensNothing: a list is made once for a state of the contacts, by one of all who ask for it at once, and
// in one of all replicas.
func TestASecondPageOpensNothing(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	other := newReplica(t, r.store, nil)
	q := chat.ContactQuery{Order: addressOrders[0], Page: chat.Page{Limit: 10}, Sealed: true}
	account := r.account(schema.Acme)
	for _, v := range []*replica{r, other} {
		if _, err := v.keys.Account(t.Context(), schema.Acme); err != nil {
			t.Fatal(err)
		}
	}
	ctx, count := store.WithCount(t.Context())
	var group sync.WaitGroup
	pages := make([][]*chat.Position, 8)
	for i := range pages {
		group.Go(func() {
			var err error
			if pages[i], err = r.OrderContacts(ctx, account, q); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if n := count.Statements.Load(); n != int64(len(pages))+1 {
		t.Errorf("%d requests at once took %d statements", len(pages), n)
	}
	r.Settle()
	cursor := r.cursor(chat.ContactsByEmail, pages[0][9])
	for name, v := range map[string]*replica{"the same replica": r, "another": other} {
		next := q
		next.Page.From = cursor
		ctx, count := store.WithCount(t.Context())
		ctx, trips := WithTrips(ctx)
		places, err := v.OrderContacts(ctx, account, next)
		if err != nil || places[0].ID != pages[0][10].ID {
			t.Fatalf("%s: %v", name, err)
		}
		if want := map[bool]int64{true: 1}[v == other]; count.Statements.Load() != 1 || trips.Load() != want {
			t.Errorf("%s: %d statements, %d trips to Redis", name, count.Statements.Load(), trips.Load())
		}
	}
}

// TestAChangeIsSeenAtOnce by a replica that was told nothing: the contact's place is the new one, and a cursor at the
// former one goes on from there.
func TestAChangeIsSeenAtOnce(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	other := newReplica(t, r.store, nil)
	for _, order := range addressOrders[:2] {
		q := chat.ContactQuery{Order: order, Page: all}
		before := other.ordered(q)
		cursor := r.cursor(order.Field, before[20])
		for name, email := range map[string]*chat.PII{"moved": to("zzz@" + strings.ToLower(string(order.Direction)) + ".example"), "taken away": nil} {
			if err := r.PutContact(t.Context(), r.account(schema.Acme), cursor.ID, ContactChange{chat.FieldEmail: email}); err != nil {
				t.Fatal(err)
			}
			after := other.ordered(q)
			if diff := cmp.Diff(placeIDs(plainOrderNow(r, after, order)), placeIDs(after)); diff != "" {
				t.Errorf("%s (-sorted +listed):\n%s", name, diff)
			}
			if after[20].ID == cursor.ID {
				t.Errorf("%s: the contact stands where it stood", name)
			}
			next := chat.ContactQuery{Order: order, Page: chat.Page{Limit: 5, From: cursor}}
			if got := other.ordered(next); got[0].ID != before[21].ID || got[3].ID != before[24].ID {
				t.Errorf("%s: %v comes next, want %v", name, placeIDs(got), placeIDs(before[21:27]))
			}
			next.Page.Backward = true
			if got := other.ordered(next); got[0].ID != before[19].ID || got[3].ID != before[16].ID {
				t.Errorf("%s: %v comes before, want %v", name, placeIDs(got), placeIDs(before[15:20]))
			}
		}
		gone := r.cursor(order.Field, before[30])
		storetest.Exec(t, r.store, `DELETE FROM contacts WHERE id = $1`, gone.ID)
		if got := other.ordered(q); slices.Contains(placeIDs(got), gone.ID) {
			t.Error("a contact that is gone is listed")
		}
		if got := other.ordered(chat.ContactQuery{Order: order, Page: chat.Page{Limit: 2, From: gone}}); got[0].ID != before[31].ID {
			t.Errorf("contact %d follows one that is gone, want %d", got[0].ID, before[31].ID)
		}
	}
}

// plainOrderNow sorts places by the values that the contacts show.
func plainOrderNow(r *replica, places []*chat.Position, order chat.ContactOrder) []*chat.Position {
	sorted := withTexts(r, order.Field, places)
	slices.SortFunc(sorted, order.Compare)
	return sorted
}

// TestAListInRedisSaysNothing: it holds no value, and opens as what it is and nothing else.
func TestAListInRedisSaysNothing(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	places := r.ordered(chat.ContactQuery{Order: addressOrders[0], Page: all})
	lists := r.cachedOrders()
	if len(lists) != 1 {
		t.Fatalf("%d lists", len(lists))
	}
	account := r.account(schema.Acme)
	state, err := r.store.ReadContactsState(t.Context(), schema.Acme, maxOrdered)
	if err != nil {
		t.Fatal(err)
	}
	right := orderKey{schema.Acme, chat.ContactsByEmail, state.State}
	keysOf := func(id int64) (keys interface {
		OpenCursor(context []byte, sealed []byte) ([]byte, error)
	}) {
		keys, err := r.keys.Account(t.Context(), id)
		if err != nil {
			t.Fatal(err)
		}
		return keys
	}
	for name, sealed := range lists {
		if strings.Contains(sealed, "@") && strings.Contains(sealed, ".example") || bytes.Contains([]byte(sealed), newOrderList(places).encode()[:20]) {
			t.Error("a list is in clear")
		}
		if _, err := keysOf(schema.Acme).OpenCursor(orderContext(right), []byte(sealed)); err != nil {
			t.Fatal(err)
		}
		if _, err := keysOf(schema.Borealis).OpenCursor(orderContext(right), []byte(sealed)); err == nil {
			t.Error("a list opens in another account")
		}
		for _, wrong := range []orderKey{{schema.Acme, chat.ContactsByPhone, state.State}, {schema.Acme, chat.ContactsByEmail, state.State + "1"}} {
			to := orderCacheKey(wrong, account.Settings.CacheEpoch)
			if err := r.client.Copy(t.Context(), name, to, 0, true).Err(); err != nil && to != name {
				t.Fatal(err)
			}
			keys, err := r.keys.Account(t.Context(), schema.Acme)
			if err != nil {
				t.Fatal(err)
			}
			if _, found := r.cache.getOrder(context.WithoutCancel(t.Context()), keys, account.Settings.CacheEpoch, wrong); found {
				t.Errorf("the list opens as that of %v", wrong)
			}
		}
	}
}

// TestListsAreBounded: memory is kept to its bound, and of one order only the last state.
func TestListsAreBounded(t *testing.T) {
	t.Parallel()
	var o orders
	ids := make([]int64, maxOrdered)
	for n := range 3 * orderMemory / (8 * maxOrdered) {
		for _, state := range []string{"a", "b"} {
			key := orderKey{int64(n), chat.ContactsByEmail, state}
			if _, err := o.get(t.Context(), key, func() (*orderList, bool, error) { return &orderList{ids: ids}, true, nil }); err != nil {
				t.Fatal(err)
			}
		}
		if _, kept := o.lists[orderKey{int64(n), chat.ContactsByEmail, "a"}]; kept || o.size > orderMemory || o.used.Len() != len(o.lists) {
			t.Fatalf("%d bytes in %d lists, the former state kept: %v", o.size, o.used.Len(), kept)
		}
	}
}

// TestWhoeverGaveUpDoesNotFailOthers: the next one makes the list.
func TestWhoeverGaveUpDoesNotFailOthers(t *testing.T) {
	t.Parallel()
	var o orders
	key := orderKey{1, chat.ContactsByEmail, "a"}
	begun, waits := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		_, err := o.get(t.Context(), key, func() (*orderList, bool, error) {
			close(begun)
			<-waits
			return nil, false, context.Canceled
		})
		if err == nil {
			t.Error("who gave up has a list")
		}
	})
	<-begun
	group.Go(func() {
		l, err := o.get(t.Context(), key, func() (*orderList, bool, error) { return &orderList{}, true, nil })
		if err != nil || l == nil {
			t.Errorf("who waited: %v", err)
		}
	})
	close(waits)
	group.Wait()
}
