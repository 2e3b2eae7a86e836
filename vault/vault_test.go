package vault

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// masterKey is the URI of a key that lives as long as the test process.
var masterKey string

// sealedDemo is the demo with account 1 sealed. Its plain columns are still there, to compare with.
var sealedDemo = storetest.Derived{Build: func(ctx context.Context, s *store.Store) error {
	v, client, err := assemble(s, nil, slog.New(slog.DiscardHandler), prometheus.NewRegistry())
	if err != nil {
		return err
	}
	defer func() { _ = client.Close() }()
	if err := v.SealAccount(ctx, schema.Acme, func(Sealing) {}); err != nil {
		return err
	}
	for _, d := range chat.Datasets {
		if err := v.SetPhase(ctx, schema.Acme, d, chat.SealedOnly); err != nil {
			return err
		}
	}
	return nil
}}

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	redis.SetLogger(silence{}) // some tests have a Redis that does not answer
	folder, err := os.MkdirTemp("", "cloakroom-vault-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer func() { _ = os.RemoveAll(folder) }()
	masterKey = "local-file://" + filepath.Join(folder, "master.key")
	code := m.Run()
	if err := sealedDemo.Drop(); err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return code
}

type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}

func assemble(s *store.Store, client *redis.Client, log *slog.Logger, registry *prometheus.Registry) (*Vault, *redis.Client, error) {
	if client == nil {
		options, err := redis.ParseURL(os.Getenv("TEST_REDIS_URL"))
		if err != nil {
			return nil, nil, fmt.Errorf("run the tests with make test, or set TEST_REDIS_URL")
		}
		client = redis.NewClient(options)
	}
	master, err := keyring.OpenMasterKey(context.Background(), masterKey, true)
	if err != nil {
		return nil, nil, err
	}
	keys, err := keyring.New(master, s, keyring.WithFollower(keyring.OpenMasterKey))
	if err != nil {
		return nil, nil, err
	}
	return New(s, keys, client, events.New(client, log), log, registry), client, nil
}

// replica is a vault with what a test looks at.
type replica struct {
	*Vault
	t        testing.TB
	client   *redis.Client
	registry *prometheus.Registry
	journal  *journal
	master   string // the URI of its master key, where that is not the one of all tests
}

// newReplica puts a vault on a database; a client of nil is the tests' Redis.
func newReplica(t testing.TB, s *store.Store, client *redis.Client) *replica {
	t.Helper()
	r := &replica{t: t, registry: prometheus.NewRegistry(), journal: new(journal)}
	var err error
	if r.Vault, r.client, err = assemble(s, client, slog.New(slog.NewJSONHandler(r.journal, nil)), r.registry); err != nil {
		t.Fatal(err)
	}
	r.cache.deadline, r.budgets.deadline = 10*time.Second, 10*time.Second // a busy machine is no outage, and these tests load whole accounts at once
	t.Cleanup(func() { r.Settle(); _ = r.client.Close() })
	return r
}

// newSealed gives a replica on a sealed demo of its own. All tests share one Redis: the epoch keeps them apart.
func newSealed(t testing.TB) *replica {
	t.Helper()
	s := sealedDemo.Clone(t)
	setEpoch(t, s)
	return newReplica(t, s, nil)
}

// setEpoch gives the accounts of a database an epoch that no other test has.
func setEpoch(t testing.TB, s *store.Store) {
	t.Helper()
	storetest.Exec(t, s, `UPDATE cloakroom.accounts SET cache_epoch = $1`, 1_000_000+rand.Int64N(1<<50))
}

// account reads an account as the next request would.
func (r *replica) account(id int64) *chat.Account {
	r.t.Helper()
	a, err := r.findAccount(r.t.Context(), id)
	if err != nil {
		r.t.Fatal(err)
	}
	return a
}

// plainly is an account as if nothing of it were sealed.
func plainly(a *chat.Account) *chat.Account {
	c := *a
	c.Settings.Phases = map[chat.Dataset]chat.Phase{chat.Contacts: chat.Off, chat.Messages: chat.Off, chat.Attributes: chat.Off}
	return &c
}

// contacts loads contacts with all their values.
func (r *replica) contacts(account *chat.Account, ids ...int64) []*chat.Contact {
	r.t.Helper()
	list := make([]*chat.Contact, len(ids))
	for i, id := range ids {
		list[i] = &chat.Contact{ID: id, AccountID: account.ID}
	}
	if err := r.Load(r.t.Context(), account, Rows{Contacts: list, ContactAttributes: list}); err != nil {
		r.t.Fatal(err)
	}
	return list
}

// email gives a contact's address as the next request would show it.
func (r *replica) email(id int64) string {
	r.t.Helper()
	return show(r.contacts(r.account(schema.Acme), id)[0].Email())
}

// show makes a value comparable.
func show(p *chat.PII, err error) string {
	switch {
	case err != nil:
		return "error: " + err.Error()
	case p == nil:
		return "none"
	default:
		return p.Reveal()
	}
}

// counted reads a counter, summed over what its labels leave open.
func (r *replica) counted(name, label string) (n float64) {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		for _, m := range f.GetMetric() {
			if f.GetName() == name && (label == "" || m.GetLabel()[0].GetValue() == label) {
				n += m.GetCounter().GetValue()
			}
		}
	}
	return n
}

const unreadableCounter, cacheCounter = "cloakroom_sealed_unreadable_total", "cloakroom_cache_records_total"

// audited counts the entries of an action.
func (r *replica) audited(action chat.Action) int {
	r.t.Helper()
	return int(storetest.Value[int64](r.t, r.store, `SELECT count(*) FROM cloakroom.audit_entries WHERE action = $1`, string(action)))
}

// cached gives what Redis holds of an account under an epoch, by key.
func (r *replica) cached(account *chat.Account) map[string]string {
	r.t.Helper()
	r.Settle()
	found := make(map[string]string)
	keys := r.client.Scan(r.t.Context(), 0, fmt.Sprintf("cloakroom:{%d}:%d:*", account.ID, account.Settings.CacheEpoch), 10_000).Iterator()
	for keys.Next(r.t.Context()) {
		value, err := r.client.Get(r.t.Context(), keys.Val()).Result()
		if err != nil {
			r.t.Fatal(err)
		}
		found[keys.Val()] = value
	}
	if err := keys.Err(); err != nil {
		r.t.Fatal(err)
	}
	return found
}

// journal is a log that several goroutines write.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(b []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(b)
}

func (j *journal) has(text string) bool {
	j.mu.Lock()
	defer j.mu.Unlock()
	return strings.Contains(j.text.String(), text)
}
