package store

import (
	"context"
	"errors"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cloakroom/cloakroom/chat"
)

// guarded is a querier whose errors say of a unique constraint only that there is one like this already. Every
// statement goes through one, so that no write has to remember to: PostgreSQL's own text names the constraint and
// quotes the value, and so tells whoever guesses at it that it is somebody's.
type guarded struct{ querier }

func (g guarded) Exec(ctx context.Context, sql string, args ...any) (pgconn.CommandTag, error) {
	tag, err := g.querier.Exec(ctx, sql, args...)
	return tag, hideDuplicate(err)
}

func (g guarded) Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error) {
	rows, err := g.querier.Query(ctx, sql, args...)
	return guardedRows{rows}, hideDuplicate(err)
}

func (g guarded) QueryRow(ctx context.Context, sql string, args ...any) pgx.Row {
	return guardedRow{g.querier.QueryRow(ctx, sql, args...)}
}

func (g guarded) CopyFrom(ctx context.Context, table pgx.Identifier, columns []string, src pgx.CopyFromSource) (int64, error) {
	n, err := g.querier.CopyFrom(ctx, table, columns, src)
	return n, hideDuplicate(err)
}

func (g guarded) SendBatch(ctx context.Context, b *pgx.Batch) pgx.BatchResults {
	return guardedBatch{g.querier.SendBatch(ctx, b)}
}

func (g guarded) Begin(ctx context.Context) (pgx.Tx, error) {
	tx, err := g.querier.Begin(ctx)
	return guardedTx{tx}, err
}

type guardedRows struct{ pgx.Rows }

func (r guardedRows) Err() error { return hideDuplicate(r.Rows.Err()) }

type guardedRow struct{ pgx.Row }

func (r guardedRow) Scan(targets ...any) error { return hideDuplicate(r.Row.Scan(targets...)) }

type guardedBatch struct{ pgx.BatchResults }

func (b guardedBatch) Exec() (pgconn.CommandTag, error) {
	tag, err := b.BatchResults.Exec()
	return tag, hideDuplicate(err)
}

func (b guardedBatch) Query() (pgx.Rows, error) {
	rows, err := b.BatchResults.Query()
	return guardedRows{rows}, hideDuplicate(err)
}

func (b guardedBatch) QueryRow() pgx.Row { return guardedRow{b.BatchResults.QueryRow()} }

func (b guardedBatch) Close() error { return hideDuplicate(b.BatchResults.Close()) }

// guardedTx guards the commit, where deferred constraints speak.
type guardedTx struct{ pgx.Tx }

func (t guardedTx) Commit(ctx context.Context) error { return hideDuplicate(t.Tx.Commit(ctx)) }

// duplicate is chat.ErrDuplicate with what PostgreSQL said, for the log: Redact spells out what may stand there.
type duplicate struct{ said *pgconn.PgError }

func (duplicate) Error() string     { return chat.ErrDuplicate.Error() }
func (d duplicate) Unwrap() []error { return []error{chat.ErrDuplicate, d.said} }

// uniqueViolation is PostgreSQL's code for a row that a unique constraint refused.
const uniqueViolation = "23505"

func hideDuplicate(err error) error {
	var said *pgconn.PgError
	if errors.As(err, &said) && said.Code == uniqueViolation {
		return duplicate{said}
	}
	return err
}
