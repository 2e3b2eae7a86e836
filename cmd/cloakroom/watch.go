package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

const (
	watchSlice = time.Second      // of work between two looks at the job, and at whether somebody wants to stop
	watchPrint = 2 * time.Second  // between two lines about one step
	watchGrace = 10 * time.Second // for the batch under way when somebody wants to stop
)

// watch works on a job in this process until it is over, or watches whoever holds it, with lines about its progress
// on stderr. It gives no error only when the job is done. An interrupt lets the batch under way end.
func (app *App) watch(job *chat.Job) error {
	work, cancel := context.WithCancel(context.WithoutCancel(app.Context))
	defer cancel()
	defer context.AfterFunc(app.Context, func() { time.AfterFunc(watchGrace, cancel) })()
	p := progress{to: app.Stderr}
	for {
		slice := watchSlice
		if job.Arguments.DryRun { // so that the count of each step is seen
			slice = 0
		}
		again, done, workErr := app.Vault.WorkJob(work, job.ID, slice)
		now, err := app.Vault.FindJob(work, job.ID)
		if err != nil {
			return fmt.Errorf("look at job %d: %w", job.ID, err)
		}
		job = now
		p.show(job, workErr)
		if done || !job.State.Open() {
			return p.verdict(job)
		}
		if !wait(app.Context, min(again, watchPrint)) {
			return fmt.Errorf("stopped: job %d is at %q and keeps what it has done; `cloakroom jobs work %d` or any server goes on with it",
				job.ID, job.Step, job.ID)
		}
	}
}

// wait waits; false says that somebody wants to stop.
func wait(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return ctx.Err() == nil
	}
}

// progress writes how a job comes along, a line at a time, so that it reads the same on a terminal and in a log.
type progress struct {
	to    io.Writer
	step  string
	said  string
	at    time.Time // of the last line
	rows  int64     // of the step, when it was first seen
	since time.Time
}

func (p *progress) show(job *chat.Job, trouble error) {
	now := time.Now()
	if p.step != job.Step {
		p.step, p.rows, p.since, p.said = job.Step, job.RowsDone, now, ""
	}
	line := p.line(job, now)
	if trouble != nil {
		line += ": " + job.Trouble + "; tried again"
	}
	if line == p.said || p.said != "" && now.Sub(p.at) < watchPrint {
		return
	}
	p.said, p.at = line, now
	_, _ = fmt.Fprintln(p.to, line)
}

// line says where a job is: its step, rows, pace, time to go, and what it waits for.
func (p *progress) line(job *chat.Job, now time.Time) string {
	text := fmt.Sprintf("job %d: %s", job.ID, job.Step)
	switch {
	case job.RowsTotal > 0:
		text += fmt.Sprintf(" %d/%d rows", job.RowsDone, job.RowsTotal)
	case job.RowsDone > 0:
		text += fmt.Sprintf(" %d rows", job.RowsDone)
	}
	if pace := float64(job.RowsDone-p.rows) / now.Sub(p.since).Seconds(); pace > 0 && now.Sub(p.since) > watchSlice/2 {
		text += fmt.Sprintf(", %.0f rows/s", pace)
		if left := job.RowsTotal - job.RowsDone; left > 0 {
			text += fmt.Sprintf(", %v to go", time.Duration(float64(left)/pace*float64(time.Second)).Round(time.Second))
		}
	}
	if job.WaitingFor != "" {
		text += ", waiting for " + job.WaitingFor
	}
	return text
}

func (p *progress) verdict(job *chat.Job) error {
	switch job.State {
	case chat.JobDone:
		_, _ = fmt.Fprintf(p.to, "job %d: done%s\n", job.ID, atFault(job))
		return nil
	case chat.JobPaused:
		return fmt.Errorf("job %d is paused at %q: `cloakroom jobs resume %d` goes on with it", job.ID, job.Step, job.ID)
	case chat.JobFailed:
		return fmt.Errorf("job %d was given up at %q: %s; when that is put right, `cloakroom jobs resume %d` goes on with it",
			job.ID, job.Step, job.Trouble, job.ID)
	default:
		return fmt.Errorf("job %d is %s at %q", job.ID, job.State, job.Step)
	}
}

func atFault(job *chat.Job) string {
	if job.Checkpoint.Found == 0 {
		return ""
	}
	return fmt.Sprintf("; %d rows are at fault, and named in the log", job.Checkpoint.Found)
}

// jobJSON is a job where JSON is asked for.
type jobJSON struct {
	ID         int64             `json:"id"`
	Kind       chat.JobKind      `json:"kind"`
	Account    int64             `json:"account"` // 0 is the installation
	State      chat.JobState     `json:"state"`
	Step       string            `json:"step"`
	RowsDone   int64             `json:"rows_done"`
	RowsTotal  int64             `json:"rows_total"`
	AtFault    int64             `json:"rows_at_fault"`
	WaitingFor string            `json:"waiting_for"`
	Trouble    string            `json:"trouble"`
	Arguments  chat.JobArguments `json:"arguments"`
	CreatedAt  time.Time         `json:"created_at"`
	FinishedAt *time.Time        `json:"finished_at"`
}

func toJSON(job *chat.Job) jobJSON {
	shown := jobJSON{ID: job.ID, Kind: job.Kind, Account: job.AccountID, State: job.State, Step: job.Step, RowsDone: job.RowsDone,
		RowsTotal: job.RowsTotal, AtFault: job.Checkpoint.Found, WaitingFor: job.WaitingFor, Trouble: job.Trouble,
		Arguments: job.Arguments, CreatedAt: job.CreatedAt}
	if !job.FinishedAt.IsZero() {
		shown.FinishedAt = &job.FinishedAt
	}
	return shown
}

func printJobJSON(w io.Writer, job *chat.Job) error {
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(toJSON(job))
}
