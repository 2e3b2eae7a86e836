package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// question is one sort of thing that is asked of the sealed account and of its twin.
type question struct {
	group  string
	title  string
	n      int // different ones
	sealed func(ctx context.Context, i int) (found, error)
	twin   func(ctx context.Context, w way, i int) ([]int64, error)
	ways   []way
	goals  goals

	best                way
	sealedTimes, plains []time.Duration
	partial             int // answers of which the budget was spent
	hits                int
}

// found is the page that the sealed account gave.
type found struct {
	ids     []int64
	partial bool
}

// goals are what a question is held to; zero is none.
type goals struct {
	p95   time.Duration
	ratio float64 // to the twin's time
	of    float64 // the quantile whose ratio it is
}

const (
	checked     = 60 // answers of a question that are compared before any is timed
	tried       = 60 // on which the twin's ways are tried
	timedRounds = 3
	tooSlow     = 2 * time.Second // for a way to be tried on that many
)

// measure checks that both answer a question alike, finds the twin's best way, warms both up and times them in turn, so
// that what the machine does besides hits both.
func (q *question) measure(ctx context.Context) error {
	if err := q.choose(ctx); err != nil {
		return err
	}
	if err := q.check(ctx); err != nil {
		return err
	}
	for i := range q.n { // both are warm for every one of them then
		if err := q.ask(ctx, i, false, false); err != nil {
			return err
		}
	}
	for round := range timedRounds {
		for i := range q.n {
			if err := q.ask(ctx, i, (i+round)%2 == 0, true); err != nil {
				return err
			}
		}
	}
	slices.Sort(q.sealedTimes)
	slices.Sort(q.plains)
	return nil
}

// ask asks both, the sealed account first or last.
func (q *question) ask(ctx context.Context, i int, sealedFirst, counted bool) error {
	var took [2]time.Duration
	for turn := range 2 {
		began := time.Now()
		if (turn == 0) == sealedFirst {
			answer, err := q.sealed(ctx, i)
			if err != nil {
				return fmt.Errorf("%s, sealed: %w", q.title, err)
			}
			took[0] = time.Since(began)
			if !counted {
				q.hits += len(answer.ids)
				q.partial += count(answer.partial)
			}
			continue
		}
		if _, err := q.twin(ctx, q.best, i); err != nil {
			return fmt.Errorf("%s, twin: %w", q.title, err)
		}
		took[1] = time.Since(began)
	}
	if counted {
		q.sealedTimes, q.plains = append(q.sealedTimes, took[0]), append(q.plains, took[1])
	}
	return nil
}

func count(yes bool) int {
	if yes {
		return 1
	}
	return 0
}

// choose gives the twin its best way: that with the lowest p95.
func (q *question) choose(ctx context.Context) error {
	best := time.Duration(-1)
	for _, w := range q.ways {
		p95, err := q.try(ctx, w)
		if err != nil {
			return fmt.Errorf("%s, twin, %s: %w", q.title, w.name, err)
		}
		if best < 0 || p95 < best {
			q.best, best = w, p95
		}
	}
	return nil
}

// try gives the p95 of one of the twin's ways. One that takes a second for nothing but a few questions is not asked more.
func (q *question) try(ctx context.Context, w way) (time.Duration, error) {
	var times []time.Duration
	n := min(tried, q.n)
	began := time.Now()
	for i := range 2 * n {
		asked := time.Now()
		if _, err := q.twin(ctx, w, i%n); err != nil {
			return 0, err
		}
		if took := time.Since(asked); i >= n || took > time.Second { // the first time round it is cold
			times = append(times, took)
		}
		if time.Since(began) > tooSlow {
			return time.Since(began), nil
		}
	}
	slices.Sort(times)
	return percentile(times, 0.95), nil
}

// check stops at the first answer that differs: a faster search that finds something else is no faster.
func (q *question) check(ctx context.Context) error {
	for i := range min(checked, q.n) {
		sealed, err := q.sealed(ctx, i)
		if err != nil {
			return fmt.Errorf("%s, sealed: %w", q.title, err)
		}
		plain, err := q.twin(ctx, q.best, i)
		if err != nil {
			return fmt.Errorf("%s, twin: %w", q.title, err)
		}
		switch {
		case sealed.partial && len(sealed.ids) <= len(plain) && slices.Equal(sealed.ids, plain[:len(sealed.ids)]):
		case !slices.Equal(sealed.ids, plain):
			return errors.New(q.title + ": " + difference(i, sealed.ids, plain))
		}
	}
	return nil
}

func difference(i int, sealed, plain []int64) string {
	for at := range max(len(sealed), len(plain)) {
		if at >= len(sealed) || at >= len(plain) || sealed[at] != plain[at] {
			return fmt.Sprintf("answer %d differs at row %d: sealed %v, twin %v", i, at, sealed[min(at, len(sealed)):], plain[min(at, len(plain)):])
		}
	}
	return ""
}

// ratio is the sealed account's time to the twin's.
func (q *question) ratio(quantile float64) float64 {
	return float64(percentile(q.sealedTimes, quantile)) / float64(max(percentile(q.plains, quantile), 1))
}
