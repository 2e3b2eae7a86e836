package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestRotationUnderLoad rotates data and index twice while two replicas write addresses and read them. Whoever has
// written finds the contact at once by the new address, anywhere; two who want one address never both get it; and no
// value is ever another.
func TestRotationUnderLoad(t *testing.T) {
	t.Parallel()
	first := newRotating(t)
	one, two := first.attends(), first.another().attends()
	ctx, stop := context.WithCancel(t.Context())
	var load sync.WaitGroup
	var writes, reads, races atomic.Int64
	all := ids(t, one.store, `SELECT contact_id, contact_id FROM cloakroom.contacts WHERE account_id = $1`, schema.Acme)
	for w := range 4 { // each has contacts of its own
		load.Go(func() {
			for i := 0; ctx.Err() == nil; i++ {
				id, address := all[(i*4+w)%(len(all)/4*4)], fmt.Sprintf("w%d-%d@example.org", w, i)
				writer, reader := []*replica{one, two}[i%2], []*replica{two, one}[i/2%2]
				if err := writer.writeAndFind(reader, id, address); err != nil {
					t.Errorf("write %d of writer %d: %v", i, w, err)
					return
				}
				writes.Add(1)
			}
		})
	}
	load.Go(func() {
		for i := 0; ctx.Err() == nil; i++ {
			if err := racing(one, two, all[len(all)-2], all[len(all)-1], fmt.Sprintf("+3519%08d", i)); err != nil {
				t.Errorf("race %d: %v", i, err)
				return
			}
			races.Add(1)
		}
	})
	load.Go(func() {
		for ctx.Err() == nil {
			if err := two.serves(func(a *chat.Account) error { return two.readAll(a, all) }); err != nil {
				t.Errorf("read: %v", err)
				return
			}
			reads.Add(1)
		}
	})
	for range 2 {
		for _, kind := range []chat.JobKind{chat.RotateAccount, chat.RotateIndex} {
			if job := one.finish(one.begin(kind, schema.Acme, chat.JobArguments{Reseal: true})); job.State != chat.JobDone || job.Checkpoint.Found > 0 {
				t.Errorf("%s is %s, %d rows at fault", kind, job.State, job.Checkpoint.Found)
			}
		}
	}
	stop()
	load.Wait()
	t.Logf("%d writes, %d reads of everything, %d races", writes.Load(), reads.Load(), races.Load())
	if wrong := one.wrong(oldRows + oldKeysets + `purpose IN ('data', 'index', 'vault') AND (generation < 3) <> (state = 'destroyed')`); wrong != "" {
		t.Error(wrong)
	}
	if n := one.counted(unreadableCounter, "") + two.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values did not open", n)
	}
}

// writeAndFind gives a contact an address on one replica and finds it by that on another.
func (r *replica) writeAndFind(reader *replica, id int64, address string) error {
	ctx := context.WithoutCancel(r.t.Context())
	err := r.serves(func(a *chat.Account) error {
		return r.PutContact(ctx, a, id, changes{chat.FieldEmail: to(address)})
	})
	if err != nil {
		return err
	}
	return reader.serves(func(a *chat.Account) error {
		found, err := reader.LookupContact(ctx, a, LookupField{Field: chat.FieldEmail, Value: *to(address)})
		if err != nil {
			return fmt.Errorf("find contact %d: %w", id, err)
		}
		if found.ID != id {
			return fmt.Errorf("contact %d was found in place of %d", found.ID, id)
		}
		return nil
	})
}

// racing has two contacts want one phone number at once: exactly one gets it.
func racing(one, two *replica, a, b int64, number string) error {
	errs := make([]error, 2)
	var both sync.WaitGroup
	for i, r := range []*replica{one, two} {
		both.Go(func() {
			errs[i] = r.serves(func(account *chat.Account) error {
				return r.PutContact(context.WithoutCancel(r.t.Context()), account, []int64{a, b}[i], changes{chat.FieldPhone: to(number)})
			})
		})
	}
	both.Wait()
	won := 0
	for _, err := range errs {
		var refused *chat.Error
		switch {
		case err == nil:
			won++
		case errors.Is(err, chat.ErrDuplicate) || errors.As(err, &refused):
		default:
			return err
		}
	}
	if won != 1 {
		return fmt.Errorf("%d of 2 got the number: %w", won, errors.Join(errs...))
	}
	return nil
}

// readAll reads contacts with all their values; every one must open.
func (r *replica) readAll(account *chat.Account, all []int64) error {
	list := make([]*chat.Contact, len(all))
	for i, id := range all {
		list[i] = &chat.Contact{ID: id, AccountID: account.ID}
	}
	if err := r.Load(context.WithoutCancel(r.t.Context()), account, Rows{Contacts: list, ContactAttributes: list}); err != nil {
		return err
	}
	for _, c := range list {
		for _, f := range contactFields {
			values := &c.Values
			if f == chat.FieldProfile || f == chat.FieldCustomAttributes {
				values = &c.Attributes
			}
			if _, err := values.Get(f); err != nil {
				return fmt.Errorf("%s of contact %d: %w", fieldNames[f], c.ID, err)
			}
		}
	}
	return nil
}

