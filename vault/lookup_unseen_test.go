package vault

import (
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// maskedAgent is a viewer whose budget no other test spends: all share one Redis.
func maskedAgent() *chat.Viewer {
	return &chat.Viewer{User: &chat.User{ID: 1_000_000 + rand.Int64N(1<<50)}, Masking: chat.Masking{Masked: true, Version: 1}}
}

func byEmail(value string) LookupField {
	return LookupField{Field: chat.FieldEmail, Value: chat.PII(value)}
}

func lookupKey(viewer *chat.Viewer) string {
	return fmt.Sprintf("cloakroom:lookups:{user:%d}", viewer.UserID())
}

// TestLookupWindows walks a clock over both windows: they are exact, and what was refused does not count.
func TestLookupWindows(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	viewer, c := maskedAgent(), newClock()
	r.budgets.lookedUp = func() int64 { return c.now().UnixMilli() }
	ask := func(what string, granted bool, wait time.Duration) {
		t.Helper()
		answer, err := r.budgets.lookup(t.Context(), viewer.UserID())
		if err != nil || answer.granted != granted || answer.wait != wait {
			t.Fatalf("%s: %+v, %v; want granted %t, wait %v", what, answer, err, granted, wait)
		}
	}
	for range 10 {
		ask("the first ten", true, 0)
	}
	c.move(30 * time.Second)
	for range 10 {
		ask("ten more", true, 0)
	}
	for range 5 {
		ask("one too many", false, 30*time.Second)
	}
	c.move(30*time.Second - time.Millisecond)
	ask("just before the first leave the window", false, time.Millisecond)
	c.move(time.Millisecond)
	for range 10 {
		ask("as many as left it", true, 0)
	}
	ask("one more than left it", false, 30*time.Second)
	c.move(time.Hour)
	for range 170 {
		ask("spread over the day", true, 0)
		c.move(4 * time.Second)
	}
	day := 24 * time.Hour
	ask("one over the day's", false, day-time.Minute-time.Hour-170*4*time.Second)
	if n := r.client.ZCard(t.Context(), lookupKey(viewer)).Val(); n != lookupsADay {
		t.Errorf("Redis remembers %d", n)
	}
	c.move(day - time.Minute - time.Hour - 170*4*time.Second)
	for range 10 {
		ask("the next day, as many as left the window", true, 0)
	}
	ask("the next day, one more", false, 30*time.Second)
}

// TestLookupByTheClockOfRedis asks as the program does.
func TestLookupByTheClockOfRedis(t *testing.T) {
	t.Parallel()
	r := newReplica(t, storetest.New(t), nil)
	viewer := maskedAgent()
	for range lookupsAMinute {
		if answer, err := r.budgets.lookup(t.Context(), viewer.UserID()); err != nil || !answer.granted {
			t.Fatalf("%+v, %v", answer, err)
		}
	}
	answer, err := r.budgets.lookup(t.Context(), viewer.UserID())
	if err != nil || answer.granted || answer.wait <= 0 || answer.wait > time.Minute || !answer.fresh {
		t.Errorf("%+v, %v", answer, err)
	}
	scores := r.client.ZRangeWithScores(t.Context(), lookupKey(viewer), 0, 0).Val()
	if at := time.UnixMilli(int64(scores[0].Score)); time.Since(at).Abs() > time.Minute {
		t.Errorf("a look-up of now is kept as of %v", at)
	}
	for _, key := range []string{lookupKey(viewer), lookupKey(viewer) + ":refused"} {
		if ttl := r.client.PTTL(t.Context(), key).Val(); ttl <= 0 || ttl > 24*time.Hour {
			t.Errorf("%s expires in %v", key, ttl)
		}
	}
}

// TestLookupUnseenAcrossReplicas has one agent ask two replicas about two accounts at once.
func TestLookupUnseenAcrossReplicas(t *testing.T) {
	t.Parallel()
	one := newSealed(t)
	two := newReplica(t, one.store, nil)
	viewer, email := maskedAgent(), plainValue(one, everything, "email")
	var granted, refusals atomic.Int64
	var all sync.WaitGroup
	for i := range 60 {
		all.Go(func() {
			r := []*replica{one, two}[i%2]
			account, err := r.findAccount(t.Context(), []int64{schema.Acme, schema.Borealis}[i/2%2])
			if err != nil {
				t.Error(err)
				return
			}
			switch _, err := r.LookupUnseen(t.Context(), viewer, account, byEmail(email)); {
			case err == nil || errors.Is(err, chat.ErrNotFound):
				granted.Add(1)
			case refused(err):
				refusals.Add(1)
			default:
				t.Error(err)
			}
		})
	}
	all.Wait()
	if granted.Load() != lookupsAMinute || refusals.Load() != 60-lookupsAMinute {
		t.Errorf("%d granted, %d refused", granted.Load(), refusals.Load())
	}
	if done, no := one.audited(chat.ContactLookedUp), one.audited(chat.LookupRefused); done != lookupsAMinute || no != 1 {
		t.Errorf("on record are %d look-ups and %d refusals, want %d and 1", done, no, lookupsAMinute)
	}
	sum := one.counted(budgetCounter, "lookup") + two.counted(budgetCounter, "lookup")
	if sum != 60 {
		t.Errorf("the metric says %v", sum)
	}
}

// TestLookupUnseenOnRecord looks up a hit and a miss of each kind: the answers are LookupContact's, both cost the same,
// both are on record before they leave, and no value is on record, in Redis or in the log.
func TestLookupUnseenOnRecord(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme, viewer := r.account(schema.Acme), maskedAgent()
	values := map[chat.Field]string{chat.FieldEmail: plainValue(r, everything, "email"),
		chat.FieldPhone: plainValue(r, everything, "phone_number"), chat.FieldIdentifier: plainValue(r, everything, "identifier")}
	if _, err := r.LookupContact(t.Context(), acme, byEmail("nobody@nowhere.example")); !errors.Is(err, chat.ErrNotFound) {
		t.Fatal(err) // and the account's keys are read
	}
	if err := r.Record(t.Context(), chat.AuditEntry{AccountID: schema.Acme, Action: chat.Refused}); err != nil {
		t.Fatal(err)
	}
	for field, value := range values {
		for result, asked := range map[string]string{"hit": value, "miss": value + "1"} {
			ctx, count := store.WithCount(t.Context())
			ctx, trips := WithBudgetTrips(ctx)
			contact, err := r.LookupUnseen(ctx, viewer, acme, LookupField{Field: field, Value: chat.PII(asked)})
			want := "none"
			switch result {
			case "hit":
				want = chat.FormatID(everything)
				if err != nil || contact.ID != everything {
					t.Fatalf("%v, %v", contact, err)
				}
			default:
				if !errors.Is(err, chat.ErrNotFound) || contact != nil {
					t.Fatalf("%v, %v", contact, err)
				}
			}
			if count.Statements.Load() != 2 || count.RoundTrips.Load() != 2 || trips.Load() != 1 {
				t.Errorf("a %s took %d statements in %d round trips, and %d to Redis", result, count.Statements.Load(), count.RoundTrips.Load(), trips.Load())
			}
			entries, err := r.Entries(t.Context(), schema.Acme, time.Now().Add(-time.Hour), 1)
			if err != nil {
				t.Fatal(err)
			}
			e := entries[0]
			kind := string(LookupField{Field: field}.Kind())
			if e.Action != chat.ContactLookedUp || e.EntityType != "contact" || e.EntityID != want || e.Actor != chat.ActorOf(viewer) {
				t.Errorf("on record is %+v", e)
			}
			if diff := cmp.Diff(map[string]any{"kind": kind, "result": result}, e.Details); diff != "" {
				t.Error(diff)
			}
			text, _ := json.Marshal(e)
			for _, member := range r.client.ZRange(t.Context(), lookupKey(viewer), 0, -1).Val() {
				text = append(text, member...)
			}
			if strings.Contains(string(text), value) || r.journal.has(value) {
				t.Errorf("%s %s left its value behind", result, kind)
			}
		}
	}
}

// TestLookupUnseenRefuses holds the refusals: each fails closed, and costs no look-up.
func TestLookupUnseenRefuses(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	hit := byEmail(plainValue(r, everything, "email"))
	off := *acme
	off.Settings.MaskedLookup = false
	unread := *acme
	unread.Settings = chat.AccountSettings{}
	down := newReplica(t, r.store, redis.NewClient(&redis.Options{Addr: "127.0.0.1:1", MaxRetries: -1}))
	spent := maskedAgent()
	for range lookupsAMinute {
		if _, err := r.budgets.lookup(t.Context(), spent.UserID()); err != nil {
			t.Fatal(err)
		}
	}
	for name, c := range map[string]struct {
		vault   *replica
		viewer  *chat.Viewer
		account *chat.Account
		code    chat.Code
		field   string
		records int
	}{
		"switched off":              {r, maskedAgent(), &off, chat.PIIFilterRejected, "input.email", 0},
		"settings are unread":       {r, maskedAgent(), &unread, chat.PIIFilterRejected, "input.email", 0},
		"the budget is spent":       {r, spent, acme, chat.Limited, "", 1},
		"the budget cannot be read": {down, maskedAgent(), acme, chat.Limited, "", 1},
		"a service":                 {r, &chat.Viewer{Service: &chat.Service{}}, acme, chat.Forbidden, "", 0},
	} {
		for _, records := range []int{c.records, 0} { // a second time, within refusalQuiet
			before := r.audited(chat.LookupRefused)
			contact, err := c.vault.LookupUnseen(t.Context(), c.viewer, c.account, hit)
			var shown *chat.Error
			if !errors.As(err, &shown) || shown.Code != c.code || shown.Field != c.field || contact != nil {
				t.Errorf("%s: %v, %v", name, contact, err)
			}
			if shown != nil && c.code == chat.Limited && strings.Contains(shown.Message, chat.FormatID(c.viewer.UserID())) {
				t.Errorf("%s: %s", name, shown.Message)
			}
			if n := r.audited(chat.LookupRefused) - before; n != records {
				t.Errorf("%s: %d refusals more are on record, want %d", name, n, records)
			}
		}
	}
	if n := r.audited(chat.ContactLookedUp); n != 0 {
		t.Errorf("%d look-ups are on record, none was made", n)
	}
}

// TestLookupUnseenNeedsARecord takes the audit trail away: nobody gets an answer that is not on record.
func TestLookupUnseenNeedsARecord(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme, viewer := r.account(schema.Acme), maskedAgent()
	email := plainValue(r, everything, "email")
	storetest.Exec(t, r.store, `ALTER TABLE cloakroom.audit_entries RENAME TO audit_entries_gone`)
	for _, value := range []string{email, "nobody@nowhere.example"} {
		contact, err := r.LookupUnseen(t.Context(), viewer, acme, byEmail(value))
		if contact != nil || err == nil || chat.CodeOf(err) != chat.Internal || strings.Contains(err.Error(), value) {
			t.Errorf("%v, %v", contact, err)
		}
	}
}
