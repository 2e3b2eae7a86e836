package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// keyService is a key service in this process: real keys, no network. It can be down, or be slow, and counts what it
// opens.
type keyService struct {
	mu     sync.Mutex
	keys   map[string]tink.AEAD
	clear  map[string][]byte // the same as Tink keysets, binary, in clear; for vectors
	opens  int
	looks  int           // for a key
	down   error         // what every request fails with, when set
	gate   chan struct{} // when set, opening waits for it to be closed
	began  chan struct{} // when set, opening sends on it first
	unkept bool          // forgets the associated data
}

var errDown = errors.New("the key service is down")

// change edits the service under its lock.
func (s *keyService) change(edit func(*keyService)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	edit(s)
}

func (s *keyService) opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opens
}

// names are the keys there are.
func (s *keyService) names() map[string]bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	names := map[string]bool{}
	for name := range s.keys {
		names[name] = true
	}
	return names
}

// open is what WithFollower wants.
func (s *keyService) open(_ context.Context, uri string, create bool) (MasterKey, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.looks++
	if s.down != nil {
		return nil, s.down
	}
	if s.keys[uri] == nil {
		if !create {
			return nil, fmt.Errorf("open %s: %w", uri, ErrNoKey)
		}
		if err := s.make(uri); err != nil {
			return nil, err
		}
	}
	return serviceKey{s, uri}, nil
}

func (s *keyService) make(uri string) error {
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewBinaryWriter(&b)); err != nil {
		return err
	}
	s.clear[uri] = b.Bytes()
	s.keys[uri], err = aead.New(handle)
	return err
}

// serviceKey is one key of the service.
type serviceKey struct {
	service *keyService
	uri     string
}

func (m serviceKey) URI() string { return m.uri }

func (m serviceKey) Child(ctx context.Context, name string, create bool) (MasterKey, error) {
	return m.service.open(ctx, m.uri+"-"+name, create)
}

func (m serviceKey) Destroy(context.Context) error {
	m.service.mu.Lock()
	defer m.service.mu.Unlock()
	if m.service.down != nil {
		return m.service.down
	}
	delete(m.service.keys, m.uri)
	return nil
}

// key gives the key, and the associated data as the service binds it.
func (m serviceKey) key(associatedData []byte) (tink.AEAD, []byte, error) {
	m.service.mu.Lock()
	defer m.service.mu.Unlock()
	switch {
	case m.service.down != nil:
		return nil, nil, fmt.Errorf("%s: %w", m.uri, m.service.down)
	case m.service.keys[m.uri] == nil:
		return nil, nil, fmt.Errorf("%s: %w", m.uri, ErrNoKey)
	case m.service.unkept:
		associatedData = nil
	}
	return m.service.keys[m.uri], associatedData, nil
}

func (m serviceKey) EncryptWithContext(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	key, bound, err := m.key(associatedData)
	if err != nil {
		return nil, err
	}
	return key.Encrypt(plaintext, bound)
}

func (m serviceKey) DecryptWithContext(ctx context.Context, wrapped, associatedData []byte) ([]byte, error) {
	m.service.mu.Lock()
	m.service.opens++
	gate, began := m.service.gate, m.service.began
	m.service.mu.Unlock()
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
	key, bound, err := m.key(associatedData)
	if err != nil {
		return nil, err
	}
	plaintext, err := key.Decrypt(wrapped, bound)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", m.uri, ErrRefused)
	}
	return plaintext, nil
}

const testMaster = "local-file:///test"

func newService() *keyService {
	return &keyService{keys: map[string]tink.AEAD{}, clear: map[string][]byte{}}
}

// masterOver gives an AEAD the shape of a key service's key, under that name.
func masterOver(key tink.AEAD, uri string) MasterKey {
	s := newService()
	s.keys[uri] = key
	return serviceKey{s, uri}
}

func newMaster(t testing.TB) MasterKey {
	t.Helper()
	return newService().master(t, testMaster)
}

// master opens a key of the service, made when it is not there.
func (s *keyService) master(t testing.TB, uri string) MasterKey {
	t.Helper()
	master, err := s.open(t.Context(), uri, true)
	if err != nil {
		t.Fatal(err)
	}
	return master
}

func newKey(t testing.TB) tink.AEAD {
	t.Helper()
	s := newService()
	s.master(t, testMaster)
	return s.keys[testMaster]
}