// TestTwoWorkersShareAJob: whoever is late is told to come again, and the job is done once.
func TestTwoWorkersShareAJob(t *testing.T) {
	t.Parallel()
	one := newRotating(t)
	two := one.another()
	values := one.open(schema.Acme)
	job := one.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true, Rate: 2000})
	var workers sync.WaitGroup
	for _, r := range []*replica{one, two} {
		workers.Go(func() {
			for done := false; !done; tick(t) {
				var err error
				if _, done, err = r.WorkJob(t.Context(), job.ID, 100*time.Millisecond); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	workers.Wait()
	if n := one.audited(chat.GenerationActivated); n != len(accountPurposes) {
		t.Errorf("%d generations were activated, want %d", n, len(accountPurposes))
	}
	if got := two.open(schema.Acme); len(got) != len(values) {
		t.Errorf("%d values, want %d", len(got), len(values))
	}
	if wrong := one.wrong(oldRows); wrong != "" {
		t.Error(wrong)
	}
}

// TestPauseResumeCancel: a job that is paused keeps what it has done; one that is cancelled leaves everything readable,
// and the next takes up the generation it left pending.
func TestPauseResumeCancel(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	values := r.open(schema.Acme)
	job := r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true, Rate: 400})
	for job.Step != "reseal" || job.RowsDone == 0 {
		r.step(&job)
	}
	if _, err := r.PauseJob(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if _, done, err := r.WorkJob(t.Context(), job.ID, 0); err != nil || !done {
		t.Fatalf("a paused job was worked on: %v, %v", done, err)
	}
	if diff := len(r.another().open(schema.Acme)) - len(values); diff != 0 {
		t.Errorf("%d values more than before", diff)
	}
	if _, err := r.ResumeJob(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := r.SetJobRate(t.Context(), job.ID, 0); err != nil {
		t.Fatal(err)
	}
	if job = r.finish(job); job.State != chat.JobDone {
		t.Errorf("it ended as %s", job.State)
	}
	job = r.begin(chat.RotateIndex, schema.Acme, chat.JobArguments{})
	for job.Step != "verify" {
		r.step(&job)
	}
	if _, err := r.CancelJob(t.Context(), job.ID); err != nil {
		t.Fatal(err)
	}
	r.lookUp(everything)
	r.finish(r.begin(chat.RotateIndex, schema.Acme, chat.JobArguments{}))
	if n := storetest.Value[int](t, r.store, `SELECT max(generation) FROM cloakroom.account_keysets WHERE account_id = 1 AND purpose = 'index'`); n != 2 {
		t.Errorf("the index is at generation %d, want 2", n)
	}
	r.lookUp(everything)
}

// TestRateHoldsAcrossSlices: whoever works on a job slice by slice is told to rest for as long as the last batch's rows take.
func TestRateHoldsAcrossSlices(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	job := r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true, Rate: 40})
	for job.Step != "reseal" {
		r.step(&job)
	}
	start := time.Now()
	again, done, err := r.WorkJob(t.Context(), job.ID, 0)
	if took := time.Since(start); err != nil || done || again <= 0 || again+took < 240*time.Millisecond || again > 250*time.Millisecond {
		t.Errorf("after a batch of 10 rows at 40 a second, which took %s: come back in %s (%v, %v)", took, again, done, err)
	}
}

// TestDryRun counts and changes nothing.
func TestDryRun(t *testing.T) {
	t.Parallel()
	for name, rot := range rotations(t.TempDir()) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			if err := r.CheckKeys(t.Context()); err != nil { // which makes the installation's
				t.Fatal(err)
			}
			const all = `SELECT purpose || generation || state || master_key FROM cloakroom.account_keysets UNION SELECT epoch || state FROM cloakroom.key_epochs
 UNION SELECT change_id::text FROM cloakroom.key_changes`
			before := r.wrong(all)
			rot.arguments.DryRun = true
			job := r.begin(rot.kind, rot.account, rot.arguments)
			counted := map[string]int64{}
			for {
				_, done, err := r.WorkJob(t.Context(), job.ID, 0)
				if err != nil {
					t.Fatal(err)
				}
				if job = r.found(job.ID); done {
					break
				}
				counted[job.Step] = job.RowsTotal
			}
			if after := r.wrong(all); after != before {
				t.Errorf("keys are\n%s\nbefore:\n%s", after, before)
			}
			for step, query := range map[string]string{
				"rewrap":         `SELECT count(*) FROM cloakroom.subject_keys WHERE state = 'active'`,
				"backfill":       `SELECT count(*) FROM cloakroom.contacts`,
				"delete":         `SELECT count(*) FROM cloakroom.lookup_tags`,
				"rewrap keysets": `SELECT count(*) FROM cloakroom.account_keysets`,
			} {
				if n, has := counted[step]; has && n != storetest.Value[int64](t, r.store, query) {
					t.Errorf("%s counts %d", step, n)
				}
			}
		})
	}
}
