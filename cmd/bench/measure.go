package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// load asks one server one workload's questions over a number of connections for a time.
func load(ctx context.Context, s *server, requests [][]byte, connections int, length time.Duration) (slice, error) {
	clients, err := dialAll(ctx, s, requests, connections)
	defer func() {
		for _, c := range clients {
			c.close()
		}
	}()
	if err != nil {
		return slice{}, fmt.Errorf("%s: %w", s.name, err)
	}
	before, err := cpuTime(s.cmd.Process.Pid)
	if err != nil {
		return slice{}, err
	}
	began := time.Now()
	latencies, err := drive(ctx, clients, requests, began.Add(length))
	elapsed := time.Since(began)
	if err != nil {
		return slice{}, fmt.Errorf("%s: %w", s.name, err)
	}
	after, err := cpuTime(s.cmd.Process.Pid)
	slices.Sort(latencies)
	return slice{requests: len(latencies), elapsed: elapsed, cpu: after - before,
		p50: percentile(latencies, 0.5), p99: percentile(latencies, 0.99)}, err
}

// dialAll opens connections and asks once on each, so that their start-up is not measured. Those it gives are to be
// closed, with an error too.
func dialAll(ctx context.Context, s *server, requests [][]byte, connections int) ([]*client, error) {
	var clients []*client
	for i := range connections {
		c, err := dial(ctx, s.address)
		if err != nil {
			return clients, err
		}
		clients = append(clients, c)
		if _, err := c.ask(requests[i%len(requests)]); err != nil {
			return clients, err
		}
	}
	return clients, nil
}

// drive has every client ask until the time is up; questions are taken in turn, so that servers get the same mix.
func drive(ctx context.Context, clients []*client, requests [][]byte, until time.Time) ([]time.Duration, error) {
	var next atomic.Int64
	var group sync.WaitGroup
	all := make([][]time.Duration, len(clients))
	errs := make([]error, len(clients))
	for i, c := range clients {
		group.Go(func() {
			list := make([]time.Duration, 0, 4096)
			for now := time.Now(); now.Before(until) && ctx.Err() == nil; {
				if _, err := c.ask(requests[int(next.Add(1))%len(requests)]); err != nil {
					errs[i] = err
					return
				}
				then := now
				now = time.Now()
				list = append(list, now.Sub(then))
			}
			all[i] = list
		})
	}
	group.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return slices.Concat(all...), ctx.Err()
}

// requestsFor picks one server's side of the questions.
func requestsFor(s *server, asks []ask) [][]byte {
	list := make([][]byte, len(asks))
	for i, a := range asks {
		if list[i] = a.product; s.name == floorName {
			list[i] = a.floor
		}
	}
	return list
}

// rounds measures every workload at every number of connections, floor and product in turn, the order changing from
// round to round, so that what the machine does besides hits both alike.
func (c *comparison) rounds(ctx context.Context) ([]pair, error) {
	var pairs []pair
	for round := range c.options.rounds {
		say("round %d of %d", round+1, c.options.rounds)
		for _, n := range c.options.connections {
			for _, w := range c.workloads {
				p, err := c.pair(ctx, w, n, round%2 == 1)
				if err != nil {
					return nil, fmt.Errorf("measure %s at %d connections: %w", w.name, n, err)
				}
				pairs = append(pairs, p)
			}
		}
	}
	return pairs, nil
}

func (c *comparison) pair(ctx context.Context, w workload, connections int, productFirst bool) (pair, error) {
	p := pair{workload: w.name, connections: connections}
	servers := c.servers()
	if productFirst {
		slices.Reverse(servers)
	}
	for _, s := range servers {
		measured, err := load(ctx, s, requestsFor(s, c.asks[w.name]), connections, c.options.slice)
		if err != nil {
			return p, err
		}
		if s.name == floorName {
			p.floor = measured
		} else {
			p.product = measured
		}
	}
	return p, nil
}

// warm lets both servers prepare their statements and fill their caches.
func (c *comparison) warm(ctx context.Context) error {
	for _, w := range c.workloads {
		for _, s := range c.servers() {
			if _, err := load(ctx, s, requestsFor(s, c.asks[w.name]), 16, 2*time.Second); err != nil {
				return err
			}
		}
	}
	return nil
}
