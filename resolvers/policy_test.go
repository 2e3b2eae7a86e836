package resolvers_test

import (
	"bytes"
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// sees tells whether the viewer is shown an address of account 1, and fails when value and state do not agree.
func sees(t testing.TB, e *edge, viewer string) bool {
	t.Helper()
	return seesIn(t, e, viewer, "1", "1")
}

func seesIn(t testing.TB, e *edge, viewer, account, contact string) bool {
	t.Helper()
	var answer struct {
		Account struct {
			Contact struct {
				Email      *string
				EmailState string
			}
		}
	}
	e.ask(t, viewer, `query ($a: ID!, $c: ID!) { account(id: $a) { contact(id: $c) { email emailState } } }`,
		map[string]any{"a": account, "c": contact}).data(t, &answer)
	c := answer.Account.Contact
	if (c.Email != nil) != (c.EmailState == "VISIBLE") || c.EmailState == "ABSENT" {
		t.Fatalf("%s: email %v with state %s", viewer, c.Email != nil, c.EmailState)
	}
	return c.Email != nil
}

// setMasking has the super admin decide.
func setMasking(t testing.TB, e *edge, agent int64, masked bool, version int) {
	t.Helper()
	e.ask(t, "root", fmt.Sprintf(`mutation { setPiiMasking(input: {agentId: "%d", masked: %t, reason: "as agreed", expectedVersion: %d}) { agent { id } } }`,
		agent, masked, version), nil).data(t, new(any))
}

func setFlag(t testing.TB, e *edge, account int64, on bool) {
	t.Helper()
	e.ask(t, "root", fmt.Sprintf(`mutation { setFeatureFlag(input: {accountId: "%d", name: "contact_pii_masking", enabled: %t, reason: "as agreed"}) { feature { name } } }`,
		account, on), nil).data(t, new(any))
}

// listen has a replica hear what others have changed, as `cloakroom serve` does.
func listen(t testing.TB, e *edge) {
	t.Helper()
	ready := make(chan struct{})
	var done sync.WaitGroup
	done.Go(func() {
		e.bus.Listen(t.Context(), func() { close(ready) }, func(event events.Event) {
			if event.Kind == events.AccountChanged {
				e.auth.ForgetAll()
				return
			}
			e.auth.Forget(event.ID)
		})
	})
	t.Cleanup(done.Wait) // the test's context ends before its cleanups run
	<-ready
}

// frozen is a clock that stands: what a replica remembers never runs out, so that only an event can make it forget.
func frozen() auth.Option {
	now := time.Now()
	return auth.WithClock(func() time.Time { return now })
}

// replicas gives two of one installation. Told ones hear what the other has changed, and would never learn of it
// otherwise; untold ones hear nothing, so that the wait of the change itself must do.
func replicas(t *testing.T, told bool) (here, there *edge, inForce func(what string, holds func() bool)) {
	t.Helper()
	s, client := sealedDemo.Clone(t), leaseRedis(t)
	if !told {
		return newReplica(t, s, client), newReplica(t, s, client), func(what string, holds func() bool) {
			t.Helper()
			if !holds() {
				t.Errorf("%s: not in force on the other replica when it was answered", what)
			}
		}
	}
	here, there = newReplica(t, s, client, frozen()), newReplica(t, s, client, frozen())
	listen(t, there)
	return here, there, func(what string, holds func() bool) {
		t.Helper()
		eventually(t, time.Second, what+" on the other replica", holds)
	}
}

var manners = map[string]bool{"told by an event": true, "told by nobody": false}

func TestMaskingIsInForceOnTheNextRequest(t *testing.T) {
	t.Parallel()
	for name, told := range manners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there, inForce := replicas(t, told)
			changes := []struct {
				viewer string
				agent  int64
				masked bool
			}{{"exempt", schema.Eve, true}, {"exempt", schema.Eve, false}, {"masked", schema.Max, false}}
			for i, c := range changes {
				version := []int{1, 2, 1}[i]
				if sees(t, here, c.viewer) != c.masked || sees(t, there, c.viewer) != c.masked {
					t.Fatalf("change %d: %s starts out wrong", i, c.viewer)
				}
				setMasking(t, here, c.agent, c.masked, version)
				inForce(fmt.Sprintf("change %d", i), func() bool { return sees(t, there, c.viewer) != c.masked })
				if sees(t, here, c.viewer) == c.masked {
					t.Errorf("change %d: the very next answer of the replica that made it is the old one", i)
				}
			}
		})
	}
}

func TestFlagIsInForceOnTheNextRequest(t *testing.T) {
	t.Parallel()
	for name, told := range manners {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			here, there, inForce := replicas(t, told)
			for _, on := range []bool{true, false, true} {
				setFlag(t, here, schema.Acme, on)
				inForce("the flag", func() bool { return sees(t, there, "masked") != on })
				if sees(t, here, "masked") == on {
					t.Errorf("flag %t: the next answer is the old one", on)
				}
				if !sees(t, here, "exempt") || !sees(t, here, "pii-service") || sees(t, here, "reader-service") {
					t.Errorf("flag %t: it concerns users who are masked, and nobody else", on)
				}
			}
		})
	}
}

