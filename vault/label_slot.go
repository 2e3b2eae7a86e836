package vault

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	labelProbes = 15  // labels looked at in one round trip
	labelNarrow = 4   // rounds after which what is left of a million contacts is read at once
	labelWindow = 400 // labels read at once
	labelRounds = 64  // more than any search takes: a round leaves a sixteenth of the range
)

// labelOrder is the relation that labels keep: by text, then by id.
var labelOrder = chat.ContactOrder{Direction: chat.Ascending}

// slotSearch finds where a value belongs among the labelled contacts of an order.
type slotSearch struct {
	orderKeys
	store  *store.Store
	labels store.Labels
	want   *chat.Position // the text, and the contact that has it: where that is labelled itself, it is passed over
}

// slot lies between two labelled contacts that follow one another. One that does not open says nothing of where a value
// belongs, so it may be either, and nothing is put on its label.
type slot struct{ below, above labelled }

// search narrows a range of labels by opening a few at a time, then reads the last ones.
func (s *slotSearch) search(ctx context.Context) (slot, error) {
	at := slot{above: labelled{label: labelEnd}}
	for round := 1; round <= labelRounds; round++ {
		rows, err := s.store.ProbeLabels(ctx, s.labels, probesIn(at.below.label, at.above.label), at.above.label)
		if err != nil {
			return slot{}, err
		}
		if at, _ = s.narrow(at, rows); len(rows) == labelProbes && round < labelNarrow {
			continue
		}
		if rows, err = s.store.LabelsBetween(ctx, s.labels, at.below.label, at.above.label, labelWindow); err != nil {
			return slot{}, err
		}
		found, within := s.narrow(at, rows)
		if within || len(rows) < labelWindow {
			return s.closest(found, rows), nil
		}
		at = found
	}
	return slot{}, fmt.Errorf("the order of the contacts of account %d by %s has no place for contact %d", s.labels.AccountID, s.field, s.want.ID)
}

// probesIn gives labels evenly spread over a range whose ends are left out.
func probesIn(below, above int64) []int64 {
	apart := max(1, (above-below)/(labelProbes+1))
	at := make([]int64, 0, labelProbes)
	for p := below + apart; p < above && len(at) < labelProbes; p += apart {
		at = append(at, p)
	}
	return at
}

// narrow moves the ends of a slot to rows that lie in it, in order; within says that its upper end is one of them.
func (s *slotSearch) narrow(at slot, rows []store.LabelRow) (found slot, within bool) {
	for i := range rows {
		p, ok := s.place(&rows[i].OrderValue)
		if !ok || p.Text == nil || p.ID == s.want.ID {
			continue
		}
		here := labelled{p.ID, rows[i].Label}
		if labelOrder.Compare(p, s.want) > 0 {
			at.above = here
			return at, true
		}
		at.below = here
	}
	return at, false
}

// closest moves the upper end of a slot down to the first row above its lower end, whether or not that opens.
func (s *slotSearch) closest(at slot, rows []store.LabelRow) slot {
	for i := range rows {
		if r := &rows[i]; r.Label > at.below.label && r.ContactID != s.want.ID {
			at.above = labelled{r.ContactID, r.Label}
			break
		}
	}
	return at
}

// stands says that a contact's label lies where its value belongs, between the nearest others that open. Where it has no
// label it does not stand.
func (s *slotSearch) stands(ctx context.Context) (bool, error) {
	rows, err := s.store.LabelsAround(ctx, s.labels, s.want.ID, labelNeighbours)
	if err != nil {
		return false, err
	}
	passed := false
	for i := range rows {
		p, ok := s.place(&rows[i].OrderValue)
		switch {
		case rows[i].ContactID == s.want.ID:
			passed = true
		case !ok || p.Text == nil:
		case passed != (labelOrder.Compare(p, s.want) > 0):
			return false, nil
		}
	}
	return passed, nil
}

// labelNeighbours is how many contacts on either side are asked whether one stands where it belongs.
const labelNeighbours = 2
