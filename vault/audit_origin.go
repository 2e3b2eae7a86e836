package vault

import (
	"context"
	"maps"
)

type fromKey struct{}

// WithFrom says which address a request came from; it is sealed in every entry that is written for the request.
func WithFrom(ctx context.Context, address string) context.Context {
	return context.WithValue(ctx, fromKey{}, address)
}

type purposeKey struct{}

// WithPurpose says what a service asks for, in its own words; it is sealed like the address.
func WithPurpose(ctx context.Context, purpose string) context.Context {
	return context.WithValue(ctx, purposeKey{}, purpose)
}

// The names of both in an entry's details.
const (
	detailFrom    = "from"
	detailPurpose = "purpose"
)

// withOrigin gives details with where the request came from and what for, as far as that is known. What the caller has is
// not changed: entries are written again when a transaction is.
func withOrigin(ctx context.Context, details map[string]any) map[string]any {
	from, _ := ctx.Value(fromKey{}).(string)
	purpose, _ := ctx.Value(purposeKey{}).(string)
	if from == "" && purpose == "" {
		return details
	}
	whole := make(map[string]any, len(details)+2)
	maps.Copy(whole, details)
	for name, value := range map[string]string{detailFrom: from, detailPurpose: purpose} {
		if value != "" {
			whole[name] = value
		}
	}
	return whole
}
