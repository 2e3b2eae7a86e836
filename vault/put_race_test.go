package vault

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestPutContactWritersLoseNothing(t *testing.T) {
	t.Parallel()
	one := newSealed(t)
	two := newReplica(t, one.store, nil)
	const rounds = 8
	fields := map[chat.Field]string{chat.FieldEmail: "w%d@example.org", chat.FieldPhone: "+35191234567%d", chat.FieldIdentifier: "crm-w%d",
		chat.FieldName: "Name %d", chat.FieldProfile: `{"city":"C%d"}`, chat.FieldCustomAttributes: `{"k":%d}`}
	var writers sync.WaitGroup
	for f, format := range fields {
		writers.Go(func() {
			for i := range rounds {
				r := []*replica{one, two}[i%2]
				r.put(everything, changes{f: to(fmt.Sprintf(format, i))})
			}
		})
	}
	writers.Wait()
	c := two.contacts(two.account(schema.Acme), everything)[0]
	c.ListedName = plainValue(two, everything, "name")
	for f, format := range fields {
		v := &c.Values
		if f == chat.FieldProfile || f == chat.FieldCustomAttributes {
			v = &c.Attributes
		}
		got := show(v.Get(f))
		if f == chat.FieldName {
			got, _ = c.FullName()
		}
		if want := fmt.Sprintf(format, rounds-1); got != want {
			t.Errorf("%s is %q, want %q", fieldNames[f], got, want)
		}
	}
	version := storetest.Value[int64](t, one.store, `SELECT row_version FROM cloakroom.contacts WHERE account_id = 1 AND contact_id = $1`, everything)
	if want := int64(1 + rounds*len(fields)); version != want {
		t.Errorf("row version %d, want %d", version, want)
	}
}

// TestPutContactReadersRace has readers fill the cache all the while: after a change returns, nobody reads what was.
func TestPutContactReadersRace(t *testing.T) {
	t.Parallel()
	writer := newSealed(t)
	reader := newReplica(t, writer.store, nil)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			account := reader.account(schema.Acme)
			for ctx.Err() == nil {
				c := &chat.Contact{ID: everything, AccountID: schema.Acme}
				if err := reader.Load(t.Context(), account, Rows{Contacts: []*chat.Contact{c}}); err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Email(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 40 {
		want := fmt.Sprintf("race%d@example.org", i)
		writer.put(everything, changes{chat.FieldEmail: to(want)})
		for range 3 {
			if got := reader.email(everything); got != want {
				t.Errorf("change %d: %s", i, got)
			}
		}
	}
	stop()
	readers.Wait()
}

// dropFails lets a client's drops fail, and counts what it publishes. Fills carry NX, drops do not.
type dropFails struct {
	failing   atomic.Bool
	after     atomic.Int64 // drops that still succeed
	published atomic.Int64
}

var errDrop = errors.New("no connection")

func (h *dropFails) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *dropFails) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "publish" {
			h.published.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (h *dropFails) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		drop := cmds[0].Name() == "set" && fmt.Sprint(cmds[0].Args()[len(cmds[0].Args())-1]) != "nx"
		if drop && h.failing.Load() && h.after.Add(-1) < 0 {
			for _, cmd := range cmds {
				cmd.SetErr(errDrop)
			}
			return errDrop
		}
		return next(ctx, cmds)
	}
}

func TestPutContactRedisFails(t *testing.T) {
	t.Parallel()
	for name, succeed := range map[string]int64{"before the commit": 0, "after the commit": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			writer := newSealed(t)
			hook := new(dropFails)
			writer.client.AddHook(hook)
			reader := newReplica(t, writer.store, nil)
			before := reader.account(schema.Acme).Settings.CacheEpoch
			if old := reader.email(everything); old != plainValue(reader, everything, "email") {
				t.Fatal(old)
			}
			reader.Settle()
			hook.after.Store(succeed)
			hook.failing.Store(true)
			writer.put(everything, changes{chat.FieldEmail: to("down@example.org")})
			for _, r := range []*replica{reader, writer} {
				if got := r.email(everything); got != "down@example.org" {
					t.Errorf("read %q", got)
				}
			}
			if e := reader.account(schema.Acme).Settings.CacheEpoch; e <= before {
				t.Errorf("epoch %d after %d", e, before)
			}
			if hook.published.Load() == 0 {
				t.Error("other replicas were not told")
			}
			hook.failing.Store(false)
			writer.put(everything, changes{chat.FieldEmail: to("up@example.org")})
			if got := reader.email(everything); got != "up@example.org" {
				t.Errorf("read %q", got)
			}
		})
	}
}

// TestPutContactOfAnOldEpoch: the epoch moved since the caller read the account; the record under the new one goes.
func TestPutContactOfAnOldEpoch(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	stale := r.account(schema.Acme)
	if err := r.store.MoveCacheEpoch(t.Context(), schema.Acme); err != nil {
		t.Fatal(err)
	}
	_ = r.email(everything)
	r.Settle()
	if err := r.PutContact(t.Context(), stale, everything, changes{chat.FieldEmail: to("stale@example.org")}); err != nil {
		t.Fatal(err)
	}
	if got := r.email(everything); got != "stale@example.org" {
		t.Error(got)
	}
}

// TestPutContactRollsBack: the caller goes away in the middle, and nothing has happened.
func TestPutContactRollsBack(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	before := r.whole(everything)
	ctx, cancel := context.WithCancel(t.Context())
	err := r.store.InTx(t.Context(), func(tx *store.Store) error { // holds the row, so that the change waits for it
		if _, err := tx.LockContact(t.Context(), schema.Acme, everything); err != nil {
			return err
		}
		done := make(chan error)
		go func() {
			done <- r.PutContact(ctx, r.account(schema.Acme), everything, changes{chat.FieldEmail: to("x@example.org")})
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.whole(everything)); diff != "" {
		t.Error(diff)
	}
}
