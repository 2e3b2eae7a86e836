package keyring

import (
	"bytes"
	"sync"
	"sync/atomic"
)

// subjectCache keeps an account's unwrapped subject keys, so that a page of one contact's messages
// unwraps once. It goes away with its Account, which bounds how long a key stays in memory.
type subjectCache struct {
	budget *budget
	mu     sync.Mutex
	kept   *lru[int64, subjectEntry]
	closed bool
}

// subjectEntry is a hit only for the very bytes it was unwrapped from, bound to the same contact: a row
// that has been changed since must be unwrapped, and fail, like any other.
type subjectEntry struct {
	contactID int64
	wrapped   []byte
	subject   *Subject
}

// budget is how many subject keys all accounts together may keep.
type budget struct {
	limit int64
	used  atomic.Int64
}

func newSubjectCache(b *budget) *subjectCache {
	return &subjectCache{budget: b, kept: newLRU[int64, subjectEntry]()}
}

func (c *subjectCache) find(contactID, subjectKeyID int64, wrapped []byte) (*Subject, bool) {
	c.mu.Lock()
	e, ok := c.kept.get(subjectKeyID)
	c.mu.Unlock()
	if !ok || e.contactID != contactID || !bytes.Equal(e.wrapped, wrapped) {
		return nil, false
	}
	return e.subject, true
}

// keep adds a subject key. Over budget an account gives up its own oldest key, never another account's:
// one busy account must not be able to make the others slow.
func (c *subjectCache) keep(contactID int64, wrapped []byte, s *Subject) {
	e := subjectEntry{contactID: contactID, wrapped: bytes.Clone(wrapped), subject: s}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.closed {
		return
	}
	before := c.kept.len()
	c.kept.put(s.id, e)
	if c.kept.len() > before && c.budget.used.Add(1) > c.budget.limit {
		if _, ok := c.kept.removeOldest(); ok {
			c.budget.used.Add(-1)
		}
	}
}

// close empties the cache and gives its share of the budget back. An Account still in use unwraps each
// time from then on.
func (c *subjectCache) close() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.closed = true
	c.budget.used.Add(-int64(c.kept.len()))
	c.kept = newLRU[int64, subjectEntry]()
}
