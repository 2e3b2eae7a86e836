// Package telemetry is the room of what is said about a request to logs and spans.
// Log records, spans and the lines that libraries print come in, with whatever a caller put into them by mistake.
// No personal value leaves: keys, names and attributes pass by lists, texts without what looks like an address, and
// everything else as "[redacted]" or not at all.
package telemetry

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
)

// Operation is what may be said of the request that a context belongs to. The edge puts a pointer in as soon as the
// request has an id, and fills in Document and Name before anything else runs; only the edge writes to it.
type Operation struct {
	RequestID string
	Document  string // SHA-256 of the document in hexadecimal, "" until it is known
	// Name is the operation's, and only of a document that the edge trusts: in any other it is text of the client's.
	Name  string
	Facts Facts
}

// Facts are what the edge has learnt of a request by its end, for the request's span. What is not known is zero and is
// not said.
type Facts struct {
	Type       string // query, mutation or subscription
	ViewerKind chat.ViewerKind
	Code       chat.Code // of the first error in the answer
	Statements int       // SQL statements
	RoundTrips int       // to PostgreSQL
	RedisTrips int
	Cost       int // in points of the rate limit
}

type operationKey struct{}

// WithOperation keeps the request's operation for every record and span made under the context.
func WithOperation(ctx context.Context, o *Operation) context.Context {
	return context.WithValue(ctx, operationKey{}, o)
}

// OperationFrom gives the request's operation; where there is no request it gives an empty one that belongs to nobody.
func OperationFrom(ctx context.Context) *Operation {
	if o, ok := ctx.Value(operationKey{}).(*Operation); ok && o != nil {
		return o
	}
	return new(Operation)
}
