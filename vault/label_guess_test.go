package vault

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// beside has a writer wait for the order of e-mail addresses, with its guess made, and somebody change it meanwhile.
func (r *replica) beside(write func() error, change func(ctx context.Context, tx *store.Store) error) {
	r.t.Helper()
	ctx := context.WithoutCancel(r.t.Context()) // a test that fails lets everybody end
	var writer sync.WaitGroup
	err := r.store.InTx(ctx, func(tx *store.Store) error {
		if err := tx.LockOrdering(ctx, schema.Acme, chat.ContactsByEmail); err != nil {
			return err
		}
		writer.Go(func() {
			if err := write(); err != nil {
				r.t.Error(err)
			}
		})
		await(r.t, "the writer to wait for the order", r.waiting)
		return change(ctx, tx)
	})
	writer.Wait()
	if err != nil {
		r.t.Fatal(err)
	}
}

func (r *replica) waiting() bool {
	return storetest.Value[bool](r.t, r.store, `SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted
 AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))`)
}

// address writes a contact's e-mail address in a transaction; contact 0 is a new one.
func (r *replica) address(ctx context.Context, tx *store.Store, id int64, email string) error {
	keys, err := r.keys.Account(ctx, schema.Acme)
	if err != nil {
		return err
	}
	if id == 0 {
		plain := store.PlainRow{Columns: make([][]byte, len(contactFields))}
		plain.Columns[0] = []byte(email)
		return r.createContact(ctx, tx, keys, &plain)
	}
	p := &putting{vault: r.Vault, keys: keys, account: r.account(schema.Acme), contactID: id, Change: ContactChange{chat.FieldEmail: nil}}
	if email != "" {
		p.Change[chat.FieldEmail] = to(email)
	}
	return p.write(ctx, tx)
}

// rewrite is one e-mail address that is written.
type rewrite struct {
	contact int // by its place in the order, from 1 on; 0 is a new one
	email   string
}

// guessed is the part of an order in which guesses are made.
var guessed = []string{"m.10@x.example", "m.20@x.example", "m.30@x.example"}

// TestGuessesThatCameTooSoon: while a writer waits for the order somebody moves what it has found, and each contact
// stands where its value belongs all the same.
func TestGuessesThatCameTooSoon(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	ids := make([]int64, len(guessed))
	for i, email := range guessed {
		ids[i] = r.create(email)
	}
	many, last := make([]rewrite, labelWindow+10), make([]rewrite, labelWindow+10)
	for i := range many {
		many[i].email = fmt.Sprintf("m.2%02d@x.example", 10+i)
		last[i].email = fmt.Sprintf("~%02d@x.example", i)
	}
	for _, c := range []struct {
		name      string
		writes    rewrite
		meanwhile []rewrite
	}{
		{"another comes below", rewrite{0, "m.25@x.example"}, []rewrite{{0, "m.21@x.example"}}},
		{"another comes above", rewrite{0, "m.25@x.example"}, []rewrite{{0, "m.29@x.example"}}},
		{"others come on both sides", rewrite{0, "m.25@x.example"}, []rewrite{{0, "m.24@x.example"}, {0, "m.26@x.example"}, {0, "m.21@x.example"}}},
		{"more come than are read", rewrite{0, "m.220a@x.example"}, many},
		{"more come last than are read", rewrite{0, "~37a@x.example"}, last},
		{"the end below leaves", rewrite{0, "m.25@x.example"}, []rewrite{{2, "a@x.example"}}},
		{"the end above leaves", rewrite{0, "m.25@x.example"}, []rewrite{{3, "z@x.example"}}},
		{"both ends leave", rewrite{0, "m.25@x.example"}, []rewrite{{2, "z@x.example"}, {3, ""}}},
		{"an end leaves and another comes", rewrite{0, "m.25@x.example"}, []rewrite{{2, ""}, {0, "m.22@x.example"}}},
		{"the end below gets a greater value where it stands", rewrite{0, "m.25@x.example"}, []rewrite{{2, "m.27@x.example"}}},
		{"the end above gets a smaller value where it stands", rewrite{0, "m.25@x.example"}, []rewrite{{3, "m.22@x.example"}}},
		{"another comes first", rewrite{0, "+1@x.example"}, []rewrite{{0, "+0@x.example"}, {0, "+2@x.example"}}},
		{"another comes last", rewrite{0, "~1@x.example"}, []rewrite{{0, "~0@x.example"}, {0, "~2@x.example"}}},
		{"who stood does not", rewrite{2, "m.25@x.example"}, []rewrite{{0, "m.23@x.example"}}},
		{"who stood does, beside another", rewrite{2, "m.25@x.example"}, []rewrite{{0, "m.27@x.example"}}},
		{"who stood is overtaken where another stands", rewrite{2, "m.25@x.example"}, []rewrite{{3, "m.22@x.example"}}},
		{"who did not stand does", rewrite{2, "m.35@x.example"}, []rewrite{{3, "m.50@x.example"}}},
		{"who moves finds another there", rewrite{1, "m.25@x.example"}, []rewrite{{0, "m.24@x.example"}, {0, "m.26@x.example"}}},
	} {
		r.beside(func() error { return r.rewrite(t.Context(), r.store, ids, c.writes) }, func(ctx context.Context, tx *store.Store) error {
			for _, m := range c.meanwhile {
				if err := r.rewrite(ctx, tx, ids, m); err != nil {
					return err
				}
			}
			return nil
		})
		r.keeps(chat.ContactsByEmail)
		if t.Failed() {
			t.Fatal(c.name)
		}
		r.reset(ids)
	}
}

