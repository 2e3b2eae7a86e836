package resolvers_test

import (
	"slices"
	"testing"
	"time"
)

// TestTimeTellsNothing takes the time of a thousand answers, of two kinds in turn, so that whatever else the
// machine does slows both (L18). The bound is loose: a difference that one could use shows in a single answer.
func TestTimeTellsNothing(t *testing.T) {
	e := newReplica(t, sealedDemo.Clone(t), leaseRedis(t), frozen())
	contact := func(id string) string { return inAccount(`contact(id: "` + id + `") { id email phoneNumber }`) }
	lookup := func(email string) string { return inAccount(`lookupContact(input: {email: "` + email + `"}) { id }`) }
	cases := []struct{ name, viewer, one, other string }{
		{"hidden or absent", "masked", contact("1"), contact("37")},
		{"hit or miss, without a budget", "everything", lookup("ines.moura.001@example.com"), lookup("nobody.at.all.001@example.com")},
		{"hit or miss, under one", "masked", lookup("ines.moura.001@example.com"), lookup("nobody.at.all.001@example.com")},
	}
	for _, c := range cases {
		var times [2][]time.Duration
		for i := range 500 {
			if i%5 == 0 && c.viewer == "masked" { // a minute's look-ups are twenty
				if err := e.redis.FlushDB(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
			}
			for side, query := range []string{c.one, c.other} {
				start := time.Now()
				answer := e.ask(t, c.viewer, query, nil)
				times[side] = append(times[side], time.Since(start))
				answer.data(t, new(any))
			}
		}
		one, other := median(times[0]), median(times[1])
		t.Logf("%s: %s and %s", c.name, one, other)
		if one > other*3/2 || other > one*3/2 {
			t.Errorf("%s: %s and %s: which it is shows in the time", c.name, one, other)
		}
	}
}

func median(times []time.Duration) time.Duration {
	slices.Sort(times)
	return times[len(times)/2]
}