// An answer that was decided before a change and is held up until after it is decided again: the request hangs at a
// table while the other replica is changed.
func TestAnAnswerThatIsLateIsDecidedAgain(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"contacts", "cloakroom.contacts"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			here, there, _ := replicas(t, false)
			if !sees(t, there, "exempt") {
				t.Fatal("the viewer is masked already")
			}
			release := hold(t, here.store, table)
			var late reply
			var asking sync.WaitGroup
			asking.Go(func() {
				late = there.ask(t, "exempt", `{ account(id: "1") { contact(id: "1") { email phoneNumber emailState } } }`, nil)
			})
			eventually(t, 10*time.Second, "the request hangs", func() bool {
				return storetest.Value[bool](t, here.store, `SELECT count(*) > 0 FROM pg_stat_activity
					WHERE datname = current_database() AND wait_event_type = 'Lock'`)
			})
			setMasking(t, here, schema.Eve, true, 1)
			release()
			asking.Wait()
			if bytes.Contains(late.body, []byte("example.")) || !bytes.Contains(late.body, []byte(`"HIDDEN"`)) {
				t.Errorf("after the change was answered, this left: %s", late.body)
			}
		})
	}
}

// hold locks a table until it is released.
func hold(t testing.TB, s *store.Store, table string) (release func()) {
	t.Helper()
	held, ended := make(chan error, 1), make(chan struct{})
	var holding sync.WaitGroup
	holding.Go(func() {
		err := s.InTx(context.WithoutCancel(t.Context()), func(tx *store.Store) error {
			err := tx.RunScript(t.Context(), `LOCK TABLE `+table+` IN ACCESS EXCLUSIVE MODE`)
			held <- err
			<-ended
			return err
		})
		if err != nil {
			t.Errorf("hold %s: %v", table, err)
		}
	})
	release = sync.OnceFunc(func() { close(ended); holding.Wait() })
	t.Cleanup(release)
	if <-held != nil {
		t.FailNow()
	}
	return release
}

// Who is not waited for is told so: the change is made all the same, and the setting of an agent says it.
func TestAChangeThatIsNotWaitedForIsMade(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	ctx, cancel := context.WithTimeout(t.Context(), 500*time.Millisecond)
	defer cancel()
	answer := e.send(ctx, newRequest(t, "root", `mutation { setPiiMasking(input: {agentId: "4", masked: true, reason: "as agreed", expectedVersion: 1}) { agent { id } } }`, nil))
	if code, _ := fault(t, answer); code != string(chat.Limited) {
		t.Errorf("answer %s, want LIMITED", answer.body)
	}
	if sees(t, e, "exempt") {
		t.Error("the change was not made")
	}
}

func TestUnreadablePolicyMasksEverybody(t *testing.T) {
	t.Parallel()
	for _, table := range []string{"agent_masking", "account_flags", "accounts"} {
		t.Run(table, func(t *testing.T) {
			t.Parallel()
			e := newEdge(t)
			storetest.Exec(t, e.store, `ALTER TABLE cloakroom.`+table+` RENAME TO gone`)
			for _, viewer := range []string{"masked", "exempt", "admin", "root", "unset"} {
				if sees(t, e, viewer) {
					t.Errorf("%s is shown an address", viewer)
				}
				var answer struct{ Viewer struct{ Masked bool } }
				e.ask(t, viewer, `{ viewer { masked(accountId: "1") } }`, nil).data(t, &answer)
				if !answer.Viewer.Masked {
					t.Errorf("%s is not said to be masked", viewer)
				}
			}
		})
	}
}

func TestContactsThatCameLaterAreMasked(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	const insert = `INSERT INTO contacts (id, account_id, name, email, phone_number, created_at, updated_at)
 VALUES ($1, $2, 'late.comer@example.com', 'late.comer@example.com', '+15557654321', now(), now())`
	storetest.Exec(t, e.store, insert, 9001, schema.Borealis)
	if !seesIn(t, e, "stranger", "2", "9001") {
		t.Fatal("Borealis masks nobody yet")
	}
	setFlag(t, e, schema.Borealis, true)
	if seesIn(t, e, "stranger", "2", "9001") {
		t.Error("the new contact of an account that is not sealed is shown")
	}
	// Where everything is sealed, a row that Rails wrote since has no sealed twin: its plain columns are not read.
	storetest.Exec(t, e.store, insert, 9002, schema.Acme)
	for _, viewer := range []string{"masked", "exempt"} {
		answer := e.ask(t, viewer, `{ account(id: "1") { contact(id: "9002") { email name contactInboxes { sourceId } } } }`, nil)
		if viewer == "masked" {
			late := leaktest.NewNeedles()
			late.Plant("late contact", "late.comer@example.com")
			mustBeClean(t, late, viewer, answer.body)
		} else if code, _ := fault(t, answer); code != string(chat.SealedUnreadable) {
			t.Errorf("%s: code %q: a plain column of a sealed account was read", viewer, code)
		}
	}
}
