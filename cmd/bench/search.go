package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"runtime/debug"
	"time"
)

// compareSearch builds one account, sealed and in plaintext, asks both the same things, and tells the ratios. missed says
// that a goal was missed by more than the machine's noise.
func compareSearch(ctx context.Context, o options) (missed bool, err error) {
	began := time.Now()
	debug.SetGCPercent(400) // as the product sets it
	name := fmt.Sprintf("cloakroom_bench_search_%d", os.Getpid())
	folder, err := os.MkdirTemp("", "cloakroom-bench-search-")
	if err != nil {
		return false, fmt.Errorf("make a folder for the master key: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a folder in /tmp may stay
	url, err := databaseURL(o.database, name)
	if err != nil {
		return false, err
	}
	if err := onServer(ctx, o.database, "CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", name); err != nil {
		return false, err
	}
	defer func() { _ = dropDatabase(context.WithoutCancel(ctx), o.database, name) }() // the server may be gone already
	// Records in Redis are named by account: another number for every run keeps them apart.
	b := &searchBench{options: o, data: newSearchData(o, 1+rand.Int64N(1_000_000))} // no secret
	defer b.shut()
	if err := b.open(ctx, url, "local-file://"+filepath.Join(folder, "master")); err != nil {
		return false, err
	}
	if err := b.measure(ctx); err != nil {
		return false, err
	}
	text, missed := b.report(time.Since(began))
	fmt.Print(text)
	if o.out != "" {
		if err := os.WriteFile(o.out, []byte(text), 0o600); err != nil {
			return missed, fmt.Errorf("write the report: %w", err)
		}
	}
	return missed, nil
}

// measure builds everything and asks every question.
func (b *searchBench) measure(ctx context.Context) error {
	b.figures, b.often = b.data.texts.figures(b.data.said)
	for _, do := range []func(context.Context) error{b.build, b.index, b.settle, b.weigh, b.ask, b.write} {
		if err := do(ctx); err != nil {
			return err
		}
	}
	return nil
}

// settle empties the GINs' pending lists, as autovacuum does elsewhere, and reads the account's settings anew.
func (b *searchBench) settle(ctx context.Context) error {
	if err := step("vacuuming", func() error { return b.run(ctx, `VACUUM ANALYZE`, `CHECKPOINT`) }); err != nil {
		return err
	}
	return b.readAccount(ctx)
}

// ask measures every question in turn.
func (b *searchBench) ask(ctx context.Context) error {
	t, err := openTwin(ctx, b.url, b.data.accountID)
	if err != nil {
		return err
	}
	b.close = append(b.close, t.pool.Close)
	b.twin = t
	questions, err := b.questions(ctx)
	if err != nil {
		return err
	}
	for _, q := range questions {
		if err := step(q.group+": "+q.title, func() error { return q.measure(ctx) }); err != nil {
			return err
		}
		b.asked = append(b.asked, q)
	}
	return nil
}
