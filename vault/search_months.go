package vault

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// maxMonths is how many months one statement asks at most: it stops at the first that fill the page.
const maxMonths = 24

// month counts months since the year 0.
type month int

func monthOf(t time.Time) month { return month(t.Year()*12 + int(t.Month()) - 1) }

// number is the month as yyyymm.
func (m month) number() int { return int(m)/12*100 + int(m)%12 + 1 }

// begin is where the month begins in a list that is ordered by time: every message of it lies after that.
func (m month) begin() *chat.Position {
	t := time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC)
	return &chat.Position{Time: &t}
}

// upTo is the newest month of which anything is left beyond a place.
func upTo(from *chat.Position) month {
	if from.ID == 0 { // where a month begins
		return monthOf(from.Time.Add(-1))
	}
	return monthOf(*from.Time)
}

// months asks for tokens from the newest month down.
type months struct {
	*messageSearch
	tokens messageTokens
	begun  bool
}

func (m *months) next(ctx context.Context, from *chat.Position, n int) ([]store.Candidate, *chat.Position, error) {
	if from != nil {
		return m.stretch(ctx, upTo(from), from, n)
	}
	return m.stretch(ctx, monthOf(time.Now().UTC()), nil, n)
}

// stretch asks some months. Which there are is known with the first answer only: the newest is taken for this one, and
// where there are later ones they are asked first.
func (m *months) stretch(ctx context.Context, newest month, from *chat.Position, n int) ([]store.Candidate, *chat.Position, error) {
	list, span, err := m.ask(ctx, newest, from, n)
	if err != nil || span.Newest.IsZero() {
		return nil, nil, err
	}
	if last := monthOf(span.Newest); from == nil && last > newest {
		return m.stretch(ctx, last, nil, n)
	}
	oldest := newest - maxMonths + 1
	switch {
	case len(list) == n:
		return list, list[n-1].At, nil
	case oldest <= monthOf(span.Oldest):
		return list, nil, nil
	}
	return list, oldest.begin(), nil
}

// ask looks for one word among the newest messages first: what is frequent is there, and reading the whole month that it
// is frequent in takes longer than what is there for nothing.
func (m *months) ask(ctx context.Context, newest month, from *chat.Position, n int) ([]store.Candidate, store.TokenSpan, error) {
	q := m.candidates(from, n)
	var err error
	if q.Months, err = m.tokens.asked(m.query.Words(), newest, maxMonths); err != nil {
		return nil, store.TokenSpan{}, err
	}
	if !m.begun && len(m.query.Words()) == 1 {
		m.begun = true
		if list, span, err := m.vault.store.FindAmongNewest(ctx, m.id, q); err != nil || len(list) == n || span.Newest.IsZero() {
			return list, span, err
		}
	}
	return m.vault.store.FindByTokens(ctx, m.id, q)
}
