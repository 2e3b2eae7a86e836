package resolvers_test

import "testing"

// BenchmarkServiceRead asks the four workloads as a service, whose reads are on record, and as a user who sees the same by
// right. vault.BenchmarkRecordReads is the entry's part alone.
func BenchmarkServiceRead(b *testing.B) {
	e := newReplica(b, sealedDemo.Clone(b), leaseRedis(b), frozen())
	for _, w := range workloads {
		for _, viewer := range []string{"everything", "exempt"} {
			b.Run(w.name+" by "+viewer, func(b *testing.B) {
				for b.Loop() {
					e.ask(b, viewer, w.query, askers[3].variables(25))
				}
			})
		}
	}
}
