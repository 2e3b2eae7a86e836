package main

import (
	"testing"
	"time"
)

func TestVerdict(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name           string
		goals          goals
		sealed, plains []time.Duration
		want           string
		far            bool
	}{
		{"no goal", goals{}, []time.Duration{9}, []time.Duration{1}, "", false},
		{"in time and near enough", goals{p95: 10, ratio: 3, of: 0.95}, []time.Duration{9}, []time.Duration{3}, "met", false},
		{"too slow", goals{p95: 10}, []time.Duration{1, 20}, []time.Duration{20, 20}, "**missed**", true},
		{"in time, too far from the twin", goals{p95: 10, ratio: 3, of: 0.95}, []time.Duration{9}, []time.Duration{1}, "**missed**", true},
		{"within the noise", goals{ratio: 2, of: 0.5}, []time.Duration{22}, []time.Duration{10}, "missed by less than 25 %", false},
		{"of the median", goals{ratio: 2, of: 0.5}, []time.Duration{10, 10, 90}, []time.Duration{10, 10, 10}, "met", false},
	} {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			q := &question{goals: test.goals, sealedTimes: test.sealed, plains: test.plains}
			if got, far := q.verdict(); got != test.want || far != test.far {
				t.Errorf("%q %t, want %q %t", got, far, test.want, test.far)
			}
		})
	}
}

func TestDifference(t *testing.T) {
	t.Parallel()
	if d := difference(3, []int64{1, 2}, []int64{1, 2}); d != "" {
		t.Errorf("equal answers differ: %s", d)
	}
	for _, pair := range [][2][]int64{{{1, 2}, {1}}, {{1}, {1, 2}}, {{2, 1}, {1, 2}}, {nil, {1}}} {
		if difference(3, pair[0], pair[1]) == "" {
			t.Errorf("%v and %v are equal", pair[0], pair[1])
		}
	}
}
