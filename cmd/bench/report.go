package main

import (
	"fmt"
	"runtime"
	"slices"
	"strings"
	"time"
)

// report is the outcome as Markdown.
type report struct {
	text   string
	missed bool // a goal for CPU, by more than tolerance
}

// tolerance is by how much a goal may be missed before --gate fails: the machine's noise.
const tolerance = 1.25

func (c *comparison) report(pairs []pair) (report, error) {
	var b strings.Builder
	var r report
	c.head(&b)
	if c.product != nil {
		r.missed = c.ratioTable(&b, pairs)
	}
	c.floorTable(&b, pairs)
	c.costTable(&b)
	for _, s := range c.servers() {
		memory, err := peakMemory(s.cmd.Process.Pid)
		if err != nil {
			return r, err
		}
		fmt.Fprintf(&b, "Peak memory of the %s: %d MB.\n", s.name, memory>>20)
	}
	r.text = b.String()
	return r, nil
}

func (c *comparison) head(b *strings.Builder) {
	fmt.Fprintf(b, "# Cloakroom against the floor\n\n%d contacts, %d conversations, %d messages, all sealed; %d rounds of %v slices at %v connections; %s, %d processors; GOGC=%s GOMEMLIMIT=%s.\n",
		c.data.contacts, c.data.conversations, c.data.messages, c.options.rounds, c.options.slice, c.options.connections,
		runtime.Version(), runtime.NumCPU(), collector("GOGC"), collector("GOMEMLIMIT"))
	fmt.Fprintf(b, "CPU: %s.\nRatios are product over floor, each taken from two slices one after the other; median (middle half).\n\n", cpuSource)
}

// ratioTable is what counts; it says whether a goal was missed by much.
func (c *comparison) ratioTable(b *strings.Builder, pairs []pair) (missed bool) {
	first, middle, last := c.landmarks()
	fmt.Fprintf(b, "| | CPU a request | goal | | p50, %d conn. | p99, %d conn. | req/s, %d conn. |\n|---|---|---|---|---|---|---|\n", first, middle, last)
	for _, w := range c.workloads {
		of := func(p pair) bool { return p.workload == w.name }
		at := func(n int) func(pair) bool { return func(p pair) bool { return of(p) && p.connections == n } }
		cpu := spreadOf(ratios(pairs, of, slice.cpuEach))
		verdict := "met"
		switch {
		case cpu.median > w.cpuGoal*tolerance:
			verdict, missed = "**missed**", true
		case cpu.median > w.cpuGoal:
			verdict = "missed by less than 25 %"
		}
		fmt.Fprintf(b, "| %s %s | %s | ≤ %.1f | %s | %s | %s | %s |\n", w.name, w.title, cpu, w.cpuGoal, verdict,
			spreadOf(ratios(pairs, at(first), func(s slice) float64 { return float64(s.p50) })),
			spreadOf(ratios(pairs, at(middle), func(s slice) float64 { return float64(s.p99) })),
			spreadOf(ratios(pairs, at(last), slice.rate)))
	}
	fmt.Fprintln(b)
	fmt.Fprintf(b, "CPU by connections:\n\n| |%s\n|---|%s\n", columns(c.options.connections, " %d |"), strings.Repeat("---|", len(c.options.connections)))
	for _, w := range c.workloads {
		fmt.Fprintf(b, "| %s |", w.name)
		for _, n := range c.options.connections {
			fmt.Fprintf(b, " %s |", spreadOf(ratios(pairs, func(p pair) bool { return p.workload == w.name && p.connections == n }, slice.cpuEach)))
		}
		fmt.Fprintln(b)
	}
	fmt.Fprintln(b)
	return missed
}

// landmarks are the numbers of connections at which latency and throughput are read: few, some and many.
func (c *comparison) landmarks() (first, middle, last int) {
	sorted := slices.Sorted(slices.Values(c.options.connections))
	return sorted[0], sorted[len(sorted)/2], sorted[len(sorted)-1]
}

func columns(numbers []int, format string) string {
	var b strings.Builder
	for _, n := range numbers {
		fmt.Fprintf(&b, format, n)
	}
	return b.String()
}

// floorTable shows where the ratios start from. These figures are this machine's and no goals.
func (c *comparison) floorTable(b *strings.Builder, pairs []pair) {
	first, _, last := c.landmarks()
	fmt.Fprintf(b, "The floor itself, for orientation (medians): \n\n| | CPU a request | p50, %d conn. | req/s, %d conn. |\n|---|---|---|---|\n", first, last)
	for _, w := range c.workloads {
		var cpu, p50, rate []float64
		for _, p := range pairs {
			if p.workload != w.name {
				continue
			}
			cpu = append(cpu, p.floor.cpuEach())
			if p.connections == first {
				p50 = append(p50, float64(p.floor.p50))
			}
			if p.connections == last {
				rate = append(rate, p.floor.rate())
			}
		}
		fmt.Fprintf(b, "| %s | %v | %v | %.0f |\n", w.name, microseconds(cpu), microseconds(p50), spreadOf(rate).median)
	}
	fmt.Fprintln(b)
}

func microseconds(nanoseconds []float64) time.Duration {
	return time.Duration(spreadOf(nanoseconds).median).Round(time.Microsecond)
}

func (c *comparison) costTable(b *strings.Builder) {
	fmt.Fprint(b, "A request's cost beside CPU, warm, one connection (statements that find out who asks in brackets):\n\n")
	fmt.Fprint(b, "| | server | SQL statements | ceiling | Redis commands | ceiling | |\n|---|---|---|---|---|---|---|\n")
	for _, w := range c.workloads {
		for _, s := range c.servers() {
			n := c.costs[w.name][s.name]
			fmt.Fprintf(b, "| %s | %s | %.2f (+%.3f) | %.0f | %.2f | %.0f | %s |\n", w.name, s.name, n.statements, n.viewer, w.statements, n.trips, w.trips, n.commands)
		}
	}
	fmt.Fprintln(b)
}

// String gives the median and the middle half.
func (s spread) String() string { return fmt.Sprintf("%.2f (%.2f-%.2f)", s.median, s.low, s.high) }
