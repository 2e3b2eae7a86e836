package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// searchBench is one run: the sealed account and its plaintext twin in one database, and the product's own code over it.
type searchBench struct {
	options options
	data    *searchData
	url     string
	db      *pgx.Conn
	store   *store.Store
	master  keyring.MasterKey
	vault   *vault.Vault
	redis   *redis.Client
	account *chat.Account // with its settings as they are now
	small   *chat.Account
	twin    *twin
	indexes []string // definitions of Chatwoot's that were dropped for loading
	close   []func()

	// What the report tells.
	figures textFigures
	often   []int // in how many messages each word is, by rank
	speeds  []speed
	asked   []*question
	weights []weight
	server  string
	written []written

	newcomers atomic.Int64 // contacts that were made up for writing
}

// speed is how fast rows were made.
type speed struct {
	what string
	rows int64
	took time.Duration
}

func (b *searchBench) open(ctx context.Context, url, masterKey string) error {
	b.url = url
	var err error
	if b.db, err = pgx.Connect(ctx, url); err != nil {
		return fmt.Errorf("connect to the new database: %w", err)
	}
	b.close = append(b.close, func() { b.db.Close(context.WithoutCancel(ctx)) })
	if b.store, err = store.Open(ctx, url); err != nil {
		return err
	}
	b.close = append(b.close, b.store.Close)
	address, err := redis.ParseURL(b.options.redis)
	if err != nil {
		return fmt.Errorf("read TEST_REDIS_URL: %w", err)
	}
	b.redis = redis.NewClient(address)
	b.close = append(b.close, func() { _ = b.redis.Close() }) // what it holds runs out by itself
	if err := b.schema(ctx); err != nil {
		return err
	}
	if b.master, err = keyring.OpenMasterKey(ctx, masterKey, true); err != nil {
		return err
	}
	if b.vault, err = b.newVault(); err != nil {
		return err
	}
	b.close = append(b.close, b.vault.Settle)
	return nil
}

// newVault is a vault that remembers nothing.
func (b *searchBench) newVault() (*vault.Vault, error) {
	keys, err := keyring.New(b.master, b.store, keyring.WithFollower(keyring.OpenMasterKey))
	if err != nil {
		return nil, err
	}
	log := slog.New(slog.NewTextHandler(os.Stderr, &slog.HandlerOptions{Level: slog.LevelWarn}))
	return vault.New(b.store, keys, b.redis, events.New(b.redis, log), log, prometheus.NewRegistry()), nil
}

func (b *searchBench) shut() {
	for i := len(b.close) - 1; i >= 0; i-- {
		b.close[i]()
	}
}

func (b *searchBench) schema(ctx context.Context) error {
	if err := b.store.RunScript(ctx, schema.Baseline); err != nil {
		return err
	}
	return b.store.Migrate(ctx, migrations.Files, func(store.Migration) {})
}

func (b *searchBench) run(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := b.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("run %.60s: %w", sql, err)
		}
	}
	return nil
}

