package auth

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"
)

func TestMemoForgetsLoadsUnderWay(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := newMemo[string](time.Second, 10, c.now)
	began, finish := make(chan struct{}), make(chan struct{})
	var group sync.WaitGroup
	group.Go(func() {
		got, err := m.get(t.Context(), "k", func(context.Context) (string, error) {
			close(began)
			<-finish
			return "before", nil
		})
		if got != "before" || err != nil {
			t.Errorf("got %q, %v", got, err)
		}
	})
	<-began
	m.forget(func(string) bool { return true })
	load := func(context.Context) (string, error) { return "after", nil }
	if got, _ := m.get(t.Context(), "k", load); got != "after" {
		t.Errorf("a load under way when all was forgotten was joined: %q", got)
	}
	close(finish)
	group.Wait()
	if got, _ := m.get(t.Context(), "k", load); got != "after" {
		t.Errorf("a load under way when all was forgotten was kept: %q", got)
	}
}

func TestMemoAge(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := newMemo[int](time.Second, 10, c.now)
	loads := 0
	load := func(context.Context) (int, error) {
		loads++
		c.advance(400 * time.Millisecond) // age counts from before the load
		return loads, nil
	}
	for i, step := range []struct {
		after time.Duration
		want  int
	}{{0, 1}, {599 * time.Millisecond, 1}, {time.Millisecond, 2}} {
		c.advance(step.after)
		if got, err := m.get(t.Context(), "k", load); got != step.want || err != nil {
			t.Errorf("step %d: %d, %v, want %d", i, got, err, step.want)
		}
	}
}

func TestMemoKeepsNoErrors(t *testing.T) {
	t.Parallel()
	m := newMemo[*int](time.Second, 10, time.Now)
	broken := errors.New("broken")
	for range 2 {
		if v, err := m.get(t.Context(), "k", func(context.Context) (*int, error) { return nil, broken }); v != nil || !errors.Is(err, broken) {
			t.Errorf("%v, %v", v, err)
		}
	}
	if got, err := m.get(t.Context(), "k", func(context.Context) (*int, error) { return new(5), nil }); err != nil || *got != 5 {
		t.Errorf("%v, %v", got, err)
	}
}

func TestMemoLoadOutlivesItsRequest(t *testing.T) {
	t.Parallel()
	m := newMemo[int](time.Second, 10, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := m.get(ctx, "k", func(ctx context.Context) (int, error) { return 1, ctx.Err() }); err != nil {
		t.Errorf("those who wait for a load would get %v", err)
	}
}

func TestMemoIsBounded(t *testing.T) {
	t.Parallel()
	c := newClock()
	m := newMemo[int](time.Second, 8, c.now)
	for i := range 100 {
		_, _ = m.get(t.Context(), fmt.Sprint(i), func(context.Context) (int, error) { return i, nil })
		if len(m.entries) > 8 {
			t.Fatalf("%d entries, the limit is 8", len(m.entries))
		}
	}
	c.advance(time.Second)
	for i := range 8 {
		_, _ = m.get(t.Context(), fmt.Sprint(1000+i), func(context.Context) (int, error) { return i, nil })
	}
	for i := range 8 {
		if _, ok := m.entries[fmt.Sprint(1000+i)]; !ok {
			t.Errorf("a fresh entry went before the stale ones")
		}
	}
}
