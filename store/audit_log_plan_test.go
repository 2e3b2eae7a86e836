package store_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestNumbersAreGivenOffIndexes: a connection that first numbered entries when there were hardly any keeps its plan until
// statistics are gathered, and a burst comes before they are. It must not read all leaves for each entry, nor sort.
func TestNumbersAreGivenOffIndexes(t *testing.T) {
	t.Parallel()
	plan, err := store.PlanOfNumberless(t.Context(), storetest.New(t))
	if err != nil {
		t.Fatal(err)
	}
	entries := strings.Contains(plan, "audit_entries_by_transaction") && !strings.Contains(plan, "Sort")
	leaves := strings.Contains(plan, "Index Cond: ((account_id = e.account_id) AND (entry_id = e.entry_id))")
	if !entries || !leaves {
		t.Error(plan)
	}
}
