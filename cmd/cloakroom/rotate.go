package main

import (
	"errors"
	"fmt"
	"net/url"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// schedule is when keys are rotated by themselves.
func (c Config) schedule() vault.Schedule {
	return vault.Schedule{Rotation: time.Duration(c.KeyRotation), Retention: time.Duration(c.KeyRetention), Reseal: c.KeyReseal,
		EpochLength: time.Duration(c.EpochLength), EpochRetention: time.Duration(c.EpochRetention), Rate: c.JobRate}
}

// RotateCmd is `cloakroom rotate`.
type RotateCmd struct {
	Account RotateAccountCmd `cmd:"" help:"New keys for an account: data, vault, cursors and audit."`
	Index   RotateIndexCmd   `cmd:"" help:"A new key for an account's blind indexes."`
	Master  RotateMasterCmd  `cmd:"" help:"Another master key for the whole installation."`
	Epoch   RotateEpochCmd   `cmd:"" help:"A new epoch key for the whole installation, so that old backups can be made unreadable."`
	Retire  RetireKeysCmd    `cmd:"" help:"Refuse and destroy old keys that no row names any more."`
}

// jobFlags are what every rotation takes.
type jobFlags struct {
	Rate   int  `help:"Rows a second at most; 0 is as fast as it goes." default:"0"`
	DryRun bool `name:"dry-run" help:"Only count the rows of each step."`
	JSON   bool `name:"json" help:"Print the job as JSON at the end."`
}

// RotateAccountCmd is `cloakroom rotate account`.
type RotateAccountCmd struct {
	jobFlags
	Account   int64 `required:"" help:"The account's id; 0 is the installation's own keys."`
	Reseal    bool  `default:"true" negatable:"" help:"Seal payloads again too, so that the old keys can be refused."`
	Retention *Span `help:"0s destroys the old keys at the end of the job; otherwise they are, KEY_RETENTION after they were refused."`
	Wait      bool  `help:"Work on it here until it is done."`
}

// Run starts the rotation of an account's keys, or goes on with one.
func (c *RotateAccountCmd) Run(app *App) error {
	retention, err := app.retention(c.Retention, time.Duration(app.Config.KeyRetention), "KEY_RETENTION")
	if err != nil {
		return err
	}
	if err := app.checkAccount(c.Account); err != nil {
		return err
	}
	return app.job(c.jobFlags, c.Wait, chat.RotateAccount, c.Account, chat.JobArguments{Reseal: c.Reseal, Retention: retention})
}

// RotateIndexCmd is `cloakroom rotate index`.
type RotateIndexCmd struct {
	jobFlags
	Account   int64 `required:"" help:"The account's id."`
	Soak      Span  `default:"0s" help:"How long to rest with both indexes complete, before the old one goes."`
	Retention *Span `help:"0s destroys the old key at the end of the job; otherwise it is, KEY_RETENTION after it was refused."`
	Wait      bool  `help:"Work on it here until it is done."`
}

// Run starts the rotation of an account's index key, or goes on with one.
func (c *RotateIndexCmd) Run(app *App) error {
	retention, err := app.retention(c.Retention, time.Duration(app.Config.KeyRetention), "KEY_RETENTION")
	if err != nil {
		return err
	}
	if err := app.checkAccount(c.Account); err != nil {
		return err
	}
	return app.job(c.jobFlags, c.Wait, chat.RotateIndex, c.Account, chat.JobArguments{Soak: time.Duration(c.Soak), Retention: retention})
}

// RotateMasterCmd is `cloakroom rotate master`.
type RotateMasterCmd struct {
	jobFlags
	To   string `required:"" help:"URI of the new master key; credentials are read where the old key's are, never from here."`
	Wait bool   `default:"true" negatable:"" help:"Work on it here until it is done."`
}

// Run starts the move to another master key, or goes on with one.
func (c *RotateMasterCmd) Run(app *App) error {
	to, err := plainURI(c.To)
	if err != nil {
		return err
	}
	return app.job(c.jobFlags, c.Wait, chat.RotateMaster, 0, chat.JobArguments{To: to})
}

// plainURI refuses a URI with credentials in it: it is kept in the database, and every replica reads it.
func plainURI(text string) (string, error) {
	u, err := url.Parse(text)
	switch {
	case err != nil || u.Scheme == "":
		return "", chat.InvalidField("to", "is not the URI of a master key, such as local-file:///etc/cloakroom/next.key")
	case u.User != nil || u.Fragment != "":
		return "", chat.InvalidField("to", "must hold no credentials: it is kept in the database")
	}
	return text, nil
}

// RotateEpochCmd is `cloakroom rotate epoch`.
type RotateEpochCmd struct {
	jobFlags
	Retention *Span `help:"0s destroys old epochs at the end of the job, and every backup of theirs with them; otherwise they are, EPOCH_RETENTION after they were retired."`
	Wait      bool  `help:"Work on it here until it is done."`
}

// Run starts the rotation of the epoch, or goes on with one.
func (c *RotateEpochCmd) Run(app *App) error {
	retention, err := app.retention(c.Retention, time.Duration(app.Config.EpochRetention), "EPOCH_RETENTION")
	if err != nil {
		return err
	}
	return app.job(c.jobFlags, c.Wait, chat.RotateEpoch, 0, chat.JobArguments{Retention: retention})
}

// RetireKeysCmd is `cloakroom rotate retire`.
type RetireKeysCmd struct {
	jobFlags
	Wait bool `help:"Work on it here until it is done."`
}

// Run starts the daily looking for keys that can go, or goes on with it.
func (c *RetireKeysCmd) Run(app *App) error {
	return app.job(c.jobFlags, c.Wait, chat.RetireKeys, 0, chat.JobArguments{
		Retention: time.Duration(app.Config.KeyRetention), Epochs: time.Duration(app.Config.EpochRetention)})
}

// retention is how long old keys are kept: at most one length of time is the installation's, and the other is none.
func (app *App) retention(asked *Span, configured time.Duration, setting string) (time.Duration, error) {
	switch {
	case asked == nil:
		return max(configured, 1), nil
	case *asked == 0 || time.Duration(*asked) == configured:
		return time.Duration(*asked), nil
	default:
		return 0, chat.InvalidField("retention", "must be 0s, or left out: how long old keys are kept is set with %s, for all alike", setting)
	}
}

// checkAccount refuses an account that Chatwoot does not have: asking for its keys would make some.
func (app *App) checkAccount(id int64) error {
	if id == 0 {
		return nil
	}
	_, err := app.Store.FindAccount(app.Context, id)
	if errors.Is(err, chat.ErrNotFound) {
		return chat.InvalidField("account", "there is no account %d in Chatwoot", id)
	}
	return err
}

// job starts a job, or takes up the open one of its kind, and waits for it when that was asked for.
func (app *App) job(flags jobFlags, wait bool, kind chat.JobKind, accountID int64, arguments chat.JobArguments) error {
	arguments.Rate, arguments.DryRun = flags.Rate, flags.DryRun
	job, started, err := app.Vault.StartJob(app.Context, kind, accountID, arguments)
	if err != nil {
		return err
	}
	if !started {
		if job, err = app.takeUp(job, flags, wait); err != nil {
			return err
		}
	}
	if wait || flags.DryRun {
		if err = app.watch(job); err != nil {
			return err
		}
	} else if !flags.JSON {
		_, err = fmt.Fprintf(app.Stdout, "Job %d is in the queue: `cloakroom jobs list` shows how far it is.\n", job.ID)
	}
	if err == nil && flags.JSON {
		if job, err = app.Vault.FindJob(app.Context, job.ID); err == nil {
			err = printJobJSON(app.Stdout, job)
		}
	}
	return err
}

// takeUp goes on with an open job. Its arguments stay as they were given; a pace asked for now is in force from now on,
// and who waits for a paused job wants it to go on.
func (app *App) takeUp(job *chat.Job, flags jobFlags, wait bool) (*chat.Job, error) {
	if job.Arguments.DryRun != flags.DryRun {
		return nil, chat.Errorf(chat.Conflict, "job %d of this kind is open, and does something else: `cloakroom jobs cancel %d` ends it", job.ID, job.ID)
	}
	_, _ = fmt.Fprintf(app.Stderr, "goes on with job %d, which is %s at %q\n", job.ID, job.State, job.Step)
	var err error
	if flags.Rate > 0 && flags.Rate != job.Arguments.Rate {
		if job, err = app.Vault.SetJobRate(app.Context, job.ID, flags.Rate); err != nil {
			return nil, err
		}
	}
	if wait && job.State == chat.JobPaused {
		return app.Vault.ResumeJob(app.Context, job.ID)
	}
	return job, nil
}
