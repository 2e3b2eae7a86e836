package main

import (
	"fmt"
	"runtime"
	"strings"
	"time"
)

// report is the outcome as Markdown; missed says that a goal was missed by more than the machine's noise.
func (b *searchBench) report(took time.Duration) (text string, missed bool) {
	var s strings.Builder
	d, f := b.data, b.figures
	fmt.Fprintf(&s, "# Search over sealed data against plaintext\n\n%d messages and %d contacts of one account, the messages in the %d months up to %s; %s, %s, %d processors; the whole run took %.0f s.\n",
		d.messages, d.contacts, d.months, d.ended.Format("2006-01-02"), b.server, runtime.Version(), runtime.NumCPU(), took.Seconds())
	fmt.Fprintf(&s, "Texts are generated: %d distinct words, of which the middle one is in %d messages, one in a hundred in %d or more, and the commonest in %d; %.1f distinct words and %.0f characters a message.\n",
		f.distinct, f.median, f.p99, f.most, f.perMessage, f.characters)
	fmt.Fprintf(&s, "Both sides are asked by one process, one question at a time, in turn, warm, %d times each; the twin by whichever of its ways was quickest. A sealed answer is what the product gives: found, verified, opened. Answers are equal (%d of each sort compared).\n\n",
		timedRounds, checked)
	for _, part := range []func(*strings.Builder) bool{b.questionTable, b.writeTable, b.speedTable, b.weightTable} {
		missed = part(&s) || missed
		s.WriteByte('\n')
	}
	return s.String(), missed
}

func (b *searchBench) questionTable(s *strings.Builder) (missed bool) {
	s.WriteString("| | | sealed p50 | p95 | max | twin p50 | p95 | max | ratio p50 | ratio p95 | goal | | rows an answer | twin's way |\n|---|---|---|---|---|---|---|---|---|---|---|---|---|---|\n")
	for _, q := range b.asked {
		verdict, far := q.verdict()
		missed = missed || far
		rows := fmt.Sprintf("%.1f", float64(q.hits)/float64(q.n))
		if q.partial > 0 {
			rows += fmt.Sprintf(", %d of %d partial", q.partial, q.n)
		}
		fmt.Fprintf(s, "| %s | %s | %s | %s | %s | %s | %s | %s | %.2f | %.2f | %s | %s | %s | %s |\n", q.group, q.title,
			milliseconds(percentile(q.sealedTimes, 0.5)), milliseconds(percentile(q.sealedTimes, 0.95)), milliseconds(percentile(q.sealedTimes, 1)),
			milliseconds(percentile(q.plains, 0.5)), milliseconds(percentile(q.plains, 0.95)), milliseconds(percentile(q.plains, 1)),
			q.ratio(0.5), q.ratio(0.95), q.goals, verdict, rows, q.best.name)
	}
	return missed
}

// String says what a question is held to.
func (g goals) String() string {
	var list []string
	if g.p95 > 0 {
		list = append(list, "p95 ≤ "+g.p95.String())
	}
	if g.ratio > 0 {
		list = append(list, fmt.Sprintf("p%.0f ≤ %.0fx", 100*g.of, g.ratio))
	}
	return strings.Join(list, ", ")
}

// verdict says whether the goals are met.
func (q *question) verdict() (text string, far bool) {
	over := 0.0
	if q.goals.p95 > 0 {
		over = max(over, float64(percentile(q.sealedTimes, 0.95))/float64(q.goals.p95))
	}
	if q.goals.ratio > 0 {
		over = max(over, q.ratio(q.goals.of)/q.goals.ratio)
	}
	return verdictOf(over)
}

// verdictOf says how far a figure is over its goal; 0 is no goal.
func verdictOf(over float64) (text string, far bool) {
	switch {
	case over == 0:
		return "", false
	case over > tolerance:
		return "**missed**", true
	case over > 1:
		return "missed by less than 25 %", false
	}
	return "met", false
}

func milliseconds(d time.Duration) string {
	return fmt.Sprintf("%.2f ms", float64(d)/float64(time.Millisecond))
}

func (b *searchBench) speedTable(s *strings.Builder) bool {
	s.WriteString("| made | rows | seconds | rows/s |\n|---|---|---|---|\n")
	for _, v := range b.speeds {
		fmt.Fprintf(s, "| %s | %d | %.1f | %.0f |\n", v.what, v.rows, v.took.Seconds(), float64(v.rows)/max(v.took.Seconds(), 0.001))
	}
	s.WriteString("\nSealing is that of the whole account, without tokens; its tokens, tags and labels were made by the jobs.\n")
	return false
}

func (b *searchBench) weightTable(s *strings.Builder) bool {
	s.WriteString("| | | MB | bytes a row |\n|---|---|---|---|\n")
	for _, w := range b.weights {
		fmt.Fprintf(s, "| %s | %s | %.1f | %.0f |\n", w.side, w.what, float64(w.bytes)/1e6, float64(w.bytes)/float64(max(w.rows, 1)))
	}
	return false
}
