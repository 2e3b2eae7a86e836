package vault

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// signer is a key that signs checkpoints, and the trust in it.
func signer(t testing.TB) (*proof.Key, proof.Trusted) {
	t.Helper()
	private, public, err := proof.NewKey()
	if err != nil {
		t.Fatal(err)
	}
	key, err := proof.ParseKey(private)
	if err != nil {
		t.Fatal(err)
	}
	trusted, err := proof.ParseTrusted(public)
	if err != nil {
		t.Fatal(err)
	}
	return key, trusted
}

// trail is a database whose audit trail is proven into a directory.
type trail struct {
	*replica
	trusted   proof.Trusted
	directory string
}

func newTrail(t testing.TB) *trail {
	t.Helper()
	r := &trail{replica: newReplica(t, storetest.WithDemo(t), nil), directory: t.TempDir()}
	r.AuditLog.Key, r.trusted = signer(t)
	r.AuditLog.Destinations = []AuditDestination{{Name: "file://test", Put: r.put}}
	return r
}

func (r *trail) put(_ context.Context, name string, note []byte) error {
	at := filepath.Join(r.directory, name)
	if there, err := os.ReadFile(at); err == nil && string(there) != string(note) {
		return fmt.Errorf("another checkpoint lies there")
	}
	if err := os.MkdirAll(filepath.Dir(at), 0o700); err != nil {
		return err
	}
	return os.WriteFile(at, note, 0o600)
}

// write puts entries on record.
func (r *trail) write(account int64, n int) {
	r.t.Helper()
	for i := range n {
		entry := chat.AuditEntry{AccountID: account, Actor: chat.Actor{Kind: "AGENT", ID: chat.FormatID(int64(i % 5))}, Action: chat.Refused,
			EntityType: "user", EntityID: chat.FormatID(int64(i)), RequestID: fmt.Sprint("request ", i), Details: map[string]any{"n": i}}
		if err := r.Record(r.t.Context(), entry); err != nil {
			r.t.Fatal(err)
		}
	}
}

// number gives every entry its number: others' transactions on the same server may hold that up.
func (r *trail) number() {
	r.t.Helper()
	r.until("every entry has a number", func() bool {
		if err := r.sequenceAll(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
		return storetest.Value[bool](r.t, r.store, `SELECT (SELECT count(*) FROM cloakroom.audit_entries) = (SELECT count(*) FROM cloakroom.audit_leaves)`)
	})
}

func (r *trail) until(what string, so func() bool) {
	r.t.Helper()
	deadline := time.After(time.Minute)
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline:
			r.t.Fatalf("it does not become true that %s", what)
		case <-tick.C:
		}
	}
}

// prove numbers, signs and delivers, as if a minute had passed since the last time.
func (r *trail) prove() {
	r.t.Helper()
	r.number()
	r.age("2 minutes")
	for _, do := range []func(context.Context) error{r.signAll, r.deliverAll} {
		if err := do(r.t.Context()); err != nil {
			r.t.Fatal(err)
		}
	}
}

// age moves checkpoints into the past together with what they sign of it: the key signs them again.
func (r *trail) age(by string) {
	r.t.Helper()
	due := `UPDATE cloakroom.audit_checkpoints SET signed_at = signed_at - $1::interval`
	storetest.Exec(r.t, r.store, due, by)
	r.resign()
}

// resign has the key of the trail sign every checkpoint as its row says, in the database and outside.
func (r *trail) resign() {
	r.t.Helper()
	for _, account := range []int64{0, schema.Acme, schema.Borealis} {
		list, err := r.store.ListCheckpoints(r.t.Context(), account, 0, 1000)
		if err != nil {
			r.t.Fatal(err)
		}
		for _, c := range list {
			note, err := r.AuditLog.Key.Sign(proof.Checkpoint{AccountID: account, Number: c.Number, Size: c.Size, Root: proof.Hash(c.Root), SignedAt: c.SignedAt})
			if err != nil {
				r.t.Fatal(err)
			}
			storetest.Exec(r.t, r.store, `UPDATE cloakroom.audit_checkpoints SET note = $3 WHERE account_id = $1 AND number = $2`, account, c.Number, note)
			at := filepath.Join(r.directory, fmt.Sprintf("account-%d/%012d.checkpoint", account, c.Number))
			if _, err := os.Stat(at); err == nil {
				if err := os.WriteFile(at, []byte(note), 0o600); err != nil {
					r.t.Fatal(err)
				}
			}
		}
	}
}

