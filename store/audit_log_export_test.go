package store

import (
	"context"
	"strings"
)

// PlanOfNumberless gives the plan that PostgreSQL keeps of looking for entries to number.
func PlanOfNumberless(ctx context.Context, s *Store) (plan string, err error) {
	return plan, s.InTx(ctx, func(tx *Store) error {
		for _, sql := range []string{`SET LOCAL plan_cache_mode = force_generic_plan`, `PREPARE numberless AS ` + listNumberless} {
			if _, err := tx.db.Exec(ctx, sql); err != nil {
				return err
			}
		}
		lines, err := collect(ctx, tx.db, scanText, `EXPLAIN EXECUTE numberless (1, '0', 0, '9000', 256)`)
		plan = strings.Join(lines, "\n")
		return err
	})
}
