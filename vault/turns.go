package vault

import (
	"context"
	"slices"
	"sync"
)

// turns tells those that began before a moment from those that began after it, so that a change of keys can wait for
// whoever may still hold the old ones.
type turns struct {
	mu   sync.Mutex
	now  *turn   // that is entered at present
	past []*turn // over for entering; some of theirs may be inside
}

// turn is what entered between two moments.
type turn struct {
	inside int
	over   bool // nobody enters it any more
	empty  chan struct{}
}

// Enter marks that a request, or a batch of a job, is under way; leave says that it has ended. Keys must be taken after
// entering, and none may be used after leaving.
func (v *Vault) Enter() (leave func()) { return v.turns.enter() }

func (t *turns) enter() (leave func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == nil {
		t.now = &turn{empty: make(chan struct{})}
	}
	mine := t.now
	mine.inside++
	return sync.OnceFunc(func() {
		t.mu.Lock()
		defer t.mu.Unlock()
		mine.inside--
		mine.close()
	})
}

func (t *turn) close() {
	if t.over && t.inside == 0 {
		close(t.empty)
	}
}

// pass waits until everybody has left who entered before it was called; whoever enters later is not waited for. When it
// is given up, those it waited for are waited for by the next.
func (t *turns) pass(ctx context.Context) error {
	t.mu.Lock()
	if t.now != nil {
		t.now.over = true
		t.now.close()
		t.past, t.now = append(t.past, t.now), nil
	}
	waiting := slices.Clone(t.past)
	t.mu.Unlock()
	for _, before := range waiting {
		select {
		case <-before.empty:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.past = slices.DeleteFunc(t.past, func(p *turn) bool { return p.inside == 0 })
	return nil
}