// verify gives what is wrong, as lines of kind and text.
func (r *trail) verifyAudit(copies bool) (found []string, verdicts map[int64]proof.Verdict) {
	r.t.Helper()
	given := AuditVerification{AccountID: -1, Trusted: r.trusted}
	if copies {
		list, wrong, err := ReadAuditCopies(os.DirFS(r.directory), "copies", r.trusted)
		if err != nil {
			r.t.Fatal(err)
		}
		given.Copies = list
		for _, f := range wrong {
			found = append(found, fmt.Sprintf("%s %s", f.Kind, f.Text))
		}
	}
	list, err := VerifyAudit(r.t.Context(), r.store, given)
	if err != nil {
		r.t.Fatal(err)
	}
	verdicts = make(map[int64]proof.Verdict)
	for _, v := range list {
		verdicts[v.AccountID] = v
		for _, f := range v.Findings {
			found = append(found, fmt.Sprintf("%d %s %s", f.AccountID, f.Kind, f.Text))
		}
	}
	return found, verdicts
}

// TestTrailIsProven: what was written before there was a proof is part of it, every account has its own tree, and the
// window is told.
func TestTrailIsProven(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	r.write(schema.Acme, 300)
	r.write(schema.Borealis, 3)
	r.prove()
	r.write(schema.Acme, 2)
	if found, v := r.verifyAudit(true); found != nil || v[schema.Acme].Newer != 2 || v[schema.Acme].Entries+v[schema.Acme].Waiting != 302 || v[schema.Acme].NewestNumber != 1 ||
		v[schema.Borealis].Copies != 1 || v[schema.Borealis].Newer != 0 {
		t.Errorf("%q, %+v", found, v)
	}
	r.prove()
	if found, v := r.verifyAudit(true); found != nil || v[schema.Acme].Newer != 0 || v[schema.Acme].Checkpoints != 2 || v[schema.Acme].Copies != 2 || v[schema.Borealis].Checkpoints != 1 {
		t.Errorf("%q, %+v", found, v)
	}
	if behind, err := r.store.CountBehind(t.Context(), "file://test", 0); err != nil || behind != 0 {
		t.Errorf("%d accounts are behind, %v", behind, err)
	}
}

// TestCheckpointsHaveTheirTime: at most one a minute while the tree grows, and one a day when it does not.
func TestCheckpointsHaveTheirTime(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	signed := func() int64 {
		if err := r.signAll(t.Context()); err != nil {
			t.Fatal(err)
		}
		return storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.audit_checkpoints WHERE account_id = 1`)
	}
	r.write(schema.Acme, 1)
	r.number()
	first := signed()
	r.write(schema.Acme, 1)
	r.number()
	within := signed()
	r.age("61 seconds")
	moved := signed()
	r.age("23 hours")
	still := signed()
	r.age("1 hour")
	daily := signed()
	if got := []int64{first, within, moved, still, daily}; fmt.Sprint(got) != "[1 1 2 2 3]" {
		t.Errorf("%v checkpoints", got)
	}
	if found, _ := r.verifyAudit(false); found != nil {
		t.Errorf("%q", found)
	}
	r.age("25 hours")
	r.AuditLog.Key = nil
	if n := signed(); n != 3 {
		t.Errorf("%d checkpoints, one of them without a key", n)
	}
}

// TestDestinationsThatFail are tried again later and later, keep no other waiting, and get everything in order.
func TestDestinationsThatFail(t *testing.T) {
	t.Parallel()
	r := newTrail(t)
	var got []string
	down := true
	r.AuditLog.Destinations = append([]AuditDestination{{Name: "https://hook/#1", Put: func(_ context.Context, name string, _ []byte) error {
		if down {
			return fmt.Errorf("it answers 503")
		}
		got = append(got, name)
		return nil
	}}}, r.AuditLog.Destinations...)
	for range 7 {
		r.write(schema.Acme, 1)
		r.prove()
	}
	attempts := func() int64 {
		return storetest.Value[int64](t, r.store, `SELECT attempts FROM cloakroom.audit_deliveries WHERE destination LIKE 'https:%'`)
	}
	if n := attempts(); n != 1 || len(got) != 0 {
		t.Errorf("%d attempts within the pause", n)
	}
	if !r.journal.has("a destination of the audit trail is behind") {
		t.Error("nobody is told")
	}
	if behind, err := r.store.CountBehind(t.Context(), "https://hook/#1", 0); err != nil || behind != 1 {
		t.Errorf("%d accounts are behind, %v", behind, err)
	}
	if found, v := r.verifyAudit(true); found != nil || v[schema.Acme].Copies != 7 {
		t.Errorf("the other destination: %q, %+v", found, v)
	}
	for i := range 3 {
		storetest.Exec(t, r.store, `UPDATE cloakroom.audit_deliveries SET next_try_at = now()`)
		down = i == 0
		if err := r.deliverAll(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if len(got) != 7 || got[0] != "account-1/000000000001.checkpoint" || got[6] != "account-1/000000000007.checkpoint" || attempts() != 0 {
		t.Errorf("%v, %d attempts", got, attempts())
	}
	if err := r.deliverAll(t.Context()); err != nil || len(got) != 7 {
		t.Errorf("what lies there was delivered again: %v, %v", got, err)
	}
}
