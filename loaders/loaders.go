// Package loaders is the room of batching: what one answer asks for again and again is read once, by key.
// Ids come in from resolvers; rows come from store and get their values from vault. A parent that knows what its
// children will ask primes them, so that nothing waits; a loader is the safety net for the rest.
// A set of loaders never outlives one answer and never serves two viewers.
package loaders

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/graph-gophers/dataloader/v7"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// Key names a row of an account.
type Key struct{ Account, ID int64 }

// Set is the loaders of one answer.
type Set struct {
	store *store.Store
	vault *vault.Vault

	contacts               *loader[Key, *chat.Contact]
	contactAttributes      *loader[Key, *chat.Contact]
	contactInboxes         *loader[Key, []*chat.ContactInbox]
	contactLabels          *loader[Key, []string]
	notes                  *loader[Key, []*chat.Note]
	conversationAttributes *loader[Key, *chat.Conversation]
	contactThreads         *loader[threadsKey, *chat.ConversationConnection]
	lastMessages           *loader[Key, *chat.Message]
	displayIDs             *loader[Key, int64]
	threads                *loader[messagesKey, *chat.MessageConnection]
	attachments            *loader[Key, []*chat.Attachment]
	users                  *loader[Key, *chat.User]
	agentBots              *loader[Key, *chat.AgentBot]
	standings              *loader[int64, *chat.Standing]

	mu      sync.Mutex
	brought []Needs // see needs.go
}

// The wait before a batch that nobody primed, and its size: dataloader's own 16 ms would be most of an answer.
const (
	wait     = time.Millisecond
	capacity = 100
)

// New makes a set for one answer.
func New(s *store.Store, v *vault.Vault) *Set {
	set := &Set{store: s, vault: v}
	set.contacts = batched(byAccount(set.readContacts))
	set.contactAttributes = batched(byAccount(set.readContactAttributes))
	set.contactInboxes = batched(byAccount(set.readContactInboxes))
	set.contactLabels = batched(byAccount(set.readContactLabels))
	set.notes = batched(byAccount(set.readNotes))
	set.conversationAttributes = batched(byAccount(set.readConversationAttributes))
	set.contactThreads = batched(each(set.readContactThreads))
	set.lastMessages = batched(byAccount(set.readLastMessages))
	set.displayIDs = batched(byAccount(set.readDisplayIDs))
	set.threads = batched(each(set.readThread))
	set.attachments = batched(byAccount(set.readAttachments))
	set.users = batched(byAccount(set.readUsers))
	set.agentBots = batched(byAccount(set.readAgentBots))
	set.standings = batched(set.readStandings)
	return set
}

type setKey struct{}

// With lets For give a set in a context; it is made when it is first asked for, which many answers never do.
func With(ctx context.Context, make func() *Set) context.Context {
	return context.WithValue(ctx, setKey{}, sync.OnceValue(make))
}

// For gives the set of the answer; the executor puts one in place for each.
func For(ctx context.Context) *Set {
	set, ok := ctx.Value(setKey{}).(func() *Set)
	if !ok {
		panic("loaders.For: no set in the context; is loaders.Extension installed?")
	}
	return set()
}

// loader is a dataloader whose cache can be looked into without asking for a batch.
type loader[K comparable, V any] struct {
	*dataloader.Loader[K, V]
	cache *dataloader.InMemoryCache[K, V]
}

// primed gives what a parent has primed for a key; ok is false where a batch would have to be read.
func (l *loader[K, V]) primed(ctx context.Context, key K) (value V, ok bool) {
	thunk, ok := l.cache.Get(ctx, key)
	if !ok {
		return value, false
	}
	value, err := thunk()
	return value, err == nil
}

// batched makes a loader that matches answers to questions by key. A key that is not in the answer is the zero
// value.
func batched[K comparable, V any](read func(context.Context, []K) (map[K]V, error)) *loader[K, V] {
	cache := dataloader.NewCache[K, V]()
	batches := dataloader.NewBatchedLoader(func(ctx context.Context, keys []K) []*dataloader.Result[V] {
		found, err := read(ctx, keys)
		results := make([]*dataloader.Result[V], len(keys))
		for i, k := range keys {
			results[i] = &dataloader.Result[V]{Data: found[k], Error: err}
		}
		return results
	}, dataloader.WithCache[K, V](cache), dataloader.WithWait[K, V](wait), dataloader.WithBatchCapacity[K, V](capacity))
	return &loader[K, V]{batches, cache}
}

// byAccount reads keys account by account, as the viewer belongs to it: a row of any other account is not found.
func byAccount[V any](read func(context.Context, *chat.Account, []int64) (map[int64]V, error)) func(context.Context, []Key) (map[Key]V, error) {
	return func(ctx context.Context, keys []Key) (map[Key]V, error) {
		ids := make(map[int64][]int64)
		for _, k := range keys {
			ids[k.Account] = append(ids[k.Account], k.ID)
		}
		found := make(map[Key]V, len(keys))
		for accountID, list := range ids {
			account, err := accountOf(ctx, accountID)
			if err != nil {
				return nil, err
			}
			rows, err := read(ctx, account, list)
			if err != nil {
				return nil, err
			}
			for id, row := range rows {
				found[Key{accountID, id}] = row
			}
		}
		return found, nil
	}
}

// each reads keys that cannot be read together one by one.
func each[K comparable, V any](read func(context.Context, K) (V, error)) func(context.Context, []K) (map[K]V, error) {
	return func(ctx context.Context, keys []K) (map[K]V, error) {
		found := make(map[K]V, len(keys))
		for _, k := range keys {
			v, err := read(ctx, k)
			if err != nil {
				return nil, err
			}
			found[k] = v
		}
		return found, nil
	}
}

func accountOf(ctx context.Context, accountID int64) (*chat.Account, error) {
	account, ok := auth.Viewer(ctx).Account(accountID)
	if !ok {
		return nil, fmt.Errorf("load rows of account %d for a viewer who does not belong to it: %w", accountID, chat.ErrNotFound)
	}
	return account, nil
}
