package main

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestSpreadOf(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name    string
		samples []float64
		want    spread
	}{
		{"none", nil, spread{}},
		{"one", []float64{3}, spread{median: 3, low: 3, high: 3}},
		{"two", []float64{4, 2}, spread{median: 3, low: 2.5, high: 3.5}},
		{"unsorted", []float64{5, 1, 4, 2, 3}, spread{median: 3, low: 2, high: 4}},
		{"an outlier does not count", []float64{1, 1, 1, 1, 1000}, spread{median: 1, low: 1, high: 1}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := spreadOf(test.samples); got != test.want {
				t.Errorf("spreadOf(%v) = %+v, want %+v", test.samples, got, test.want)
			}
		})
	}
}

func TestPercentile(t *testing.T) {
	t.Parallel()
	hundred := make([]time.Duration, 100)
	for i := range hundred {
		hundred[i] = time.Duration(i + 1)
	}
	tests := []struct {
		name   string
		sorted []time.Duration
		q      float64
		want   time.Duration
	}{
		{"none", nil, 0.5, 0},
		{"one", hundred[:1], 0.99, 1},
		{"median", hundred, 0.5, 50},
		{"99th", hundred, 0.99, 99},
		{"least", hundred, 0, 1},
		{"most", hundred, 1, 100},
		{"of three", hundred[:3], 0.5, 2},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			if got := percentile(test.sorted, test.q); got != test.want {
				t.Errorf("percentile of %d samples at %v = %d, want %d", len(test.sorted), test.q, got, test.want)
			}
		})
	}
}

func TestRatiosPairSlices(t *testing.T) {
	t.Parallel()
	cpu := func(requests int, total time.Duration) slice { return slice{requests: requests, cpu: total} }
	pairs := []pair{
		{workload: "W1", connections: 1, floor: cpu(10, 100), product: cpu(5, 100)},
		{workload: "W1", connections: 8, floor: cpu(10, 100), product: cpu(10, 300)},
		{workload: "W1", connections: 8, floor: cpu(0, 0), product: cpu(10, 300)}, // a floor that measured nothing is no base
		{workload: "W2", connections: 1, floor: cpu(1, 1), product: cpu(1, 9)},
	}
	got := ratios(pairs, func(p pair) bool { return p.workload == "W1" }, slice.cpuEach)
	if diff := cmp.Diff([]float64{2, 3}, got); diff != "" {
		t.Errorf("ratios (-want +got):\n%s", diff)
	}
}

func TestPerRequest(t *testing.T) {
	t.Parallel()
	before := total{statements: 10, viewer: 5, commands: map[string]int64{"mget": 4, "get": 1}}
	after := total{statements: 30, viewer: 6, commands: map[string]int64{"mget": 14, "get": 1}}
	want := counts{statements: 2, viewer: 0.1, trips: 1, commands: "mget"}
	if got := perRequest(before, after, 10); got != want {
		t.Errorf("perRequest = %+v, want %+v", got, want)
	}
}

func TestParseCommandStats(t *testing.T) {
	t.Parallel()
	info := "# Commandstats\r\ncmdstat_mget:calls=3,usec=10,usec_per_call=3.33\r\ncmdstat_info:calls=9,usec=1\r\n" +
		"cmdstat_client|setinfo:calls=2,usec=1\r\ncmdstat_setnx:calls=40,usec=4\r\nerrorstat_ERR:count=1\r\n"
	want := map[string]int64{"mget": 3, "setnx": 40}
	if diff := cmp.Diff(want, parseCommandStats(info)); diff != "" {
		t.Errorf("parseCommandStats (-want +got):\n%s", diff)
	}
}
