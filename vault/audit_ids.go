package vault

import (
	"context"
	"sync"

	"github.com/cloakroom/cloakroom/store"
)

// reservedIDs is how many ids of entries are reserved at a time. What is left when the process ends is a hole.
const reservedIDs = 100

// entryIDs are ids that this process has reserved. An entry's id is bound into its details, so it is known before the entry
// is written; asking for each would be a round trip more for each.
type entryIDs struct {
	mu   sync.Mutex
	left []int64
}

// take gives an id that nobody else has. Nothing is locked while more are reserved: whoever waited would keep a connection
// meanwhile, which the one that reserves may need.
func (e *entryIDs) take(ctx context.Context, tx *store.Store) (int64, error) {
	if id, ok := e.next(nil); ok {
		return id, nil
	}
	more, err := tx.ReserveAuditIDs(ctx, reservedIDs)
	if err != nil {
		return 0, err
	}
	id, _ := e.next(more)
	return id, nil
}

func (e *entryIDs) next(more []int64) (id int64, ok bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.left = append(e.left, more...)
	if len(e.left) == 0 {
		return 0, false
	}
	id, e.left = e.left[0], e.left[1:]
	return id, true
}
