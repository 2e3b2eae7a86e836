// Package vault is the room of the encrypted store: whatever is sealed or audited goes through it, and it alone
// turns a record into values and values into a record.
// Ids and viewers' changes come in from the edge, records from store and from the sealed Redis cache, keys from
// keyring.
// What leaves are rows whose values open one by one where they are shown; what never leaves is a plaintext into
// Redis, a log, a metric or an error.
package vault

import (
	"context"
	"log/slog"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/provider"
	"github.com/cloakroom/cloakroom/store"
)

// Vault reads and writes sealed records and the audit trail.
type Vault struct {
	store   *store.Store
	keys    *keyring.Keyring
	cache   *cache
	budgets *budgets
	bus     *events.Bus
	log     *slog.Logger
	metrics *metrics

	failures recent[failure]  // records that did not open and are on record
	unopened recent[int64]    // credentials that did not open and are on record
	refusals recent[int64]    // users whose refused look-ups are on record
	overdue  recent[struct{}] // keys whose rotation is overdue are in the log

	entryIDs entryIDs
	tries    tries

	orders orders // of contacts, as last read
	runs   runs   // of inserts into orders that the database keeps
	builds builds // of such orders

	turns    turns
	attendee attendee // this process among those that hold keys

	// Schedule is what Tend goes by; to be set before.
	Schedule Schedule

	refreshes  refreshes // of third parties' tokens under way
	spoolDir   string
	spoolAfter time.Duration

	// SearchTime is how long a search goes on before it gives what it has; to be set before.
	SearchTime time.Duration

	// AuditLog is who signs the audit trail's checkpoints and where they go; to be set before.
	AuditLog AuditLog

	// Providers are the third parties whose tokens can be refreshed, none when nil; to be set before.
	Providers *provider.Providers

	checkpoint func(committed bool) // nil but in tests: called right before and right after every transaction of a job
}

// New makes a vault. Metrics are registered with registry.
func New(s *store.Store, keys *keyring.Keyring, client redis.UniversalClient, bus *events.Bus, log *slog.Logger, registry prometheus.Registerer) *Vault {
	m := newMetrics(registry)
	records := newCache(client, log, m)
	v := &Vault{store: s, keys: keys, cache: records, budgets: newBudgets(client, log, &records.quiet), bus: bus, log: log, metrics: m, SearchTime: searchTime, spoolAfter: spoolAfter}
	registry.MustRegister(keyMetrics{v}, auditMetrics{v}, tokenMetrics{v})
	return v
}

// Settle waits until what was read has reached the cache and what was asked of providers is kept, and puts on record what
// is counted: for a clean stop, and for tests.
func (v *Vault) Settle() {
	v.refreshes.running.Wait()
	v.cache.fills.Wait()
	v.closeWindows()
}

type metrics struct {
	unreadable *prometheus.CounterVec
	cache      *prometheus.CounterVec
	budget     *prometheus.CounterVec
	searched   *prometheus.CounterVec
	refreshes  *prometheus.CounterVec
}

func newMetrics(registry prometheus.Registerer) *metrics {
	m := &metrics{
		unreadable: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cloakroom_sealed_unreadable_total", Help: "Sealed values that did not open, by field."}, []string{"field"}),
		cache: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cloakroom_cache_records_total", Help: "Sealed records asked of Redis, by outcome: hit, miss, error."}, []string{"outcome"}),
		budget: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cloakroom_budget_total", Help: "Requests and look-ups held against a budget (cost, lookup), by outcome: granted, refused, unknown."},
			[]string{"budget", "outcome"}),
		searched: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cloakroom_searched_messages_total", Help: "Messages opened by searches, by what gave them (tokens, patterns, scan) and outcome: verified, missed, hidden, unreadable."},
			[]string{"by", "outcome"}),
		refreshes: prometheus.NewCounterVec(prometheus.CounterOpts{
			Name: "cloakroom_vault_refreshes_total", Help: "Refreshes of third parties' tokens, by provider and outcome: REFRESHED, SUPERSEDED, SPOOLED, LOST, or the failure."},
			[]string{"provider", "outcome"}),
	}
	registry.MustRegister(m.unreadable, m.cache, m.budget, m.searched, m.refreshes)
	return m
}

// failureQuiet is how long one record that does not open is not put on record again: a broken page that is
// polled must not fill the audit trail.
const failureQuiet = 10 * time.Minute

// unreadable counts a value that did not open, puts it on record, and gives the error the field shows.
func (v *Vault) unreadable(ctx context.Context, accountID int64, key chat.RecordKey, f chat.Field, cause error) error {
	v.metrics.unreadable.WithLabelValues(fieldNames[f]).Inc()
	v.log.ErrorContext(ctx, "a sealed value did not open", "account", accountID, "record", recordNames[key.Kind], "id", key.ID,
		"field", fieldNames[f], "cause", cause.Error())
	if v.failures.first(failure{accountID, key}, failureQuiet, time.Now()) {
		v.recordFailure(ctx, accountID, key, f)
	}
	return chat.ErrUnreadable
}

type failure struct {
	accountID int64
	key       chat.RecordKey
}

// recent remembers what was put on record for as long as it is not put there again.
type recent[K comparable] struct {
	mu   sync.Mutex
	last map[K]time.Time
}

// maxRecent bounds what is remembered: when there is more than that, some of it is on record twice.
const maxRecent = 10_000

// first says that something was not met within the time for which it is quiet.
func (r *recent[K]) first(k K, quiet time.Duration, now time.Time) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	if last, seen := r.last[k]; seen && now.Sub(last) <= quiet {
		return false
	}
	if r.last == nil || len(r.last) >= maxRecent {
		r.last = make(map[K]time.Time)
	}
	r.last[k] = now
	return true
}

func (v *Vault) recordFailure(ctx context.Context, accountID int64, key chat.RecordKey, f chat.Field) {
	entry := chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: chat.SealedUnreadableHit,
		EntityType: recordNames[key.Kind], EntityID: chat.FormatID(key.ID), Details: map[string]any{"field": fieldNames[f]}}
	if err := v.Record(ctx, entry); err != nil {
		v.log.ErrorContext(ctx, "a sealed value that did not open is not on record", "error", store.Redact(err))
	}
}

// The names of records and fields in logs, metrics and the audit trail.
var recordNames = map[chat.RecordKind]string{
	chat.ContactRecord: "contact", chat.ContactAttributesRecord: "contact_attributes", chat.ContactInboxRecord: "contact_inbox",
	chat.ConversationRecord: "conversation", chat.MessageRecord: "message", chat.AttachmentRecord: "attachment", chat.NoteRecord: "note",
}

var fieldNames = map[chat.Field]string{
	chat.FieldEmail: "email", chat.FieldPhone: "phone_number", chat.FieldIdentifier: "identifier", chat.FieldName: "name",
	chat.FieldProfile: "profile", chat.FieldCustomAttributes: "custom_attributes", chat.FieldSourceID: "source_id",
	chat.FieldContent: "content", chat.FieldContentAttributes: "content_attributes",
	chat.FieldAdditionalAttributes: "additional_attributes", chat.FieldTitle: "title", chat.FieldMeta: "meta", chat.FieldFileName: "file_name",
}

// CheckKeys says whether the installation's keys can be had.
func (v *Vault) CheckKeys(ctx context.Context) error {
	_, err := v.keys.Account(ctx, 0)
	return err
}
