package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/jackc/pgx/v5"
)

// rotateGoal is how many subject keys a second of one processor should wrap anew.
const rotateGoal = 20_000

// rotation is one command, with the step of its job that does the work by rows.
type rotation struct {
	what string
	kind string
	line []string
}

// rotate measures the rotations of every kind over the large account, by the command an operator types.
func rotate(ctx context.Context, o options) error {
	d, err := openData(ctx, o)
	if err != nil {
		return err
	}
	defer d.drop()
	db, err := pgx.Connect(ctx, d.url)
	if err != nil {
		return fmt.Errorf("connect to the database: %w", err)
	}
	defer func() { _ = db.Close(context.WithoutCancel(ctx)) }() // it only read
	folder, err := os.MkdirTemp("", "cloakroom-bench-keys-")
	if err != nil {
		return fmt.Errorf("make a folder for keys: %w", err)
	}
	defer func() { _ = os.RemoveAll(folder) }() // a folder in /tmp may stay
	account := strconv.FormatInt(d.accountID, 10)
	table := tabwriter.NewWriter(os.Stdout, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "rotation\tstep\trows\tseconds\trows/s\t")
	for _, r := range []rotation{
		{"subject keys of one account", "rotate_account", []string{"rotate", "account", "--account", account, "--wait", "--no-reseal"}},
		{"one account, everything sealed anew", "rotate_account", []string{"rotate", "account", "--account", account, "--wait", "--retention", "0s"}},
		{"its index key", "rotate_index", []string{"rotate", "index", "--account", account, "--wait", "--retention", "0s"}},
		{"the epoch", "rotate_epoch", []string{"rotate", "epoch", "--wait", "--retention", "0s"}},
		{"the master key", "rotate_master", []string{"rotate", "master", "--to", "local-file://" + filepath.Join(folder, "next.key"), "--wait"}},
	} {
		if err := d.measure(ctx, db, o, r, table); err != nil {
			return err
		}
	}
	return table.Flush()
}

// stepTime is how long a step of a job took, and the rows that it was counted to have: its last batch also begins the
// next step.
type stepTime struct {
	name        string
	rows        int64
	began, last time.Time
}

func (d *dataset) measure(ctx context.Context, db *pgx.Conn, o options, r rotation, table *tabwriter.Writer) error {
	cmd := exec.CommandContext(ctx, o.product, r.line...)
	cmd.Env = append(os.Environ(), "DATABASE_URL="+d.url, "REDIS_URL="+o.redis, "MASTER_KEY="+d.masterKey, "LOG_LEVEL=warn")
	var said bytes.Buffer
	cmd.Stdout, cmd.Stderr = &said, &said
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", strings.Join(r.line, " "), err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	steps, err := follow(ctx, db, r.kind, ended)
	if err != nil {
		return fmt.Errorf("%s: %w\n%s", strings.Join(r.line, " "), err, said.String())
	}
	var rows int64
	for _, s := range steps {
		rows += s.rows
		if seconds := s.last.Sub(s.began).Seconds(); s.rows > 0 {
			fmt.Fprintf(table, "%s\t%s\t%d\t%.2f\t%.0f\t\n", r.what, s.name, s.rows, seconds, float64(s.rows)/max(seconds, 0.02))
		}
	}
	cpu := (cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()).Seconds()
	fmt.Fprintf(table, "%s\tprocessor time, all steps\t%d\t%.2f\t%.0f\t\n", r.what, rows, cpu, float64(rows)/cpu)
	if perSecond := float64(rows) / cpu; r.kind == "rotate_account" && perSecond < rotateGoal {
		fmt.Fprintf(table, "%s\tmisses its goal of %d rows a second of processor time\t\t\t\t\n", r.what, rotateGoal)
	}
	return nil
}

// follow reads how far the newest job of a kind has come, every few milliseconds, until the command ends.
func follow(ctx context.Context, db *pgx.Conn, kind string, ended <-chan error) ([]*stepTime, error) {
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	var steps []*stepTime
	for over := false; ; {
		var name, state string
		var rows int64
		err := db.QueryRow(ctx, `SELECT step, state, greatest(rows_done, rows_total) FROM cloakroom.jobs WHERE kind = $1 ORDER BY job_id DESC LIMIT 1`, kind).Scan(&name, &state, &rows)
		if err != nil && !errors.Is(err, pgx.ErrNoRows) {
			return nil, err
		}
		if n := len(steps); err == nil && state == "running" && (n == 0 || steps[n-1].name != name) {
			steps = append(steps, &stepTime{name: name, began: time.Now()})
		}
		if n := len(steps); n > 0 && steps[n-1].name == name {
			steps[n-1].rows, steps[n-1].last = max(steps[n-1].rows, rows), time.Now()
		}
		if over {
			return steps, nil
		}
		select {
		case err := <-ended:
			if err != nil {
				return nil, err
			}
			over = true
		case <-tick.C:
		}
	}
}
