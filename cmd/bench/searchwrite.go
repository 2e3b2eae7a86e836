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
	what    string
	writers int
	times   []time.Duration
	goal    time.Duration // for p95; 0 is none
}

// labelGoal is how long placing one contact may take.
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
		with, goal := "with labels", labelGoal
		if !labels {
			with, goal = "without labels", 0
		}
		for _, writers := range []int{1, 3} {
			for _, w := range []struct {
				what string
				do   func(context.Context, int) error
			}{{"a contact created, " + with, b.create}, {"an e-mail address changed, " + with, b.move}} {
				if err := b.timeWrites(ctx, w.what, writers, goal, w.do); err != nil {
					return err
				}
			}
		}
	}
	for _, writers := range []int{1, 3} {
		if err := b.timeWrites(ctx, "twin: a row inserted", writers, 0, b.insert); err != nil {
			return err
		}
	}
	return nil
}

// timeWrites does a write n times from several goroutines.
func (b *searchBench) timeWrites(ctx context.Context, what string, writers int, goal time.Duration, do func(ctx context.Context, i int) error) error {
	var next atomic.Int64
	var group sync.WaitGroup
	times, errs := make([][]time.Duration, writers), make([]error, writers)
	for w := range writers {
		group.Go(func() {
			for i := next.Add(1) - 1; i < writes*int64(writers) && errs[w] == nil; i = next.Add(1) - 1 {
				began := time.Now()
				errs[w] = do(ctx, int(i))
				times[w] = append(times[w], time.Since(began))
			}
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
	all := slices.Concat(times...)
	slices.Sort(all)
	b.written = append(b.written, written{what, writers, all, goal})
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

func (b *searchBench) writeTable(s *strings.Builder) (missed bool) {
	s.WriteString("| written | writers | p50 | p95 | max | goal | |\n|---|---|---|---|---|---|---|\n")
	for _, w := range b.written {
		p95 := percentile(w.times, 0.95)
		verdict, far, goal := "", false, ""
		if w.goal > 0 {
			verdict, far = verdictOf(float64(p95) / float64(w.goal))
			goal = "p95 ≤ " + w.goal.String()
		}
		missed = missed || far
		fmt.Fprintf(s, "| %s | %d | %s | %s | %s | %s | %s |\n", w.what, w.writers, milliseconds(percentile(w.times, 0.5)),
			milliseconds(p95), milliseconds(percentile(w.times, 1)), goal, verdict)
	}
	s.WriteString("\nA write is a whole one, as a client waits for it: sealed, with tags and tokens, on record. What a label costs is the difference. The servers here do not flush to disk.\n")
	return missed
}
