package vault

import "context"

// guess is where a contact seems to belong before the order is locked: a search takes several round trips, and nobody has
// to wait for all of them. Until this writer commits, others place theirs by the value that its contact had before, and
// move what the guess was made of: nothing is decided on it.
type guess struct {
	stands bool // where it is
	slot        // where it does not stand: its ends open
}

// look makes a guess.
func (s *slotSearch) look(ctx context.Context) (g guess, err error) {
	around, probed, err := s.store.ProbeAround(ctx, s.labels, s.want.ID, labelNeighbours, s.probesIn(everywhere), labelEnd)
	if err != nil {
		return g, err
	}
	if g.stands = s.stands(around); !g.stands {
		g.slot, _, err = s.find(ctx, probed)
	}
	return g, err
}

// confirm locks the order and reads what lies where a guess says, in one round trip. It gives where the contact stands or
// belongs by that alone; sure is false where it does not tell.
func (s *slotSearch) confirm(ctx context.Context, g guess) (now guess, sure bool, err error) {
	if g.stands {
		rows, err := s.store.LockLabelsAround(ctx, s.labels, s.want.ID, labelNeighbours)
		stands := err == nil && s.stands(rows)
		return guess{stands: stands}, stands, err
	}
	const limit = labelWindow + 2 // the ends, and what was placed between them meanwhile
	rows, err := s.store.LockLabelsBetween(ctx, s.labels, g.below.label-1, g.above.label+1, limit)
	if err != nil {
		return guess{}, false, err
	}
	at, within := s.narrow(everywhere, rows)
	sure = (at.below.id != 0 || g.below.id == 0) && (within || g.above.id == 0 && len(rows) < limit)
	for i := range rows {
		if r := &rows[i]; r.Label > at.below.label && r.ContactID != s.own {
			at.above = labelled{r.ContactID, r.Label} // it may not open
			break
		}
	}
	return guess{slot: at}, sure, nil
}
