package keyring

import (
	"context"
	"path/filepath"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// memory keeps keysets as the store does: in order, first writer wins.
type memory struct {
	mu    sync.Mutex
	rows  []chat.Keyset
	lists int
	err   error         // what ListKeysets fails with, when set
	gate  chan struct{} // when set, ListKeysets waits for it to be closed
	began chan struct{} // when set, ListKeysets sends on it first
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

func newMaster(t testing.TB) tink.AEADWithContext {
	t.Helper()
	master, err := OpenMasterKey(t.Context(), localFile+filepath.Join(t.TempDir(), "keys", "master.json"), true)
	if err != nil {
		t.Fatal(err)
	}
	return master
}

func newKeyring(t testing.TB, sets Keysets, opts ...Option) *Keyring {
	t.Helper()
	k, err := New(newMaster(t), "local-file:///test", sets, opts...)
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
