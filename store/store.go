// Package store is the room of PostgreSQL: all SQL, rows in and out, transactions; pgx lives here and only here.
// Ids, filters and sealed bytes come in as plain Go values and as the words of package chat.
// What never leaves is a driver's error text to a client, and what never enters is a key: this room cannot open
// what it stores.
package store

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
)

// querier is what a pool and a transaction have in common.
type querier interface {
	Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error)
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
	SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults
	CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error)
	Begin(ctx context.Context) (pgx.Tx, error)
}

// Store runs SQL on a pool, or on one transaction. Whatever it writes, a unique constraint that refuses it comes out
// as chat.ErrDuplicate.
type Store struct {
	db   querier
	pool *pgxpool.Pool
	own  *pgxpool.Pool                      // for keys alone; nil in a transaction
	last *[]func(ctx context.Context) error // what a transaction does before it commits; nil outside one
}

// ownConnections read keys and say that this process lives. A request that has one of the others may wait for keys
// meanwhile; when all did, and keys were read on the same ones, nobody would go on.
const ownConnections = 2

// connectTimeout bounds the wait for a server that does not answer at start-up.
const connectTimeout = 10 * time.Second

// Open connects to url and checks that the server answers.
func Open(ctx context.Context, url string) (*Store, error) {
	config, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, errors.New("DATABASE_URL is not a PostgreSQL URL (postgres://user:password@host:port/database)")
	}
	config.ConnConfig.Tracer = tracer{}
	config.ConnConfig.RuntimeParams["application_name"] = "cloakroom"
	config.ConnConfig.ConnectTimeout = connectTimeout
	pool, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		return nil, fmt.Errorf("open a pool of PostgreSQL connections: %w", err)
	}
	if err := pool.Ping(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("reach PostgreSQL at %s:%d, database %q: %w",
			config.ConnConfig.Host, config.ConnConfig.Port, config.ConnConfig.Database, err)
	}
	config = config.Copy()
	config.MaxConns, config.MinConns, config.MinIdleConns = ownConnections, 0, 0
	own, err := pgxpool.NewWithConfig(ctx, config)
	if err != nil {
		pool.Close()
		return nil, fmt.Errorf("open a pool of PostgreSQL connections: %w", err)
	}
	return &Store{db: guarded{pool}, pool: pool, own: own}, nil
}

// Close waits for running statements and closes all connections.
func (s *Store) Close() {
	s.pool.Close()
	s.own.Close()
}

// forKeys is the store on connections that nobody else can take; in a transaction it is the transaction.
func (s *Store) forKeys() *Store {
	if s.own == nil {
		return s
	}
	return &Store{db: guarded{s.own}, pool: s.pool}
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.pool.Ping(ctx) }

// InTx runs fn in one transaction: committed when fn returns nil, rolled back otherwise.
// Inside a transaction it is a savepoint. What fn has put off with AtLast comes after it.
func (s *Store) InTx(ctx context.Context, fn func(tx *Store) error) error {
	tx, err := s.db.Begin(ctx)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	defer func() { _ = tx.Rollback(context.WithoutCancel(ctx)) }() // after a commit this does nothing
	var last []func(context.Context) error
	if err := fn(&Store{db: guarded{tx}, pool: s.pool, last: &last}); err != nil {
		return err
	}
	for _, do := range last {
		if err := do(ctx); err != nil {
			return err
		}
	}
	if err := tx.Commit(ctx); err != nil {
		return fmt.Errorf("commit a transaction: %w", err)
	}
	return nil
}

// AtLast puts off what takes a lock that many wait for: InTx does it when all else is done, in the order in which it was
// put off. Outside a transaction it is done at once.
func (s *Store) AtLast(ctx context.Context, do func(ctx context.Context) error) error {
	if s.last == nil {
		return do(ctx)
	}
	*s.last = append(*s.last, do)
	return nil
}

// denied is what PostgreSQL says of a right that is missing; it fills in none of an error's names then.
var denied = regexp.MustCompile(`^permission denied for (table|view|sequence|schema|function) [a-z_][a-z0-9_]{0,62}$`)

// Redact gives an error's text for a log, without what PostgreSQL or its driver said: their messages quote values.
// PostgreSQL's code and the names of constraint, table and column stay.
func Redact(err error) string {
	text := err.Error()
	if before, _, found := strings.Cut(text, "failed to encode args["); found {
		return before + "an argument does not fit its column"
	}
	var pg *pgconn.PgError
	if !errors.As(err, &pg) {
		return text
	}
	said := "PostgreSQL error " + pg.Code
	for name, value := range map[string]string{"constraint": pg.ConstraintName, "table": pg.TableName, "column": pg.ColumnName} {
		if value != "" {
			said += ", " + name + " " + value
		}
	}
	if pg.Code == insufficientPrivilege && denied.MatchString(pg.Message) {
		said += ", " + pg.Message
	}
	if pg.Code == uniqueViolation {
		return strings.ReplaceAll(text, duplicate{pg}.Error(), said)
	}
	return strings.ReplaceAll(text, pg.Error(), said)
}

// collect runs a query and reads every row with scan.
func collect[T any](ctx context.Context, db querier, scan func(pgx.Rows) (T, error), sql string, args ...any) ([]T, error) {
	rows, err := db.Query(ctx, sql, args...)
	if err != nil {
		return nil, err
	}
	return collectRows(rows, scan)
}

func collectRows[T any](rows pgx.Rows, scan func(pgx.Rows) (T, error)) ([]T, error) {
	defer rows.Close()
	var list []T
	for rows.Next() {
		item, err := scan(rows)
		if err != nil {
			return nil, err
		}
		list = append(list, item)
	}
	return list, rows.Err()
}

func scanText(rows pgx.Rows) (string, error) {
	var s string
	return s, rows.Scan(&s)
}
