package vault

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// Every search looks at the same labels first, whose rows lie in memory; further down hardly anybody was before, and each
// row is several reads from disk.
const (
	labelProbes = 15 // labels looked at in one round trip, in a wide range
	nearProbes  = 3  // in a narrow one
	narrowRange = labelEnd >> 8
	fewLabels   = 6  // as many are read rather than probed
	labelWindow = 32 // labels read at once
	labelRounds = 64 // more than a search takes that can open what it reads: a round leaves a quarter of the range at most
)

// labelOrder is the relation that labels keep: by text, then by id.
var labelOrder = chat.ContactOrder{Direction: chat.Ascending}

// slotSearch finds where a value belongs among the labelled contacts of an order.
type slotSearch struct {
	orderKeys
	store  *store.Store
	labels store.Labels
	want   *chat.Position // the text, and the contact that has it, or had it
	own    int64          // a contact whose label is about to be another: it is passed over
	passed bool           // over it, or over one that does not open

	low, high string // the texts between which the search stands, "" where it stands at an end
	missed    bool   // what they say of the place was wrong the last time
}

// slot lies between two labelled contacts that follow one another. One that does not open says nothing of where a value
// belongs, so it may be either, and nothing is put on its label.
type slot struct{ below, above labelled }

// everywhere is the slot between the ends of the order.
var everywhere = slot{above: labelled{label: labelEnd}}

// search finds a slot. sure is false where so many did not open that there may be others, which do, between its ends.
func (s *slotSearch) search(ctx context.Context) (found slot, sure bool, err error) {
	rows, err := s.probe(ctx, everywhere)
	if err != nil {
		return slot{}, false, err
	}
	if found, sure, err = s.find(ctx, rows); err == nil {
		found, err = s.closest(ctx, found)
	}
	return found, sure, err
}

func (s *slotSearch) probe(ctx context.Context, at slot) ([]store.LabelRow, error) {
	return s.store.ProbeLabels(ctx, s.labels, s.probesIn(at), at.above.label)
}

// find narrows a range of labels by opening a few at a time, beginning with those that were probed everywhere, then reads
// the last ones. The ends of what it finds open.
func (s *slotSearch) find(ctx context.Context, probed []store.LabelRow) (at slot, sure bool, err error) {
	at, rows, from := everywhere, probed, int64(0)
	for range labelRounds {
		before, probes := at, s.probesIn(at)
		at, _ = s.narrow(at, rows)
		s.missed = at.above.label-at.below.label > (before.above.label-before.below.label)/2
		if len(rows) < len(probes) || at == before || few(at, probes, rows) {
			from = max(from, at.below.label)
			if rows, err = s.store.LabelsBetween(ctx, s.labels, from, at.above.label, labelWindow); err != nil {
				return slot{}, false, err
			}
			var within bool
			if at, within = s.narrow(at, rows); within || len(rows) < labelWindow {
				return at, true, nil
			}
			from = rows[len(rows)-1].Label
		}
		if rows, err = s.probe(ctx, at); err != nil {
			return slot{}, false, err
		}
	}
	return at, false, nil
}

// probesIn gives labels in a range whose ends are left out: evenly spread over a wide one, and in a narrow one around where
// a text would lie among texts that are evenly spread.
func (s *slotSearch) probesIn(at slot) []int64 {
	below, above := at.below.label, at.above.label
	if above-below >= narrowRange {
		return spreadOver(below, above, labelProbes)
	}
	apart := (above - below) / 16
	middle := below + int64(float64(above-below)*share(s.low, s.high, s.want.Text))
	if apart == 0 || s.missed {
		return spreadOver(below, above, nearProbes)
	}
	return spreadOver(max(middle-2*apart, below), min(middle+2*apart, above), nearProbes)
}

func spreadOver(below, above int64, n int) []int64 {
	apart := max(1, (above-below)/int64(n+1))
	at := make([]int64, 0, n)
	for p := below + apart; p < above && len(at) < n; p += apart {
		at = append(at, p)
	}
	return at
}

// few says that a slot holds so few rows that they are read at once. Labels lie evenly, as a rule, and then a row is found
// half as far above its probe as it lies above the row before.
func few(at slot, probes []int64, found []store.LabelRow) bool {
	next, beyond := 0, 0.0
	for i := range found {
		for next < len(probes) && probes[next] <= found[i].Label {
			next++
		}
		beyond += float64(found[i].Label - probes[next-1])
	}
	return float64(at.above.label-at.below.label)*float64(len(found)) < 2*beyond*fewLabels
}

// narrow moves the ends of a slot to rows that lie in it, in order; within says that its upper end is one of them.
func (s *slotSearch) narrow(at slot, rows []store.LabelRow) (found slot, within bool) {
	for i := range rows {
		p, ok := s.place(&rows[i].OrderValue)
		if !ok || p.Text == nil || p.ID == s.own {
			s.passed = true
			continue
		}
		here := labelled{p.ID, rows[i].Label}
		if labelOrder.Compare(p, s.want) > 0 {
			at.above, s.high = here, *p.Text
			return at, true
		}
		at.below, s.low = here, *p.Text
	}
	return at, false
}

// closest moves the upper end of a slot down to the first row above its lower end, also one that does not open.
func (s *slotSearch) closest(ctx context.Context, at slot) (slot, error) {
	if !s.passed {
		return at, nil
	}
	rows, err := s.store.LabelsBetween(ctx, s.labels, at.below.label, at.above.label, 2)
	for i := range rows {
		if r := &rows[i]; r.ContactID != s.own {
			at.above = labelled{r.ContactID, r.Label}
			break
		}
	}
	return at, err
}

// stands says that a contact, of which what is around it was read, has its label where its value belongs: between the
// nearest others that open. Where it has no label it does not stand.
func (s *slotSearch) stands(around []store.LabelRow) bool {
	passed := false
	for i := range around {
		p, ok := s.place(&around[i].OrderValue)
		switch {
		case around[i].ContactID == s.want.ID:
			passed = true
		case !ok || p.Text == nil:
		case passed != (labelOrder.Compare(p, s.want) > 0):
			return false
		}
	}
	return passed
}

// labelNeighbours is how many contacts on either side are asked whether one stands where it belongs.
const labelNeighbours = 2
