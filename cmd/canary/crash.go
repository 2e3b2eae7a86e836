package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"

	"github.com/jackc/pgx/v5"
)

// crash has a server dump all its goroutines while it stores, gives and refreshes credentials, and searches the dump. A dump
// shows where each goroutine is and the words on its stack, which are addresses and lengths; the texts themselves are on
// the heap. What lies there is in a core dump, which is another thing: nothing here keeps it out of that.
func (h *harness) crash(ctx context.Context) error {
	var dumped atomic.Int64
	h.more = append(h.more, "GOTRACEBACK=all")
	server, err := h.serveInto(ctx, h.ledger, h.server, "server that is killed", crashOutput, &dumped, "DOCUMENTS=any", "OTEL_SDK_DISABLED=true")
	h.more = h.more[:len(h.more)-1]
	if err != nil {
		return err
	}
	defer server.stop()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	var asking sync.WaitGroup
	var answers atomic.Int64
	for _, v := range h.shown {
		asking.Go(func() {
			for n := 0; ctx.Err() == nil; n++ {
				q := h.questions.vault[n%len(h.questions.vault)]
				if _, err := send(ctx, h.client, asked{q, v, server, new(round)}); err != nil {
					return // it is gone, as it should be
				}
				answers.Add(1)
			}
		})
	}
	err = until(ctx, "the server is at work", readyWithin, func() (bool, error) { return answers.Load() > 100, nil })
	if err == nil {
		err = server.cmd.Process.Signal(syscall.SIGABRT)
	}
	if err == nil {
		<-server.done
	}
	cancel()
	asking.Wait()
	if err == nil && dumped.Load() < 10 {
		err = fmt.Errorf("a server that was killed has dumped %d goroutines: there was nothing to search", dumped.Load())
	}
	return err
}

const crashOutput = "crash output"

var goroutine = []byte("goroutine ")

// countGoroutines counts those that a line begins to dump.
func countGoroutines(line []byte, into *atomic.Int64) {
	if into != nil && bytes.HasPrefix(line, goroutine) {
		into.Add(1)
	}
}

// searchTables looks for secrets in every row of every table of the database, those of jobs included: what is sealed there is
// bytes, and everything else is no secret.
func (h *harness) searchTables(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, h.databaseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT quote_ident(schemaname) || '.' || quote_ident(tablename) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')`)
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	tables, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return fmt.Errorf("list the tables: %w", err)
	}
	for _, table := range tables {
		surface := "rows"
		if strings.Contains(table, "river") || strings.HasSuffix(table, ".jobs") {
			surface = "rows of jobs"
		}
		rows, err := conn.Query(ctx, `SELECT t::text FROM `+table+` t`)
		if err != nil {
			return fmt.Errorf("read %s: %w", table, err)
		}
		texts, err := pgx.CollectRows(rows, pgx.RowTo[string])
		if err != nil {
			return fmt.Errorf("read %s: %w", table, err)
		}
		for _, text := range texts {
			h.ledger.traceSecrets(surface, table, []byte(text))
		}
	}
	return nil
}

// searchFiles looks for secrets in what the servers have written beside the database.
func (h *harness) searchFiles(context.Context) error {
	for _, folder := range []string{"spool", "checkpoints"} {
		err := filepath.WalkDir(filepath.Join(h.secrets.folder, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			text, err := os.ReadFile(path)
			if err == nil || errors.Is(err, fs.ErrNotExist) { // a spool is emptied
				h.ledger.traceSecrets("files", filepath.Base(path), append([]byte(path+"\n"), text...))
				err = nil
			}
			return err
		})
		if err != nil {
			return fmt.Errorf("search what was written beside the database: %w", err)
		}
	}
	return nil
}
