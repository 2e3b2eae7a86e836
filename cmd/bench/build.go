package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"

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

// builder fills a database.
type builder struct {
	*dataset
	db        *pgx.Conn
	store     *store.Store
	generator *generator
	indexes   []string // definitions of those that were dropped for loading
}

// build makes the tables, fills them, seals them with the product's own code and empties the plain columns.
func (d *dataset) build(ctx context.Context, redisURL string) error {
	b := &builder{dataset: d, generator: newGenerator(d.size, d.accountID)}
	var err error
	if b.db, err = pgx.Connect(ctx, d.url); err != nil {
		return fmt.Errorf("connect to the new database: %w", err)
	}
	defer b.db.Close(ctx)
	if b.store, err = store.Open(ctx, d.url); err != nil {
		return err
	}
	defer b.store.Close()
	steps := []struct {
		what string
		do   func(context.Context) error
	}{
		{"making the tables", b.schema},
		{"writing " + d.name + " data", b.rows},
		{"preparing the sealing", func(ctx context.Context) error { return b.run(ctx, "ANALYZE") }},
		{"sealing", func(ctx context.Context) error { return b.seal(ctx, redisURL) }},
		{"emptying the plain columns", b.blank},
		{"making the indexes", b.restoreIndexes},
		{"vacuuming", b.vacuum},
	}
	for _, s := range steps {
		if err := step(s.what, func() error { return s.do(ctx) }); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) run(ctx context.Context, statements ...string) error {
	for _, sql := range statements {
		if _, err := b.db.Exec(ctx, sql); err != nil {
			return fmt.Errorf("run %.60s: %w", sql, err)
		}
	}
	return nil
}

func (b *builder) schema(ctx context.Context) error {
	if err := b.store.RunScript(ctx, schema.Baseline); err != nil {
		return err
	}
	if err := b.store.Migrate(ctx, migrations.Files, func(store.Migration) {}); err != nil {
		return err
	}
	return b.run(ctx, `CREATE EXTENSION IF NOT EXISTS pg_stat_statements`)
}

// rows loads everything. The indexes of messages are made afterwards, but for the one by which they are sealed.
func (b *builder) rows(ctx context.Context) error {
	g := b.generator
	if err := b.dropIndexes(ctx); err != nil {
		return err
	}
	if err := b.copy(ctx, g.people()...); err != nil {
		return err
	}
	g.plan()
	lines := g.lines()
	if err := b.copy(ctx, append(g.customers(g.lastActivity()), g.conversationTable())...); err != nil {
		return err
	}
	messages := newTable("messages", messageColumns)
	n, err := b.db.CopyFrom(ctx, pgx.Identifier{messages.name}, messages.columns,
		pgx.CopyFromSlice(len(lines), func(i int) ([]any, error) { return g.message(int64(i+1), lines[i]), nil }))
	if err != nil || n != int64(len(lines)) {
		return fmt.Errorf("write messages, %d of %d: %w", n, len(lines), err)
	}
	return b.settings(ctx)
}

func (b *builder) copy(ctx context.Context, tables ...*table) error {
	for _, t := range tables {
		if _, err := b.db.CopyFrom(ctx, pgx.Identifier{t.name}, t.columns, pgx.CopyFromRows(t.rows)); err != nil {
			return fmt.Errorf("write %s: %w", t.name, err)
		}
	}
	return nil
}

// settings switches masking on for the account and exempts its agents: they see everything, and a decision is taken
// about every value all the same.
func (b *builder) settings(ctx context.Context) error {
	_, err := b.db.Exec(ctx, `INSERT INTO cloakroom.account_flags (account_id, name, enabled) VALUES ($1, $2, true)`,
		b.accountID, "contact_pii_masking")
	if err != nil {
		return fmt.Errorf("switch masking on: %w", err)
	}
	return b.run(ctx, `INSERT INTO cloakroom.agent_masking (user_id, masked, version, set_by) SELECT id, false, 1, 1 FROM users`)
}

func (b *builder) seal(ctx context.Context, redisURL string) error {
	master, err := keyring.OpenMasterKey(ctx, b.masterKey, true)
	if err != nil {
		return err
	}
	keys, err := keyring.New(master, b.store, keyring.WithFollower(keyring.OpenMasterKey))
	if err != nil {
		return err
	}
	address, err := redis.ParseURL(redisURL)
	if err != nil {
		return fmt.Errorf("read TEST_REDIS_URL: %w", err)
	}
	client := redis.NewClient(address)
	defer func() { _ = client.Close() }() // sealing publishes to it and keeps nothing there
	log := slog.New(slog.DiscardHandler)
	v := vault.New(b.store, keys, client, events.New(client, log), log, prometheus.NewRegistry())
	var done vault.Sealing
	err = v.SealAccount(ctx, b.accountID, func(s vault.Sealing) {
		if s.Kind != done.Kind {
			fmt.Fprintf(os.Stderr, "%s, ", s.Kind)
		}
		done = s
	})
	if err != nil {
		return err
	}
	for _, d := range chat.Datasets {
		if err := v.SetPhase(ctx, b.accountID, d, chat.SealedOnly); err != nil {
			return err
		}
	}
	return nil
}

// blank takes away what Chatwoot would no longer hold.
func (b *builder) blank(ctx context.Context) error {
	return b.run(ctx,
		`UPDATE contacts t SET email = NULL, phone_number = NULL, additional_attributes = '{}', custom_attributes = '{}',
		 name = CASE WHEN s.name_sealed IS NULL THEN t.name ELSE '' END FROM cloakroom.contacts s WHERE s.contact_id = t.id`,
		`UPDATE contact_inboxes SET source_id = gen_random_uuid()::text`,
		`UPDATE messages SET content = NULL`,
		`VACUUM FULL messages`, `VACUUM FULL contacts`, `VACUUM FULL contact_inboxes`)
}

func (b *builder) vacuum(ctx context.Context) error {
	return b.run(ctx, `VACUUM ANALYZE`, `CHECKPOINT`)
}

func (b *builder) dropIndexes(ctx context.Context) error {
	rows, err := b.db.Query(ctx, `SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = current_schema() AND tablename = 'messages'
 AND indexname NOT IN ('messages_pkey', 'index_messages_on_conversation_id')`)
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	type index struct{ Name, Definition string }
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[index])
	if err != nil {
		return fmt.Errorf("list indexes: %w", err)
	}
	for _, i := range list {
		b.indexes = append(b.indexes, i.Definition)
		if err := b.run(ctx, `DROP INDEX `+pgx.Identifier{i.Name}.Sanitize()); err != nil {
			return err
		}
	}
	return nil
}

func (b *builder) restoreIndexes(ctx context.Context) error { return b.run(ctx, b.indexes...) }
