package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// written is one sort of write, measured.
type written struct {
	what     string
	labelled bool
	writers  int
	times    []time.Duration
}

// labelGoal is how much longer, at p95, a write may take for the contact's place.
const labelGoal = 10 * time.Millisecond

// writes is how often each sort of write is done.
const writes = 300

// write measures what writing contacts takes, with labels and without.
func (b *searchBench) write(ctx context.Context) error {
	for _, labels := range []bool{true, false} {
		if err := b.order(ctx, labels); err != nil {
			return err
		}
		if err := b.readAccount(ctx); err != nil {
			return err
		}
		for _, writers := range []int{1, 3} {
			for _, w := range []struct {
				what string
				do   func(context.Context, int) error
			}{{"a contact created", b.create}, {"an e-mail address changed", b.move}} {
				if err := b.timeWrites(ctx, written{what: w.what, labelled: labels, writers: writers}, w.do); err != nil {
					return err
				}
			}
		}
	}
	for _, writers := range []int{1, 3} {
		if err := b.timeWrites(ctx, written{what: "twin: a row inserted", writers: writers}, b.insert); err != nil {
			return err
		}
	}
	return nil
}

// timeWrites does a write n times from several goroutines.
func (b *searchBench) timeWrites(ctx context.Context, w written, do func(ctx context.Context, i int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	times, errs := make([][]time.Duration, w.writers), make([]error, w.writers)
	for n := range w.writers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < writes*int64(w.writers) && errs[n] == nil; i = next.Add(1) - 1 {
				began := time.Now()
				errs[n] = do(ctx, int(i))
				times[n] = append(times[n], time.Since(began))
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", w.what, err)
		}
	}
	w.times = slices.Concat(times...)
	slices.Sort(w.times)
	b.written = append(b.written, w)
	return nil
}

// newcomer is the values of a contact that is not there yet.
func (b *searchBench) newcomer() vaultChange {
	c := b.data.customer(int64(b.data.contacts) + b.newcomers.Add(1))
	name, email, phone := chat.PII(c.name), chat.PII(c.email), chat.PII(c.phone)
	profile := chat.PII(fmt.Sprintf(`{"city": %q, "company_name": %q}`, c.city, c.company))
	return vaultChange{chat.FieldName: &name, chat.FieldEmail: &email, chat.FieldPhone: &phone, chat.FieldProfile: &profile}
}

type vaultChange = map[chat.Field]*chat.PII

func (b *searchBench) create(ctx context.Context, _ int) error {
	_, err := b.vault.CreateContact(ctx, b.account, b.newcomer())
	return err
}

// move gives a contact another e-mail address, which has another place.
func (b *searchBench) move(ctx context.Context, i int) error {
	change := vaultChange{chat.FieldEmail: b.newcomer()[chat.FieldEmail]}
	return b.vault.PutContact(ctx, b.account, 1+int64(i)*7_919%int64(b.data.contacts), change)
}

// insert does in the twin what create does.
func (b *searchBench) insert(ctx context.Context, _ int) error {
	c := b.data.customer(int64(b.data.contacts) + b.newcomers.Add(1))
	_, err := b.twin.pool.Exec(ctx, `INSERT INTO twin.contacts (id, name, email, phone_number, account_id, created_at, updated_at, additional_attributes, blocked)
 VALUES (nextval('contacts_id_seq'), $1, $2, $3, $4, now(), now(), jsonb_build_object('city', $5::text, 'company_name', $6::text), false)`,
		c.name, c.email, c.phone, b.data.accountID, c.city, c.company)
	return err
}

// share is how much longer, at p95, a write takes than the same one without labels.
func (b *searchBench) share(w written) (time.Duration, bool) {
	for _, other := range b.written {
		if w.labelled && !other.labelled && other.what == w.what && other.writers == w.writers {
			return percentile(w.times, 0.95) - percentile(other.times, 0.95), true
		}
	}
	return 0, false
}

func (b *searchBench) writeTable(s *strings.Builder) (missed bool) {
	s.WriteString("| written | labels | writers | p50 | p95 | max | of p95 the label's | goal | |\n|---|---|---|---|---|---|---|---|---|\n")
	for _, w := range b.written {
		labels, verdict, goal, own := "no", "", "", ""
		if share, ok := b.share(w); ok {
			var far bool
			verdict, far = verdictOf(float64(share) / float64(labelGoal))
			missed = missed || far
			labels, goal, own = "yes", "≤ "+labelGoal.String(), milliseconds(share)
		}
		fmt.Fprintf(s, "| %s | %s | %d | %s | %s | %s | %s | %s | %s |\n", w.what, labels, w.writers, milliseconds(percentile(w.times, 0.5)),
			milliseconds(percentile(w.times, 0.95)), milliseconds(percentile(w.times, 1)), own, goal, verdict)
	}
	s.WriteString("\nA write is a whole one, as a client waits for it: sealed, with tags and tokens, on record. The label's part is what it takes longer than the same without labels. The servers here do not flush to disk.\n")
	return missed
}
