package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// The twin is what a store without sealing would do with the same rows, in the same database: a tsvector with its GIN,
// trigrams, B-trees. Its statements bring the columns that the product's bring.

// twinTables are filled before anything is sealed.
var twinTables = []string{
	`CREATE SCHEMA twin`,
	`SET maintenance_work_mem = '512MB'`,
	`CREATE TABLE twin.messages AS SELECT m.*, to_tsvector('simple', m.content) AS words FROM public.messages m ORDER BY m.id`,
	`CREATE TABLE twin.contacts AS SELECT c.* FROM public.contacts c ORDER BY c.id`,
}

// twinIndexes name what each index is for; the names are those of the table of sizes.
var twinIndexes = []string{
	`CREATE UNIQUE INDEX messages_by_id ON twin.messages (account_id, id)`,
	`CREATE INDEX messages_by_word ON twin.messages USING gin (words)`,
	`CREATE INDEX messages_by_time ON twin.messages (account_id, created_at, id)`,
	`CREATE UNIQUE INDEX contacts_by_id ON twin.contacts (account_id, id)`,
	`CREATE INDEX contacts_by_part ON twin.contacts USING gin (name gin_trgm_ops, email gin_trgm_ops, phone_number gin_trgm_ops, identifier gin_trgm_ops,
 (additional_attributes ->> 'company_name') gin_trgm_ops)`,
	`CREATE INDEX contacts_by_email ON twin.contacts (account_id, lower(email) COLLATE "C", id)`,
	`CREATE INDEX contacts_by_segment ON twin.contacts (account_id, lower(custom_attributes ->> '` + segmentKey + `'), id)`,
	`CREATE INDEX contacts_by_activity ON twin.contacts (account_id, last_activity_at DESC NULLS LAST, id DESC)`,
}

func (b *searchBench) makeTwin(ctx context.Context) error {
	if err := b.run(ctx, twinTables...); err != nil {
		return err
	}
	for _, sql := range twinIndexes {
		began := time.Now()
		if err := b.run(ctx, sql); err != nil {
			return err
		}
		if strings.Contains(sql, "USING gin") {
			name := strings.Fields(strings.TrimPrefix(strings.TrimPrefix(sql, "CREATE UNIQUE INDEX "), "CREATE INDEX "))[0]
			rows := b.data.messages
			if strings.HasPrefix(name, "contacts") {
				rows = b.data.contacts
			}
			b.speeds = append(b.speeds, speed{"the twin's GIN twin." + name, int64(rows), time.Since(began)})
		}
	}
	return nil
}

// twin asks the plaintext copies, over a pool as the product has one.
type twin struct {
	pool      *pgxpool.Pool
	accountID int64
}

func openTwin(ctx context.Context, url string, accountID int64) (*twin, error) {
	pool, err := pgxpool.New(ctx, url)
	if err != nil {
		return nil, fmt.Errorf("open a pool for the twin: %w", err)
	}
	return &twin{pool: pool, accountID: accountID}, nil
}

// way is one of the ways to run a statement. Which is best depends on the data: every question is asked in each of them
// first, and the quickest is what the product is held against.
type way struct {
	name string
	sql  string
	mode pgx.QueryExecMode
}

// ways are a statement with its match fenced off and left to the planner, each with plans that are kept and plans that are
// made for the values at hand.
func ways(fenced, free string) []way {
	list := []way{{"free, kept plan", free, pgx.QueryExecModeCacheStatement}, {"free, own plan", free, pgx.QueryExecModeCacheDescribe}}
	if fenced != "" {
		list = append(list, way{"fenced, kept plan", fenced, pgx.QueryExecModeCacheStatement}, way{"fenced, own plan", fenced, pgx.QueryExecModeCacheDescribe})
	}
	return list
}

const twinMessageColumns = `m.id::int8, m.conversation_id::int8, m.message_type, m.content_type, m.status, m.private, m.sender_type, m.sender_id, m.created_at,
 m.content, m.content_attributes::text, u.id::int8, COALESCE(NULLIF(u.display_name, ''), u.name), u.email, a.id::int8, a.name`

const twinSenders = ` LEFT JOIN users u ON m.sender_type = 'User' AND u.id = m.sender_id
 LEFT JOIN agent_bots a ON m.sender_type = 'AgentBot' AND a.id = m.sender_id`

const twinVisible = ` AND m.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = $2)`

// messageWays find the newest messages that match. $1 is the account, $2 the agent, $3 the query, $4 the page.
func messageWays(query string) []way {
	match := ` WHERE m.account_id = $1 AND m.words @@ ` + query + `('simple', $3)` + twinVisible
	return ways(
		`WITH c AS MATERIALIZED (SELECT m.id, m.created_at FROM twin.messages m`+match+`),
 p AS MATERIALIZED (SELECT c.id, c.created_at FROM c ORDER BY c.created_at DESC, c.id DESC LIMIT $4)
 SELECT `+twinMessageColumns+` FROM p JOIN twin.messages m ON m.account_id = $1 AND m.id = p.id`+twinSenders+` ORDER BY p.created_at DESC, p.id DESC`,
		`SELECT `+twinMessageColumns+` FROM (SELECT m.* FROM twin.messages m`+match+` ORDER BY m.created_at DESC, m.id DESC LIMIT $4) m`+twinSenders+
			` ORDER BY m.created_at DESC, m.id DESC`)
}

// twinMessage is a row of such a page.
type twinMessage struct {
	ID, ConversationID       int64
	MessageType, ContentType int
	Status                   *int
	Private                  bool
	SenderType               *string
	SenderID                 *int64
	CreatedAt                time.Time
	Content, Attributes      *string
	UserID                   *int64
	UserName, UserEmail      *string
	BotID                    *int64
	BotName                  *string
}

const twinContactColumns = `ct.id::int8, ct.name, ct.blocked, ct.last_activity_at, ct.created_at, ct.email, ct.phone_number, ct.identifier`

type twinContact struct {
	ID                       int64
	Name                     *string
	Blocked                  bool
	LastActivityAt           *time.Time
	CreatedAt                time.Time
	Email, Phone, Identifier *string
}

func (t *twin) messages(ctx context.Context, w way, args ...any) ([]int64, error) {
	rows, err := twinRows[twinMessage](ctx, t, w, args)
	return idsOf(rows, func(m twinMessage) int64 { return m.ID }), err
}

func (t *twin) contacts(ctx context.Context, w way, args ...any) ([]int64, error) {
	rows, err := twinRows[twinContact](ctx, t, w, args)
	return idsOf(rows, func(c twinContact) int64 { return c.ID }), err
}

func twinRows[T any](ctx context.Context, t *twin, w way, args []any) ([]T, error) {
	rows, err := t.pool.Query(ctx, w.sql, append([]any{w.mode}, args...)...)
	if err != nil {
		return nil, fmt.Errorf("ask the twin: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[T])
	if err != nil {
		return nil, fmt.Errorf("ask the twin: %w", err)
	}
	return list, nil
}

func idsOf[T any](rows []T, id func(T) int64) []int64 {
	ids := make([]int64, len(rows))
	for i, r := range rows {
		ids[i] = id(r)
	}
	return ids
}

// cut leaves the page of rows that were read one over it: whoever shows a page tells whether there is more.
func cut(page int) func([]int64, error) ([]int64, error) {
	return func(ids []int64, err error) ([]int64, error) { return ids[:min(len(ids), page)], err }
}