// build fills the account, copies it for the twin, seals it, and takes the plain values away.
func (b *searchBench) build(ctx context.Context) error {
	for _, s := range []struct {
		what string
		rows int
		do   func(context.Context) error
	}{
		{"writing the rows", 0, b.rows},
		{"copying them for the twin", 0, b.makeTwin},
		{"sealing", b.data.messages + b.data.contacts + smallContacts + b.data.conversations(), b.seal},
		{"emptying the plain columns", 0, b.blank},
		{"making Chatwoot's indexes", 0, func(ctx context.Context) error { return b.run(ctx, b.indexes...) }},
	} {
		if err := b.timed(s.what, int64(s.rows), func() error { return s.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

// timed is step that remembers how long it took, where rows are counted.
func (b *searchBench) timed(what string, rows int64, do func() error) error {
	began := time.Now()
	err := step(what, do)
	if rows > 0 {
		b.speeds = append(b.speeds, speed{what, rows, time.Since(began)})
	}
	return err
}

// rows loads the account. Indexes of Chatwoot's that sealing does not need are made afterwards.
func (b *searchBench) rows(ctx context.Context) error {
	if err := b.dropIndexes(ctx); err != nil {
		return err
	}
	d := b.data
	people := newGenerator(size{}, d.accountID).people()
	people[0].add(d.smallID(), "Small", d.began, d.began)
	for _, t := range people {
		if err := b.copy(ctx, t.name, t.columns, len(t.rows), func(i int) []any { return t.rows[i] }); err != nil {
			return err
		}
	}
	contacts, conversations := newTable("contacts", searchContactColumns), newTable("conversations", searchConversationColumns)
	messages := newTable("messages", messageColumns)
	definitions := newTable("custom_attribute_definitions", "account_id attribute_display_name attribute_key attribute_display_type attribute_model created_at updated_at")
	definition := []any{d.accountID, "Segment", segmentKey, 0, 1, d.began, d.began}
	for _, t := range []struct {
		*table
		n   int
		row func(i int) []any
	}{
		{definitions, 1, func(int) []any { return definition }},
		{contacts, d.contacts + smallContacts, d.contactRow},
		{conversations, d.conversations(), func(i int) []any { return d.conversationRow(int64(i + 1)) }},
		{messages, d.messages, d.messageRow},
	} {
		if err := b.copy(ctx, t.name, t.columns, t.n, t.row); err != nil {
			return err
		}
	}
	return b.run(ctx, `CREATE INDEX index_messages_on_conversation_id ON messages (conversation_id)`, `ANALYZE`,
		`SELECT setval('contacts_id_seq', (SELECT max(id) FROM contacts))`)
}

func (b *searchBench) copy(ctx context.Context, name string, columns []string, n int, row func(i int) []any) error {
	wrote, err := b.db.CopyFrom(ctx, pgx.Identifier{name}, columns, pgx.CopyFromSlice(n, func(i int) ([]any, error) { return row(i), nil }))
	if err != nil || wrote != int64(n) {
		return fmt.Errorf("write %s, %d of %d: %w", name, wrote, n, err)
	}
	return nil
}

func (b *searchBench) dropIndexes(ctx context.Context) error {
	rows, err := b.db.Query(ctx, `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema()
 AND tablename IN ('messages', 'contacts', 'conversations') AND indexname NOT LIKE '%_pkey'`)
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	type index struct{ Name, Definition string }
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	for _, i := range list {
		if i.Name != "index_messages_on_conversation_id" { // by which they are sealed
			b.indexes = append(b.indexes, i.Definition)
		}
		if err := b.run(ctx, `DROP INDEX `+pgx.Identifier{i.Name}.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}

// seal seals without tokens: those are made by the job, whose speed is a figure of its own.
func (b *searchBench) seal(ctx context.Context) error {
	for _, account := range []int64{b.data.accountID, b.data.smallID()} {
		if err := b.store.SetSearchMode(ctx, account, chat.SearchByScan); err != nil {
			return err
		}
	}
	if err := b.vault.SealAccount(ctx, b.data.accountID, func(vault.Sealing) {}); err != nil {
		return err
	}
	if err := b.vault.SealAccount(ctx, b.data.smallID(), func(vault.Sealing) {}); err != nil {
		return err
	}
	for _, account := range []int64{b.data.accountID, b.data.smallID()} {
		for _, d := range chat.Datasets {
			if err := b.vault.SetPhase(ctx, account, d, chat.SealedOnly); err != nil {
				return err
			}
		}
	}
	return nil
}

// blank takes away what Chatwoot would no longer hold.
func (b *searchBench) blank(ctx context.Context) error {
	return b.run(ctx,
		`UPDATE contacts t SET email = NULL, phone_number = NULL, identifier = NULL, additional_attributes = '{}', custom_attributes = '{}',
		 name = CASE WHEN s.name_sealed IS NULL THEN t.name ELSE '' END FROM cloakroom.contacts s WHERE s.contact_id = t.id`,
		`UPDATE messages SET content = NULL`, `VACUUM FULL messages`, `VACUUM FULL contacts`)
}
