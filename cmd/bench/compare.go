package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
)

const (
	floorName   = "floor"
	productName = "product"
)

// comparison is one whole run.
type comparison struct {
	options   options
	data      *dataset
	workloads []workload
	floor     *server
	product   *server // nil with --floor-only
	asks      map[string][]ask
	counter   *counter
	costs     map[string]map[string]counts // by workload and server
}

// servers lists those that run, the floor first.
func (c *comparison) servers() []*server {
	if c.product == nil {
		return []*server{c.floor}
	}
	return []*server{c.floor, c.product}
}

// compare does the run; missed says that a goal for CPU was missed by more than a quarter.
func compare(ctx context.Context, o options) (missed bool, err error) {
	c := &comparison{options: o, costs: make(map[string]map[string]counts)}
	if c.workloads, err = chooseWorkloads(o.only); err != nil {
		return false, err
	}
	if c.data, err = openData(ctx, o); err != nil {
		return false, err
	}
	defer c.data.drop()
	logs, err := os.MkdirTemp("", "cloakroom-bench-logs-")
	if err != nil {
		return false, fmt.Errorf("make a folder for logs: %w", err)
	}
	defer func() { _ = os.RemoveAll(logs) }() // a folder in /tmp may stay
	defer c.stop()
	if err := c.start(ctx, logs); err != nil {
		return false, err
	}
	if c.counter, err = newCounter(ctx, c.data.url, o.redis); err != nil {
		return false, err
	}
	defer c.counter.close(context.WithoutCancel(ctx))
	return c.run(ctx)
}

func (c *comparison) run(ctx context.Context) (missed bool, err error) {
	if c.asks, err = makeAsks(ctx, c.data, c.product); err != nil {
		return false, err
	}
	if c.product != nil {
		if err := c.equal(ctx); err != nil {
			return false, err
		}
	}
	if err := step("warming up", func() error { return c.warm(ctx) }); err != nil {
		return false, err
	}
	if err := step("counting statements", func() error { return c.count(ctx) }); err != nil {
		return false, err
	}
	pairs, err := c.rounds(ctx)
	if err != nil {
		return false, err
	}
	r, err := c.report(pairs)
	if err != nil {
		return false, err
	}
	fmt.Print(r.text)
	if c.options.out != "" {
		if err := os.WriteFile(c.options.out, []byte(r.text), 0o600); err != nil {
			return false, fmt.Errorf("write the report: %w", err)
		}
	}
	return r.missed, nil
}

func chooseWorkloads(only []string) ([]workload, error) {
	if len(only) == 0 {
		return workloads, nil
	}
	var list []workload
	for _, name := range only {
		i := slices.IndexFunc(workloads, func(w workload) bool { return w.name == name })
		if i < 0 {
			return nil, fmt.Errorf("--only: there is no workload %q", name)
		}
		list = append(list, workloads[i])
	}
	return list, nil
}

func (c *comparison) start(ctx context.Context, logs string) error {
	self, err := os.Executable()
	if err != nil {
		return fmt.Errorf("find our own program: %w", err)
	}
	if c.floor, err = startServer(ctx, floorName, c.data, c.options.redis, logs, self, "floor"); err != nil || c.options.floorOnly {
		return err
	}
	if _, err := os.Stat(c.options.product); errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no program %s: build it with make build, or use --floor-only", c.options.product)
	}
	c.product, err = startServer(ctx, productName, c.data, c.options.redis, logs, c.options.product, "serve")
	return err
}

func (c *comparison) stop() {
	for _, s := range []*server{c.product, c.floor} {
		if s != nil {
			s.stop()
		}
	}
}

// equal asks both servers the same questions, before any of them is timed, and stops at the first that is answered
// differently: a faster server that answers something else is no faster.
func (c *comparison) equal(ctx context.Context) error {
	floor, err := dial(ctx, c.floor.address)
	if err != nil {
		return err
	}
	defer floor.close()
	product, err := dial(ctx, c.product.address)
	if err != nil {
		return err
	}
	defer product.close()
	const most = 300
	for _, w := range c.workloads {
		asks := c.asks[w.name]
		asks = asks[:min(len(asks), most)]
		for _, a := range asks {
			if err := c.equalAnswer(floor, product, a); err != nil {
				return fmt.Errorf("%s: %w", a.label, err)
			}
		}
		say("%s: %d answers are equal", w.name, len(asks))
	}
	return nil
}

func (c *comparison) equalAnswer(floor, product *client, a ask) error {
	ours, err := floor.ask(a.floor)
	if err != nil {
		return fmt.Errorf("floor: %w", err)
	}
	theirs, err := product.ask(a.product)
	if err != nil {
		return fmt.Errorf("product: %w\n%s", err, c.product.lastWords())
	}
	difference, err := firstDifference(ours, theirs)
	if err == nil && difference != "" {
		err = errors.New("answers differ at " + difference)
	}
	return err
}

func (c *comparison) count(ctx context.Context) error {
	for _, w := range c.workloads {
		c.costs[w.name] = make(map[string]counts)
		for _, s := range c.servers() {
			n, err := c.counter.count(ctx, s, requestsFor(s, c.asks[w.name]))
			if err != nil {
				return err
			}
			c.costs[w.name][s.name] = n
		}
	}
	return nil
}
