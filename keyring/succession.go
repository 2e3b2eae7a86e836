package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// link is a master key that is trusted: the configured one, or one that the link before it named.
type link struct {
	master MasterKey
	record []byte // what the link before sealed; nothing for the configured one
}

// head is the master key that wraps now.
func (k *Keyring) head() MasterKey {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.chain[len(k.chain)-1].master
}

// MasterURI names the master key that new keysets are wrapped under, without credentials.
func (k *Keyring) MasterURI() string { return k.head().URI() }

// masterOf gives the master key of that name, or the configured one and false when the chain does not know the name.
func (k *Keyring) masterOf(uri string) (master MasterKey, known bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, l := range k.chain {
		if l.master.URI() == uri {
			return l.master, true
		}
	}
	return k.chain[0].master, false
}

// remember notes a name under which the configured master key has wrapped: what it opens, it wrapped.
func (k *Keyring) remember(formerName string) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.former == nil {
		k.former = make(map[string]bool)
	}
	k.former[formerName] = true
}

func (k *Keyring) wasCalled(uri string) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.former[uri]
}

// meet follows the chain when one of the names is not in it yet.
func (k *Keyring) meet(ctx context.Context, uris ...string) error {
	for _, uri := range uris {
		if _, known := k.masterOf(uri); !known {
			return k.Follow(ctx)
		}
	}
	return nil
}

// successionContext binds a record to the two keys it names, each behind its length as u32. No keyset is wrapped with
// such a context, so a record never opens as one.
func successionContext(master, successor string) []byte {
	return appendPrefixed(appendPrefixed(appendPrefixed(nil, "succession of master keys"), master), successor)
}

// successionNote is what a record holds, wrapped by the successor: it shows that the key is the one that was there when
// it was named, and not only a key of the same name.
const successionNote = "succeeds"

// Succeed opens the master key of that URI, made when it is not there, tries it, and gives the record by which the
// present one names it as its successor. Nothing is stored, and nothing is wrapped by it before Follow meets the record.
func (k *Keyring) Succeed(ctx context.Context, uri string) (chat.Succession, error) {
	if err := k.Follow(ctx); err != nil {
		return chat.Succession{}, err
	}
	if k.follower == nil {
		return chat.Succession{}, errNoFollower
	}
	successor, err := k.follower(ctx, uri, true)
	if err != nil {
		return chat.Succession{}, fmt.Errorf("open the new master key: %w", err)
	}
	head := k.head()
	s := chat.Succession{MasterKey: head.URI(), Successor: successor.URI()}
	if _, known := k.masterOf(s.Successor); known {
		return s, chat.Errorf(chat.Conflict, "master key %s is in the chain already: name one that was never used", s.Successor)
	}
	if err := k.tryMaster(ctx, successor); err != nil {
		return s, err
	}
	aad := successionContext(s.MasterKey, s.Successor)
	note, err := successor.EncryptWithContext(ctx, []byte(successionNote), aad)
	if err != nil {
		return s, fmt.Errorf("seal the succession: %w", err)
	}
	if s.Sealed, err = head.EncryptWithContext(ctx, note, aad); err != nil {
		return s, fmt.Errorf("seal the succession: %w", err)
	}
	return s, nil
}

// tryMaster refuses a key that does not open what it wrapped, or that opens it for another place: there are clients of
// key services that leave the associated data out without a word.
func (k *Keyring) tryMaster(ctx context.Context, master MasterKey) error {
	probe := []byte(rand.Text())
	wrapped, err := master.EncryptWithContext(ctx, probe, []byte("here"))
	if err != nil {
		return fmt.Errorf("try the new master key: %w", err)
	}
	w := &witness{MasterKey: master, keyring: k}
	got, err := w.DecryptWithContext(ctx, wrapped, []byte("here"))
	if err != nil {
		return fmt.Errorf("try the new master key: %w", err)
	}
	if !bytes.Equal(got, probe) {
		return fmt.Errorf("try the new master key: %q opened something else than it wrapped: use another key", master.URI())
	}
	switch _, err = w.DecryptWithContext(ctx, wrapped, []byte("there")); {
	case err == nil:
		return fmt.Errorf("try the new master key: %q does not bind what it wraps to its place (associated data), so rows could be exchanged: "+
			"use a key of a sort that does", master.URI())
	case errors.Is(err, ErrRefused):
		return nil
	default:
		return fmt.Errorf("try the new master key: %w", err)
	}
}

