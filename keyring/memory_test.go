package keyring

import (
	"context"
	"slices"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// memory keeps keysets as the store does: in order, first writer wins.
type memory struct {
	mu          sync.Mutex
	rows        []chat.Keyset
	epochs      []chat.Epoch
	successions []chat.Succession
	lists       int // of keysets
	epochLists  int
	follows     int
	err         error         // what reading fails with, when set
	gate        chan struct{} // when set, ListKeysets waits for it to be closed
	began       chan struct{} // when set, ListKeysets sends on it first
}

func (m *memory) ListKeysets(ctx context.Context, accountID int64) ([]chat.Keyset, error) {
	m.mu.Lock()
	m.lists++
	gate, began := m.gate, m.began
	m.mu.Unlock()
	if began != nil {
		began <- struct{}{}
	}
	if gate != nil {
		select {
		case <-gate:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.err != nil {
		return nil, m.err
	}
	sets := []chat.Keyset{}
	for _, row := range m.rows {
		if row.AccountID == accountID {
			row.Wrapped = slices.Clone(row.Wrapped)
			sets = append(sets, row)
		}
	}
	return sets, nil
}

func (m *memory) CreateKeysets(_ context.Context, sets []chat.Keyset) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, ks := range sets {
		if m.find(ks.AccountID, ks.Purpose, ks.Generation) == nil {
			m.rows = append(m.rows, ks)
		}
	}
	return nil
}

func (m *memory) ListEpochs(context.Context) ([]chat.Epoch, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.epochLists++
	return slices.Clone(m.epochs), m.err
}

func (m *memory) CreateEpoch(_ context.Context, e chat.Epoch) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, other := range m.epochs {
		if other.Number == e.Number {
			return nil
		}
	}
	m.epochs = append(m.epochs, e)
	return nil
}

func (m *memory) ListSuccessions(context.Context) ([]chat.Succession, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.follows++
	return slices.Clone(m.successions), m.err
}

func (m *memory) find(account int64, p chat.KeysetPurpose, generation int) *chat.Keyset {
	for i := range m.rows {
		if m.rows[i].AccountID == account && m.rows[i].Purpose == p && m.rows[i].Generation == generation {
			return &m.rows[i]
		}
	}
	return nil
}

// change edits rows under the lock.
func (m *memory) change(edit func(*memory)) {
	m.mu.Lock()
	defer m.mu.Unlock()
	edit(m)
}

func (m *memory) listed() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.lists
}

func newKeyring(t testing.TB, sets Keysets, opts ...Option) *Keyring {
	t.Helper()
	k, err := New(newMaster(t), sets, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func mustAccount(t testing.TB, k *Keyring, id int64) *Account {
	t.Helper()
	a, err := k.Account(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	return a
}
