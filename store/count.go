package store

import (
	"context"
	"sync/atomic"

	"github.com/jackc/pgx/v5"
)

// Count is what one request has cost the database.
type Count struct {
	Statements atomic.Int64
	RoundTrips atomic.Int64 // a batch of statements is one
}

type countKey struct{}

// WithCount returns a context whose statements are counted.
func WithCount(ctx context.Context) (context.Context, *Count) {
	c := new(Count)
	return context.WithValue(ctx, countKey{}, c), c
}

func add(ctx context.Context, statements, trips int64) {
	if c, ok := ctx.Value(countKey{}).(*Count); ok {
		c.Statements.Add(statements)
		c.RoundTrips.Add(trips)
	}
}

// tracer counts; it keeps neither SQL nor arguments.
type tracer struct{}

func (tracer) TraceQueryStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceQueryStartData) context.Context {
	add(ctx, 1, 1)
	return ctx
}

func (tracer) TraceQueryEnd(context.Context, *pgx.Conn, pgx.TraceQueryEndData) {}

func (tracer) TraceBatchStart(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchStartData) context.Context {
	add(ctx, 0, 1)
	return ctx
}

func (tracer) TraceBatchQuery(ctx context.Context, _ *pgx.Conn, _ pgx.TraceBatchQueryData) {
	add(ctx, 1, 0)
}

func (tracer) TraceBatchEnd(context.Context, *pgx.Conn, pgx.TraceBatchEndData) {}
