package vault

import (
	"slices"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// crowd adds n contacts with the values that fields have by their number, seals them, and gives them as they are indexed.
func (r *replica) crowd(n int, value map[chat.ContactOrderField]func(n int) string) []store.PlainRow {
	r.t.Helper()
	var emails, companies, cities, countries []string
	of := func(f chat.ContactOrderField, n int) string {
		if value[f] == nil {
			return ""
		}
		return value[f](n)
	}
	for i := range n {
		emails, companies = append(emails, of(chat.ContactsByEmail, i)), append(companies, of(chat.ContactsByCompany, i))
		cities, countries = append(cities, of(chat.ContactsByCity, i)), append(countries, of(chat.ContactsByCountry, i))
	}
	last := storetest.Value[int64](r.t, r.store, `SELECT max(id)::int8 FROM contacts`)
	storetest.Exec(r.t, r.store, `INSERT INTO contacts (account_id, name, email, additional_attributes, created_at, updated_at)
		SELECT 1, 'crowd ' || n, NULLIF(e, ''), json_build_object('company_name', a, 'city', b, 'country', c), now(), now()
		FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) WITH ORDINALITY v(e, a, b, c, n) ORDER BY n`, emails, companies, cities, countries)
	rows, err := r.store.ListUnsealed(r.t.Context(), schema.Acme, chat.ContactRecord, 0, last, n)
	if err != nil || len(rows) != n {
		r.t.Fatalf("%d rows, %v", len(rows), err)
	}
	if err := r.SealAccount(r.t.Context(), schema.Acme, func(Sealing) {}); err != nil {
		r.t.Fatal(err)
	}
	return rows
}

// empties makes orders in which nobody stands yet: no job is to label the contacts.
func (r *replica) empties(fields ...chat.ContactOrderField) {
	r.t.Helper()
	for _, f := range fields {
		storetest.Exec(r.t, r.store, `INSERT INTO cloakroom.contact_orderings (account_id, field, live, due, built_at) VALUES (1, $1, 1, false, now())`, string(f))
	}
}

// place gives contacts their labels, one after the other, in one transaction.
func (r *replica) place(rows ...store.PlainRow) {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Fatal(err)
	}
	err = r.store.InTx(r.t.Context(), func(tx *store.Store) error {
		settings, err := tx.HoldSearchSettings(r.t.Context(), schema.Acme)
		for i := range rows {
			if err == nil {
				err = r.placeContacts(r.t.Context(), tx, keys, settings.Orderings, rows[i:i+1])
			}
		}
		return err
	})
	if err != nil {
		r.t.Fatal(err)
	}
}

// labelled gives the contacts of an order that are labelled, by their labels.
func (r *replica) labelled(f chat.ContactOrderField) []int64 {
	r.t.Helper()
	ids := storetest.Value[[]int64](r.t, r.store, `SELECT COALESCE(array_agg(l.contact_id ORDER BY l.label), '{}') FROM cloakroom.contact_labels l
 JOIN cloakroom.contact_orderings o USING (account_id, field) WHERE l.account_id = 1 AND l.field = $1 AND l.generation = o.live AND l.label IS NOT NULL`, string(f))
	return ids
}

// valued gives the contacts that should be labelled in an order, and how: from their values.
func (r *replica) valued(f chat.ContactOrderField) []*chat.Position {
	r.t.Helper()
	ids := storetest.Value[[]int64](r.t, r.store, `SELECT array_agg(contact_id) FROM cloakroom.contacts WHERE account_id = 1`)
	places := make([]*chat.Position, len(ids))
	for i, id := range ids {
		places[i] = &chat.Position{ID: id}
	}
	places = withTexts(r, f, places)
	slices.SortFunc(places, labelOrder.Compare)
	if i := slices.IndexFunc(places, func(p *chat.Position) bool { return p.Text == nil }); i >= 0 {
		places = places[:i]
	}
	return places
}

// keeps fails where labels are not in the order of values, or somebody has none.
func (r *replica) keeps(f chat.ContactOrderField) {
	r.t.Helper()
	if diff := cmp.Diff(placeIDs(r.valued(f)), r.labelled(f)); diff != "" {
		r.t.Errorf("%s (-by value +by label):\n%s", f, diff)
	}
}

// putEmail changes a contact's e-mail address.
func (r *replica) putEmail(id int64, email *chat.PII) {
	r.t.Helper()
	if err := r.PutContact(r.t.Context(), r.account(schema.Acme), id, ContactChange{chat.FieldEmail: email}); err != nil {
		r.t.Fatal(err)
	}
}

// byLabel reads a page in an order that the database keeps.
func (r *replica) byLabel(q chat.ContactQuery) []*chat.Position {
	r.t.Helper()
	q.Sealed = true
	rows, kept, err := r.ListByLabel(r.t.Context(), r.account(schema.Acme), q)
	if err != nil || !kept {
		r.t.Fatalf("kept: %v, %v", kept, err)
	}
	places := make([]*chat.Position, len(rows))
	for i, row := range rows {
		places[i] = row.Position
	}
	return places
}

// inOrder looks at labels and values as they are at one moment.
func (r *replica) inOrder(fields ...chat.ContactOrderField) {
	r.t.Helper()
	keys, err := r.keys.Account(r.t.Context(), schema.Acme)
	if err != nil {
		r.t.Error(err)
		return
	}
	for _, f := range fields {
		live := int(storetest.Value[int64](r.t, r.store, `SELECT live::int8 FROM cloakroom.contact_orderings WHERE account_id = 1 AND field = $1`, string(f)))
		rows, err := r.store.LabelsBetween(r.t.Context(), store.Labels{AccountID: schema.Acme, Field: f, Generation: live}, 0, labelEnd, 100_000)
		if err != nil {
			r.t.Error(err)
			return
		}
		var last *chat.Position
		for i := range rows {
			at, ok := orderKeys{keys, f}.place(&rows[i].OrderValue)
			if !ok || at.Text == nil || last != nil && labelOrder.Compare(last, at) >= 0 {
				r.t.Errorf("%s: contact %d stands in the wrong place, opened: %v", f, at.ID, ok)
			}
			last = at
		}
	}
}

// labels turns labels on and has the job make them.
func (r *replica) labels(fields ...chat.ContactOrderField) {
	r.t.Helper()
	for _, f := range fields {
		r.setLabels(f, true)
	}
	r.finish(r.orderJob())
	for _, f := range fields {
		r.keeps(f)
	}
}

func (r *replica) setLabels(f chat.ContactOrderField, on bool) {
	r.t.Helper()
	change := OrderingChange{AccountID: schema.Acme, Field: f, Labels: on, Reason: "a test"}
	if _, err := r.SetContactOrdering(r.t.Context(), change); err != nil {
		r.t.Fatal(err)
	}
}

// orderJob is the job about the account's labels.
func (r *replica) orderJob() *chat.Job {
	r.t.Helper()
	job, err := r.store.FindOpenJob(r.t.Context(), chat.BuildOrder, schema.Acme, 0)
	if err != nil {
		r.t.Fatal(err)
	}
	return job
}