var errNoFollower = errors.New("this program was not told how to open the master key that follows its own: " +
	"set MASTER_KEY to the new one")

// Follow reads the successions and opens the chain of master keys from the configured one to the one that wraps now.
// The error names the key that cannot be opened, or says what is wrong with the chain; the chain known before stays.
func (k *Keyring) Follow(ctx context.Context) error {
	records, err := k.sets.ListSuccessions(ctx)
	if err != nil {
		return fmt.Errorf("list the successions of master keys: %w", err)
	}
	next := make(map[string]chat.Succession, len(records))
	for _, s := range records {
		if other, forked := next[s.MasterKey]; forked {
			return fmt.Errorf("master key %q has two successors, %q and %q: delete the one from cloakroom.master_keys that was not meant",
				s.MasterKey, other.Successor, s.Successor)
		}
		next[s.MasterKey] = s
	}
	k.mu.Lock()
	chain := k.chain[:1:1]
	known := k.chain
	k.mu.Unlock()
	for {
		last := chain[len(chain)-1].master
		s, follows := next[last.URI()]
		if !follows {
			break
		}
		for _, l := range chain {
			if l.master.URI() == s.Successor {
				return fmt.Errorf("the chain of master keys runs in a circle: %q is to succeed %q, which came after it", s.Successor, s.MasterKey)
			}
		}
		master, err := k.successor(ctx, last, s, known)
		if err != nil {
			return err
		}
		chain = append(chain, link{master: master, record: s.Sealed})
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	if len(chain) > len(k.chain) { // it only grows: a reading that began before another one knows less
		k.chain = chain
	}
	return nil
}

// successor gives the key that a record names, once the key before it has said that this is its record.
func (k *Keyring) successor(ctx context.Context, before MasterKey, s chat.Succession, known []link) (MasterKey, error) {
	for _, l := range known[1:] {
		if l.master.URI() == s.Successor && bytes.Equal(l.record, s.Sealed) {
			return l.master, nil
		}
	}
	if k.follower == nil {
		return nil, fmt.Errorf("follow master key %q to %q: %w", s.MasterKey, s.Successor, errNoFollower)
	}
	aad := successionContext(s.MasterKey, s.Successor)
	note, err := (&witness{MasterKey: before, keyring: k}).DecryptWithContext(ctx, s.Sealed, aad)
	if err != nil {
		return nil, fmt.Errorf("the record that names %q the successor of master key %q does not open, so it may be forged: %w", s.Successor, s.MasterKey, err)
	}
	master, err := k.follower(ctx, s.Successor, false)
	if err != nil {
		return nil, fmt.Errorf("open master key %q, the successor of %q: %w", s.Successor, s.MasterKey, err)
	}
	if master.URI() != s.Successor {
		return nil, fmt.Errorf("open master key %q, the successor of %q: another one was opened, %q", s.Successor, s.MasterKey, master.URI())
	}
	got, err := (&witness{MasterKey: master, keyring: k}).DecryptWithContext(ctx, note, aad)
	if err != nil {
		return nil, fmt.Errorf("master key %q is not the key that %q named its successor: %w", s.Successor, s.MasterKey, err)
	}
	if string(got) != successionNote {
		return nil, fmt.Errorf("the record that names %q the successor of master key %q holds something else", s.Successor, s.MasterKey)
	}
	return master, nil
}
