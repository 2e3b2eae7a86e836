package store

import "context"

// RequiredColumns is what CheckColumns asks for.
var RequiredColumns = requiredColumns

// URL is where a store's database is.
func (s *Store) URL() string { return s.pool.Config().ConnString() }

// Returning runs a statement that gives one row, as writes with RETURNING do.
func Returning(ctx context.Context, s *Store, sql string, args ...any) error {
	var text string
	return s.db.QueryRow(ctx, sql, args...).Scan(&text)
}

// HoldsAddress is the condition that a text holds something like an address.
var HoldsAddress = holdsAddress
