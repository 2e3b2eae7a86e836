package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	tendEvery    = time.Minute
	jobsDeadline = 13 * time.Second // for the batches under way when the program is to end
)

// openJobs has this replica take its part in jobs; what it gives back ends that, and may be called twice.
func (app *App) openJobs() (stop func(), err error) {
	if app.Config.Jobs == "off" {
		return func() {}, nil
	}
	queue, err := app.Store.OpenQueue(app.Context, store.QueueWork{
		Job: app.Vault.WorkJob, Tend: app.Vault.Tend, TendEvery: tendEvery, Log: app.Log})
	if err != nil {
		return nil, err
	}
	return sync.OnceFunc(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(app.Context), jobsDeadline)
		defer cancel()
		if err := queue.Stop(ctx); err != nil {
			app.Log.Warn("jobs under way are others' in a minute and a half", "error", store.Redact(err))
		}
	}), nil
}

// JobsCmd is `cloakroom jobs`.
type JobsCmd struct {
	List   JobsListCmd   `cmd:"" help:"List jobs that are not over."`
	Show   JobsShowCmd   `cmd:"" help:"Show one job."`
	Work   JobsWorkCmd   `cmd:"" help:"Work on a job here and now, and watch it."`
	Pause  JobsPauseCmd  `cmd:"" help:"Stop a job after the batch under way; what is done stays done."`
	Resume JobsResumeCmd `cmd:"" help:"Go on with a job that was paused or given up, where it stopped."`
	Cancel JobsCancelCmd `cmd:"" help:"End a job where it stands."`
	Rate   JobsRateCmd   `cmd:"" help:"Bound a job to so many rows a second, from its next batch on."`
}