// rewrite writes an address in a transaction, or in one of its own.
func (r *replica) rewrite(ctx context.Context, s *store.Store, ids []int64, w rewrite) error {
	id := int64(0)
	if w.contact > 0 {
		id = ids[w.contact-1]
	}
	return s.InTx(ctx, func(tx *store.Store) error { return r.address(ctx, tx, id, w.email) })
}

// reset takes away who came between and puts the three back.
func (r *replica) reset(ids []int64) {
	r.t.Helper()
	for i, id := range ids {
		r.putEmail(id, to(guessed[i]))
	}
	for _, p := range r.valued(chat.ContactsByEmail) {
		if p.ID > ids[0] && !slices.Contains(ids, p.ID) {
			r.putEmail(p.ID, nil)
		}
	}
	r.keeps(chat.ContactsByEmail)
}

func (r *replica) create(email string) int64 {
	r.t.Helper()
	c, err := r.CreateContact(r.t.Context(), r.account(schema.Acme), ContactChange{chat.FieldEmail: to(email)})
	if err != nil {
		r.t.Fatal(err)
	}
	return c.ID
}

// TestGuessesAmongLabelsThatMoved: all labels have changed, so that a guess names a part of the order in which the
// contact's place does not lie, or in which there is nothing.
func TestGuessesAmongLabelsThatMoved(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	of := store.Labels{AccountID: schema.Acme, Field: chat.ContactsByEmail, Generation: r.account(schema.Acme).Settings.Search.Orderings[0].Live}
	places := r.valued(chat.ContactsByEmail)
	for i, step := range []int64{1 << 20, 1 << 54, 1 << 40, 1} { // to one end, apart, to one end, side by side
		at := places[(i+1)*len(places)/6]
		r.beside(func() error { return r.rewrite(t.Context(), r.store, nil, rewrite{0, "0" + *at.Text}) }, func(ctx context.Context, tx *store.Store) error {
			return tx.SpreadLabels(ctx, of, 0, labelEnd, step)
		})
		r.beside(func() error { return r.rewrite(t.Context(), r.store, []int64{at.ID}, rewrite{1, *at.Text + "x"}) }, func(ctx context.Context, tx *store.Store) error {
			return tx.SpreadLabels(ctx, of, 0, labelEnd, step+1)
		})
		r.keeps(chat.ContactsByEmail)
	}
}

// TestGuessesBesideWhatDoesNotOpen: ends that cannot be read any more say nothing.
func TestGuessesBesideWhatDoesNotOpen(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	r.labels(chat.ContactsByEmail)
	places := r.valued(chat.ContactsByEmail)
	broken := make(map[int64]bool)
	for i, lost := range [][]int{{0}, {1}, {0, 1}, {-1, 0, 1, 2}} { // as seen from the one below
		n := 10 + 10*i
		r.beside(func() error { return r.rewrite(t.Context(), r.store, nil, rewrite{0, *places[n].Text + "m"}) }, func(ctx context.Context, tx *store.Store) error {
			for _, at := range lost {
				broken[places[n+at].ID] = true
				storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = '\x00' WHERE contact_id = $1`, places[n+at].ID)
			}
			return nil
		})
	}
	of := store.Labels{AccountID: schema.Acme, Field: chat.ContactsByEmail, Generation: r.account(schema.Acme).Settings.Search.Orderings[0].Live}
	if err := r.store.SpreadLabels(t.Context(), of, 0, labelEnd, 1); err != nil {
		t.Fatal(err)
	}
	r.create(*places[20].Text + "n") // right below one that does not open, and nothing is put on its label
	known := slices.DeleteFunc(r.labelled(chat.ContactsByEmail), func(id int64) bool { return broken[id] })
	want := make([]*chat.Position, 0, len(known))
	for _, id := range known {
		want = append(want, &chat.Position{ID: id})
	}
	want = withTexts(r, chat.ContactsByEmail, want)
	slices.SortFunc(want, labelOrder.Compare)
	if !slices.Equal(placeIDs(want), known) || len(known) != len(places)-len(broken)+5 {
		t.Errorf("%d contacts stand in the order %v, want %v", len(known), known, placeIDs(want))
	}
}
