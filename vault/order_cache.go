package vault

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"strconv"
	"sync"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
)

// orderMemory bounds the lists that a process keeps, in bytes: some sixty of the longest.
const orderMemory = 10 << 20

// orderKey names a list: whose contacts, by what, and in which state.
type orderKey struct {
	account int64
	field   chat.ContactOrderField
	state   string
}

// orders keeps lists in memory, those last used, and has one made by one request while others wait for it.
type orders struct {
	mu    sync.Mutex
	lists map[orderKey]*list.Element // of keptOrder
	used  list.List
	size  int
	under map[orderKey]*making
}

type keptOrder struct {
	key  orderKey
	list *orderList
}

// making is a list that is being made.
type making struct {
	done chan struct{}
	list *orderList
	err  error
}

// get gives a list, which make makes where nobody has: keep is false for one that is good for this time only. Whoever
// waits for a request that gave up makes it in its stead.
func (o *orders) get(ctx context.Context, key orderKey, make func() (l *orderList, keep bool, err error)) (*orderList, error) {
	for {
		l, m, mine := o.find(key)
		switch {
		case l != nil:
			return l, nil
		case mine:
			return o.make(key, m, make)
		}
		select {
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-m.done:
		}
		if !errors.Is(m.err, context.Canceled) && !errors.Is(m.err, context.DeadlineExceeded) {
			return m.list, m.err
		}
	}
}

func (o *orders) find(key orderKey) (l *orderList, m *making, mine bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	if e, kept := o.lists[key]; kept {
		o.used.MoveToFront(e)
		return e.Value.(*keptOrder).list, nil, false
	}
	if m, under := o.under[key]; under {
		return nil, m, false
	}
	if o.under == nil {
		o.under, o.lists = make(map[orderKey]*making), make(map[orderKey]*list.Element)
	}
	m = &making{done: make(chan struct{}), err: errors.New("whoever made an order list did not end")}
	o.under[key] = m
	return nil, m, true
}

func (o *orders) make(key orderKey, m *making, make func() (*orderList, bool, error)) (l *orderList, err error) {
	keep := false
	defer func() { // also after a panic
		o.mu.Lock()
		defer o.mu.Unlock()
		if delete(o.under, key); keep {
			o.keep(key, m.list)
		}
		close(m.done)
	}()
	m.list, keep, m.err = make()
	keep = keep && m.err == nil
	return m.list, m.err
}

// keep puts a list in front, and drops what was used longest ago, beginning with the same order in another state.
func (o *orders) keep(key orderKey, l *orderList) {
	for e := o.used.Front(); e != nil; {
		next := e.Next()
		if k := e.Value.(*keptOrder).key; k.account == key.account && k.field == key.field {
			o.drop(e)
		}
		e = next
	}
	o.lists[key] = o.used.PushFront(&keptOrder{key, l})
	for o.size += l.size(); o.size > orderMemory && o.used.Len() > 1; {
		o.drop(o.used.Back())
	}
}

func (o *orders) drop(e *list.Element) {
	kept := o.used.Remove(e).(*keptOrder)
	delete(o.lists, kept.key)
	o.size -= kept.list.size()
}

// orderContext binds a list that lies in Redis to its field and state; the keyset binds it to the account.
func orderContext(key orderKey) []byte {
	return []byte("order list/" + string(key.field) + "/" + key.state)
}

func orderCacheKey(key orderKey, epoch int64) string {
	return "cloakroom:order:{" + strconv.FormatInt(key.account, 10) + "}:" + strconv.FormatInt(epoch, 10) + ":" + string(key.field)
}

// getOrder asks Redis for a list; one of another state, account or field does not open. A Redis that does not answer is a
// miss.
func (c *cache) getOrder(ctx context.Context, keys *keyring.Account, epoch int64, key orderKey) (*orderList, bool) {
	if c.quiet.muted() {
		return nil, false
	}
	countTrip(ctx)
	ctx, cancel := context.WithTimeout(ctx, c.deadline)
	defer cancel()
	sealed, err := c.redis.Get(ctx, orderCacheKey(key, epoch)).Bytes()
	if errors.Is(err, redis.Nil) {
		return nil, false
	}
	if err != nil {
		c.failed(ctx, err)
		return nil, false
	}
	plain, err := keys.OpenCursor(orderContext(key), sealed)
	if err != nil {
		return nil, false
	}
	l, err := decodeOrderList(plain)
	return l, err == nil
}

// fillOrder keeps a list in Redis, after the answer, in place of the one of another state.
func (c *cache) fillOrder(keys *keyring.Account, epoch int64, key orderKey, l *orderList) error {
	sealed, err := keys.SealCursor(orderContext(key), l.encode())
	if err != nil {
		return fmt.Errorf("seal an order of the contacts of account %d: %w", key.account, err)
	}
	if c.quiet.muted() {
		return nil
	}
	select {
	case c.slots <- struct{}{}:
	default:
		return nil
	}
	c.fills.Go(func() {
		defer func() { <-c.slots }()
		ctx, cancel := context.WithTimeout(context.Background(), c.deadline)
		defer cancel()
		if err := c.redis.Set(ctx, orderCacheKey(key, epoch), sealed, cacheTTL()).Err(); err != nil {
			c.failed(ctx, err)
		}
	})
	return nil
}