// JobsListCmd is `cloakroom jobs list`.
type JobsListCmd struct {
	All  bool `help:"Those that are over as well, newest first."`
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints the jobs.
func (c *JobsListCmd) Run(app *App) error {
	jobs, err := app.Vault.ListJobs(app.Context, c.All)
	if err != nil {
		return err
	}
	if !c.JSON {
		return printJobs(app.Stdout, jobs)
	}
	list := make([]jobJSON, len(jobs))
	for i, job := range jobs {
		list[i] = toJSON(job)
	}
	encoder := json.NewEncoder(app.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

// JobID is the number of a job on the command line.
type JobID struct {
	ID int64 `arg:"" help:"The job's number; jobs list shows it."`
}

// JobsShowCmd is `cloakroom jobs show`.
type JobsShowCmd struct {
	JobID
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints the job.
func (c *JobsShowCmd) Run(app *App) error {
	job, err := app.Vault.FindJob(app.Context, c.ID)
	if chat.CodeOf(err) == chat.NotFound {
		return chat.Errorf(chat.NotFound, "there is no job %d: `cloakroom jobs list --all` shows their numbers", c.ID)
	}
	if err != nil {
		return err
	}
	if c.JSON {
		return printJobJSON(app.Stdout, job)
	}
	return printJob(app.Stdout, job)
}

// JobsWorkCmd is `cloakroom jobs work`.
type JobsWorkCmd struct{ JobID }

// Run works on the job until it is over.
func (c *JobsWorkCmd) Run(app *App) error {
	job, err := app.Vault.FindJob(app.Context, c.ID)
	if err != nil {
		return err
	}
	return app.watch(job)
}

// JobsPauseCmd is `cloakroom jobs pause`.
type JobsPauseCmd struct{ JobID }

// Run pauses the job.
func (c *JobsPauseCmd) Run(app *App) error { return app.moveJob(app.Vault.PauseJob, c.ID) }

// JobsResumeCmd is `cloakroom jobs resume`.
type JobsResumeCmd struct{ JobID }

// Run puts the job back in the queue.
func (c *JobsResumeCmd) Run(app *App) error { return app.moveJob(app.Vault.ResumeJob, c.ID) }

// JobsCancelCmd is `cloakroom jobs cancel`.
type JobsCancelCmd struct{ JobID }

// Run ends the job.
func (c *JobsCancelCmd) Run(app *App) error { return app.moveJob(app.Vault.CancelJob, c.ID) }

// JobsRateCmd is `cloakroom jobs rate`.
type JobsRateCmd struct {
	JobID
	Rate int `arg:"" help:"Rows a second; 0 is as fast as it goes."`
}

// Run bounds the job.
func (c *JobsRateCmd) Run(app *App) error {
	return app.moveJob(func(ctx context.Context, jobID int64) (*chat.Job, error) {
		return app.Vault.SetJobRate(ctx, jobID, c.Rate)
	}, c.ID)
}

// moveJob does something to a job and prints how it stands then.
func (app *App) moveJob(move func(context.Context, int64) (*chat.Job, error), jobID int64) error {
	job, err := move(app.Context, jobID)
	if err != nil {
		return err
	}
	return printJobs(app.Stdout, []*chat.Job{job})
}

func printJobs(w io.Writer, jobs []*chat.Job) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tKIND\tACCOUNT\tSTATE\tSTEP\tROWS\tROWS/S\tLEFT\tWAITING FOR\tTROUBLE")
	for _, job := range jobs {
		pace, left := paceOf(job)
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", job.ID, job.Kind, accountOf(job), job.State, orDash(job.Step),
			rowsOf(job), pace, left, orDash(job.WaitingFor), orDash(job.Trouble))
	}
	return table.Flush()
}

func printJob(w io.Writer, job *chat.Job) error {
	pace, left := paceOf(job)
	rate := "as fast as it goes"
	if job.Arguments.Rate > 0 {
		rate = fmt.Sprintf("at most %d rows/s", job.Arguments.Rate)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, line := range [][2]string{
		{"job", strconv.FormatInt(job.ID, 10)}, {"kind", string(job.Kind)}, {"account", accountOf(job)}, {"state", string(job.State)},
		{"step", orDash(job.Step)}, {"rows", rowsOf(job)}, {"rows/s", pace}, {"left", left}, {"rate", rate}, {"dry run", strconv.FormatBool(job.Arguments.DryRun)},
		{"waiting for", orDash(job.WaitingFor)}, {"trouble", orDash(job.Trouble)}, {"failures in a row", strconv.Itoa(job.Attempts)},
		{"rows at fault", strconv.FormatInt(job.Checkpoint.Found, 10)}, {"asked for by", fmt.Sprintf("%s %s", job.Actor.Kind, job.Actor.ID)},
		{"created", minute(job.CreatedAt)}, {"started", minute(job.StartedAt)}, {"last batch", minute(job.UpdatedAt)}, {"finished", minute(job.FinishedAt)},
	} {
		fmt.Fprintf(table, "%s\t%s\n", line[0], line[1])
	}
	return table.Flush()
}

func accountOf(job *chat.Job) string {
	if job.AccountID == 0 {
		return "all"
	}
	return strconv.FormatInt(job.AccountID, 10)
}

func rowsOf(job *chat.Job) string {
	switch {
	case job.RowsTotal > 0:
		return fmt.Sprintf("%d/%d", job.RowsDone, job.RowsTotal)
	case job.RowsDone > 0:
		return strconv.FormatInt(job.RowsDone, 10)
	}
	return "-"
}

// paceOf gives the rows a second of a job's step so far, and how long the rest of it takes at that; of one that is over
// or stands still, dashes.
func paceOf(job *chat.Job) (pace, left string) {
	took := job.UpdatedAt.Sub(job.StepAt).Seconds()
	if job.State != chat.JobRunning || job.RowsDone == 0 || job.StepAt.IsZero() || took <= 0 {
		return "-", "-"
	}
	rate := float64(job.RowsDone) / took
	pace, left = strconv.FormatFloat(rate, 'f', 0, 64), "-"
	if rest := job.RowsTotal - job.RowsDone; rest > 0 {
		left = time.Duration(float64(rest) / rate * float64(time.Second)).Round(time.Second).String()
	}
	return pace, left
}

func orDash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}

func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04:05")
}
