package store_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestPagesByLabelAreNotSorted: they are read off the index of labels, and those of contacts without a label off theirs.
// A place is looked for in the index even before the planner knows anything of it.
func TestPagesByLabelAreNotSorted(t *testing.T) {
	t.Parallel()
	s := withTies(t)
	storetest.Exec(t, s, `INSERT INTO contacts (account_id, name, email, created_at, updated_at) SELECT 1, 'crowd', 'c' || n || '@x.example', now(), now() FROM generate_series(1, 20000) n`)
	storetest.Exec(t, s, `INSERT INTO cloakroom.contact_labels (account_id, field, generation, contact_id, label)
 SELECT account_id, f, g, id, CASE WHEN id % 10 > 0 THEN id::int8 * 1000000 END FROM contacts, unnest(ARRAY['EMAIL', 'COMPANY']) f, generate_series(2, 3) g WHERE account_id = 1`)
	of := store.Labels{AccountID: schema.Acme, Field: chat.ContactsByEmail, Generation: 2}
	no, long := false, storetest.DemoTime.AddDate(-10, 0, 0)
	plan, err := store.PlanOfProbes(t.Context(), s, of)
	if err != nil || strings.Contains(plan, "Seq Scan on contact_labels") || !strings.Contains(plan, "contact_labels_account_id_field_generation_label_key") {
		t.Errorf("probes: %v\n%s", err, plan)
	}
	if err := s.AnalyzeLabels(t.Context()); err != nil { // as the job does
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		start  store.LabelStart
		filter chat.ContactFilter
		index  string
	}{
		"first": {store.LabelStart{}, chat.ContactFilter{}, "contact_labels_account_id_field_generation_label_key"},
		"next":  {store.LabelStart{Below: 500, Above: 500}, chat.ContactFilter{}, "contact_labels_account_id_field_generation_label_key"},
		"under a filter": {store.LabelStart{Below: 500, Above: 501}, chat.ContactFilter{Blocked: &no, CreatedSince: &long},
			"contact_labels_account_id_field_generation_label_key"},
		"without a label": {store.LabelStart{Blank: true}, chat.ContactFilter{}, "contact_labels_blank"},
		"the next such":   {store.LabelStart{Blank: true, Below: 500, Above: 500}, chat.ContactFilter{}, "contact_labels_blank"},
	} {
		for _, direction := range directions {
			for _, backward := range []bool{false, true} {
				q := chat.ContactQuery{Sealed: true, Filter: c.filter, Order: chat.ContactOrder{Field: of.Field, Direction: direction}, Page: chat.Page{Limit: 25, Backward: backward}}
				plan, err := store.PlanOfLabelled(t.Context(), s, of, q, c.start)
				if err == nil && c.start.Below != 0 && c.start.Below == c.start.Above && !c.start.Blank {
					plan, err = store.PlanOfLabelledFrom(t.Context(), s, of, q, c.start.Below)
				}
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(plan, "Sort") || !strings.Contains(plan, c.index) {
					t.Errorf("%s, %s, backward %v:\n%s", name, direction, backward, plan)
				}
			}
		}
	}
}
