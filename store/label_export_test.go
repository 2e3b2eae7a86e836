package store

import (
	"context"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// PlanOfLabelled gives how PostgreSQL reads a page by labels, and PlanOfProbes how it looks for a place.
func PlanOfLabelled(ctx context.Context, s *Store, of Labels, q chat.ContactQuery, start LabelStart) (string, error) {
	st := labelledPage(of, q, start, 26)
	return s.plan(ctx, st.sql.String(), st.args...)
}

// PlanOfLabelledFrom is how it reads one that begins from a contact.
func PlanOfLabelledFrom(ctx context.Context, s *Store, of Labels, q chat.ContactQuery, contactID int64) (string, error) {
	st := labelledPageFrom(of, q, contactID, 26)
	return s.plan(ctx, st.sql.String(), st.args...)
}

// PlanOfProbes is the plan of ProbeLabels.
func PlanOfProbes(ctx context.Context, s *Store, of Labels) (string, error) {
	return s.plan(ctx, probeLabels(of.Field), of.AccountID, of.Field, of.Generation, []int64{1 << 40, 1 << 50}, int64(1)<<62)
}

func (s *Store) plan(ctx context.Context, sql string, args ...any) (string, error) {
	lines, err := collect(ctx, s.db, scanText, "EXPLAIN "+sql, args...)
	return strings.Join(lines, "\n"), err
}
