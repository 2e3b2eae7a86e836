package main

import (
	"slices"
	"time"
)

// spread is a median with the middle half around it.
type spread struct{ median, low, high float64 }

// spreadOf summarises samples; all zero for none.
func spreadOf(samples []float64) spread {
	sorted := slices.Sorted(slices.Values(samples))
	return spread{median: quantile(sorted, 0.5), low: quantile(sorted, 0.25), high: quantile(sorted, 0.75)}
}

// quantile reads q of 0 to 1 off sorted samples, between two of them in proportion; 0 for none.
func quantile(sorted []float64, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	at := q * float64(len(sorted)-1)
	below := int(at)
	if below+1 >= len(sorted) {
		return sorted[len(sorted)-1]
	}
	part := at - float64(below)
	return sorted[below]*(1-part) + sorted[below+1]*part
}

// percentile reads a whole latency off sorted ones: the smallest that at least q of them do not exceed; 0 for none.
func percentile(sorted []time.Duration, q float64) time.Duration {
	if len(sorted) == 0 {
		return 0
	}
	rank := int(q*float64(len(sorted)) + 0.999999)
	return sorted[min(max(rank, 1), len(sorted))-1]
}

// slice is one measurement of one server: a number of connections asking one workload for a time.
type slice struct {
	requests int
	elapsed  time.Duration
	cpu      time.Duration // of the server's process, user and system
	p50, p99 time.Duration
}

func (s slice) cpuEach() float64 { return float64(s.cpu) / float64(max(s.requests, 1)) }
func (s slice) rate() float64    { return float64(s.requests) / s.elapsed.Seconds() }

// pair is a floor's slice and a product's, one right after the other.
type pair struct {
	workload    string
	connections int
	floor       slice
	product     slice
}

// ratios gives product over floor for pairs that keep chooses.
func ratios(pairs []pair, keep func(pair) bool, of func(slice) float64) []float64 {
	var list []float64
	for _, p := range pairs {
		if floor := of(p.floor); keep(p) && floor > 0 {
			list = append(list, of(p.product)/floor)
		}
	}
	return list
}
