package resolvers_test

import (
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// BenchmarkServiceRead asks the four workloads as a service, and puts what each shows on record once more by itself, in
// turn: what the entry costs a read. It reports the medians, and how long an answer takes for every one without its entry.
func BenchmarkServiceRead(b *testing.B) {
	e := newReplica(b, sealedDemo.Clone(b), leaseRedis(b), frozen())
	for _, w := range workloads {
		b.Run(w.name, func(b *testing.B) {
			onRecord(b, e)
			e.ask(b, "everything", w.query, askers[3].variables(25))
			found, _ := onRecord(b, e)
			var readings []chat.Reading
			for _, kind := range chat.Kinds {
				for _, id := range found["1 "+string(kind)] {
					readings = append(readings, chat.Reading{AccountID: schema.Acme, Of: chat.Whose{Kind: chat.ContactRecord, ID: id}, Kind: kind})
				}
			}
			var whole, entry []time.Duration
			for b.Loop() {
				start := time.Now()
				e.ask(b, "everything", w.query, askers[3].variables(25))
				asked := time.Now()
				if err := e.vault.RecordReads(b.Context(), readings); err != nil {
					b.Fatal(err)
				}
				whole, entry = append(whole, asked.Sub(start)), append(entry, time.Since(asked))
			}
			slices.Sort(whole)
			slices.Sort(entry)
			answer, record := whole[len(whole)/2], entry[len(entry)/2]
			b.ReportMetric(float64(answer.Microseconds()), "µs-answer")
			b.ReportMetric(float64(record.Microseconds()), "µs-entry")
			b.ReportMetric(answer.Seconds()/(answer-record).Seconds(), "ratio")
		})
	}
}
