package store

import (
	"context"
	"fmt"
)

const demoMark = "Cloakroom's demo data"

// MarkDemo says of this database that it holds the demo, so that nothing meant for the demo is ever done to a
// Chatwoot somebody uses.
func (s *Store) MarkDemo(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, `COMMENT ON SCHEMA cloakroom IS 'Cloakroom''s demo data'`); err != nil {
		return fmt.Errorf("mark the demo's database: %w", err)
	}
	return nil
}

// IsDemo says whether this database holds the demo.
func (s *Store) IsDemo(ctx context.Context) (bool, error) {
	var comment string
	err := s.db.QueryRow(ctx, `SELECT COALESCE(obj_description('cloakroom'::regnamespace, 'pg_namespace'), '')`).Scan(&comment)
	return comment == demoMark, err
}
