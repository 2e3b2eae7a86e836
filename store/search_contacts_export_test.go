package store

import (
	"context"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// PlanOfContactSearch is how PostgreSQL carries a search out.
func PlanOfContactSearch(ctx context.Context, s *Store, accountID int64, from ContactSource, c ContactCandidates, after *chat.Position) (string, error) {
	st, _ := contactSearch(accountID, from, c, after, 60, 20_000)
	lines, err := collect(ctx, s.db, scanText, `EXPLAIN `+st.sql.String(), st.args...)
	return strings.Join(lines, "\n"), err
}

// ContactSearchStatement is what is prepared for it.
func ContactSearchStatement(accountID int64, from ContactSource, c ContactCandidates) string {
	st, _ := contactSearch(accountID, from, c, nil, 60, 20_000)
	return st.sql.String()
}
