package vault

import (
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"github.com/cloakroom/cloakroom/chat"
)

// Labels are numbers between 0 and labelEnd, both left out.
const (
	labelEnd   = int64(1) << 62
	labelBits  = 62
	maxFingers = 64

	// A range of 2^h labels is crowded when it holds more than (2 / crowding)^h: the wider, the sparser it must be, so that
	// spreading one out is seldom followed by another.
	crowding    = 1.5
	leastSpread = 4 // h of the smallest range that is spread out
)

// labelled is a contact with its label; contact 0 stands for either end.
type labelled struct{ id, label int64 }

// fingers are where the last runs of inserts into one order stopped. Whoever imports contacts sorted by what they are
// ordered by would halve one gap again and again; who knows that it is a run gives each of its inserts a smaller part.
// They are hints: a replica that has lost them relabels sooner, and never wrongly.
type fingers struct{ last []finger }

type finger struct {
	id  int64
	up  bool // the run goes on above the contact
	run int  // inserts of the run after the first
}

// place gives a new contact's label between two that follow one another, and remembers it; ok is false when there is none
// left.
func (f *fingers) place(id int64, below, above labelled) (label int64, ok bool) {
	gap := above.label - below.label
	if gap < 2 {
		return 0, false
	}
	run := f.follow(id, below.id, above.id)
	share := float64(gap) * (0.75 + rand.Float64()/2) / float64(2+run.run)
	switch {
	case run.run == 0: // the middle, but for a quarter of the gap
		label = below.label + gap/2 + int64((rand.Float64()-0.5)*float64(gap/4))
	case run.up:
		label = below.label + int64(share)
	default:
		label = above.label - int64(share)
	}
	return min(max(label, below.label+1), above.label-1), true
}

// follow finds the run that an insert between two contacts goes on with, the longer of two, and moves its finger along.
func (f *fingers) follow(id, below, above int64) finger {
	next, at := finger{id: id}, -1
	for i, old := range f.last {
		if old.id != below && old.id != above || old.id == 0 {
			continue
		}
		moved := finger{id: id, up: old.id == below, run: 1}
		if old.run > 0 && old.up == moved.up {
			moved.run = old.run + 1
		}
		if moved.run > next.run {
			next, at = moved, i
		}
	}
	if at >= 0 {
		f.last = slices.Delete(f.last, at, at+1)
	} else if len(f.last) == maxFingers {
		f.last = f.last[:maxFingers-1]
	}
	f.last = slices.Insert(f.last, 0, next)
	return next
}

// spread gives the smallest range from..to, to left out, of labels around one that is not crowded with one contact more,
// and how many there are in it; count counts those in a range.
func spread(around int64, count func(from, to int64) (int, error)) (from, to int64, n int, err error) {
	for h := leastSpread; ; h++ {
		width := int64(1) << h
		from = around &^ (width - 1)
		to = from + width
		if n, err = count(from, to); err != nil {
			return 0, 0, 0, err
		}
		if h == labelBits || float64(n+1) <= math.Pow(2/crowding, float64(h)) {
			return from, to, n, nil
		}
	}
}

// apart is how far from one another n labels lie that are spread evenly between two that are left out.
func apart(from, to int64, n int) int64 { return (to - from) / int64(n+1) }

// runs are the fingers of a process, by order. An account may have contacts written on several connections at once.
type runs struct {
	mu      sync.Mutex
	fingers map[runKey]*fingers
}

type runKey struct {
	account int64
	field   chat.ContactOrderField
}

// maxRuns bounds the orders whose runs are remembered; when there are more, all are forgotten.
const maxRuns = 1000

func (r *runs) place(key runKey, id int64, below, above labelled) (label int64, ok bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f := r.fingers[key]
	if f == nil {
		if r.fingers == nil || len(r.fingers) >= maxRuns {
			r.fingers = make(map[runKey]*fingers)
		}
		f = new(fingers)
		r.fingers[key] = f
	}
	return f.place(id, below, above)
}
