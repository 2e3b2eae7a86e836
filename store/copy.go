package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// CopyTable loads rows into a table with COPY, for the demo and for tests. The table's name is looked up in
// the search path; each row has a value for every column. Triggers fire.
func (s *Store) CopyTable(ctx context.Context, table string, columns []string, rows [][]any) error {
	n, err := s.db.CopyFrom(ctx, pgx.Identifier{table}, columns, pgx.CopyFromRows(rows))
	if err != nil {
		return fmt.Errorf("copy rows into %s: %w", table, err)
	}
	if n != int64(len(rows)) {
		return fmt.Errorf("copy rows into %s: %d of %d arrived", table, n, len(rows))
	}
	return nil
}

// RunScript runs a text of several statements that takes no arguments, such as a schema. Outside InTx the
// statements are one transaction all the same, unless the text says otherwise.
func (s *Store) RunScript(ctx context.Context, sql string) error {
	if _, err := s.db.Exec(ctx, sql, pgx.QueryExecModeSimpleProtocol); err != nil {
		return fmt.Errorf("run a script: %w", err)
	}
	return nil
}
