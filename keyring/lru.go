package keyring

import "container/list"

// lru keeps what was used last. It does not lock: its owner does.
type lru[K comparable, V any] struct {
	order list.List // of *entry[K, V], last used in front
	items map[K]*list.Element
}

type entry[K comparable, V any] struct {
	key   K
	value V
}

func newLRU[K comparable, V any]() *lru[K, V] {
	return &lru[K, V]{items: map[K]*list.Element{}}
}

func (l *lru[K, V]) len() int { return len(l.items) }

// get finds a value and marks it as used.
func (l *lru[K, V]) get(key K) (value V, ok bool) {
	e, ok := l.items[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*entry[K, V]).value, true
}

// peek finds a value and leaves its place in the order.
func (l *lru[K, V]) peek(key K) (value V, ok bool) {
	e, ok := l.items[key]
	if !ok {
		return value, false
	}
	return e.Value.(*entry[K, V]).value, true
}

// each calls visit for every value.
func (l *lru[K, V]) each(visit func(V)) {
	for _, e := range l.items {
		visit(e.Value.(*entry[K, V]).value)
	}
}

// put keeps a value, in place of an older one of the same key.
func (l *lru[K, V]) put(key K, value V) {
	if e, ok := l.items[key]; ok {
		e.Value.(*entry[K, V]).value = value
		l.order.MoveToFront(e)
		return
	}
	l.items[key] = l.order.PushFront(&entry[K, V]{key, value})
}

// remove takes a value out, if it is there.
func (l *lru[K, V]) remove(key K) (value V, ok bool) {
	e, ok := l.items[key]
	if !ok {
		return value, false
	}
	l.order.Remove(e)
	delete(l.items, key)
	return e.Value.(*entry[K, V]).value, true
}

// removeOldest takes out what has been unused for longest.
func (l *lru[K, V]) removeOldest() (value V, ok bool) {
	e := l.order.Back()
	if e == nil {
		return value, false
	}
	return l.remove(e.Value.(*entry[K, V]).key)
}
