package vault

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// gauge reads a metric without labels, -1 where there is none.
func (r *trail) gauge(name string) float64 {
	r.t.Helper()
	families, err := r.registry.Gather()
	if err != nil {
		r.t.Fatal(err)
	}
	for _, f := range families {
		if f.GetName() == name {
			return f.GetMetric()[0].GetGauge().GetValue()
		}
	}
	return -1
}

// TestASequencerThatStandsStillIsSeen: the trail says how long its entries have been waiting, whatever time they say that
// they are of, and says 0 when nothing waits.
func TestASequencerThatStandsStillIsSeen(t *testing.T) {
	t.Parallel()
	const unnumbered, unsigned = "cloakroom_audit_unnumbered_seconds", "cloakroom_audit_unsigned_seconds"
	r := newTrail(t)
	r.write(schema.Acme, 3)
	r.write(schema.Borealis, 1)
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET occurred_at = now() - interval '10 minutes' WHERE account_id = 1`)
	if waits, signed := r.gauge(unnumbered), r.gauge(unsigned); waits < 600 || waits > 900 || signed != 0 {
		t.Errorf("nothing is numbered, and the oldest has been waiting for %v s, for a signature %v s", waits, signed)
	}
	r.number()
	if waits, signed := r.gauge(unnumbered), r.gauge(unsigned); waits != 0 || signed < 600 || signed > 900 {
		t.Errorf("all is numbered, and the oldest has been waiting for %v s, for a signature %v s", waits, signed)
	}
	r.prove()
	if waits, signed := r.gauge(unnumbered), r.gauge(unsigned); waits != 0 || signed != 0 {
		t.Errorf("all is signed, and the oldest has been waiting for %v s, for a signature %v s", waits, signed)
	}
	r.write(schema.Acme, 1)
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET occurred_at = 'infinity' WHERE entry_id = (SELECT max(entry_id) FROM cloakroom.audit_entries)`)
	if waits := r.gauge(unnumbered); waits < 1e9 {
		t.Errorf("an entry of no time has been waiting for %v s", waits)
	}
	r.AuditLog.Key = nil
	if signed := r.gauge(unsigned); signed != -1 {
		t.Errorf("nothing signs, and an entry has been waiting for a signature for %v s", signed)
	}
}

// TestATrailThatIsBrokenHoldsUpNoOther: neither an entry of no time nor a tree that cannot be gone on with keeps the entries
// of other accounts from their numbers and signatures.
func TestATrailThatIsBrokenHoldsUpNoOther(t *testing.T) {
	t.Parallel()
	r := proven(t)
	r.write(schema.Acme, 1)
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_entries SET occurred_at = '-infinity' WHERE entry_id = (SELECT max(entry_id) FROM cloakroom.audit_entries)`)
	r.prove()
	if found, _ := r.verifyAudit(true); found != nil {
		t.Errorf("an entry that never said another time than it does: %q", found)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.audit_trees SET hashes = '{}' WHERE account_id = 1`)
	r.write(schema.Acme, 1)
	r.write(schema.Borealis, 2)
	leaves := func() int64 {
		return storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.audit_leaves WHERE account_id = 2`)
	}
	before := leaves()
	r.until("the other account's entries have their numbers", func() bool {
		if err := r.sequenceAll(t.Context()); err != nil && !strings.Contains(err.Error(), "account 1") {
			t.Fatal(err)
		}
		return leaves() == before+2
	})
	r.age("2 minutes")
	if err := r.signAll(t.Context()); err != nil && !strings.Contains(err.Error(), "account 1") {
		t.Fatal(err)
	}
	if signed := storetest.Value[int64](t, r.store, `SELECT max(size) FROM cloakroom.audit_checkpoints WHERE account_id = 2`); signed != before+2 {
		t.Errorf("%d entries of the other account are signed, want %d", signed, before+2)
	}
}
