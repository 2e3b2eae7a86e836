package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/outbox"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/vault"
)

// AuditCmd is `cloakroom audit`.
type AuditCmd struct {
	Key    AuditKeyCmd    `cmd:"" help:"The key that signs checkpoints of the audit trail. Needs no database."`
	Verify AuditVerifyCmd `cmd:"" help:"Prove that nobody has changed the audit trail, or say what was changed. Needs the database alone."`
	Report AuditReportCmd `cmd:"" help:"Write what was done into a file, and what proves it into another; on record."`

	VerifyBundle AuditVerifyBundleCmd `cmd:"" help:"Check a report offline, with its bundle and the trusted keys alone."`
}

// AuditKeyCmd is `cloakroom audit key`.
type AuditKeyCmd struct {
	Create AuditKeyCreateCmd `cmd:"" help:"Make a key and print its public half."`
	Show   AuditKeyShowCmd   `cmd:"" help:"Print the public half of AUDIT_KEY, for AUDIT_TRUSTED_KEYS."`
}

// AuditKeyCreateCmd is `cloakroom audit key create`.
type AuditKeyCreateCmd struct {
	Out string `required:"" placeholder:"FILE" help:"Where the key is kept; the file must not be there yet."`
}

// Run makes the key.
func (c *AuditKeyCreateCmd) Run(app *App) error {
	public, err := createAuditKey(c.Out)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(app.Stdout, public)
	return err
}

// AuditKeyShowCmd is `cloakroom audit key show`.
type AuditKeyShowCmd struct{}

// Run prints the public half.
func (AuditKeyShowCmd) Run(app *App) error {
	key, err := app.Config.auditKey()
	if err != nil {
		return err
	}
	if key == nil {
		return errors.New("AUDIT_KEY is not set: `cloakroom audit key create --out FILE` makes one")
	}
	_, err = fmt.Fprintln(app.Stdout, key.Verifier())
	return err
}

// AuditVerifyCmd is `cloakroom audit verify`.
type AuditVerifyCmd struct {
	Account     int64    `default:"-1" placeholder:"ID" help:"Only this account; 0 is the installation. All by default."`
	Checkpoints []string `type:"existingdir" placeholder:"DIR" help:"Copies of checkpoints from outside the database; the directories of AUDIT_DESTINATIONS by default."`
	JSON        bool     `name:"json" help:"Print JSON."`
}

// auditReport is `audit verify --json`.
type auditReport struct {
	OK       bool            `json:"ok"`
	Newer    int64           `json:"newer"` // entries than the newest checkpoint of their account
	Compared []string        `json:"compared_with"`
	Accounts []proof.Verdict `json:"accounts"`
	Copies   []proof.Finding `json:"rejected_copies"`
}

// errAudit ends the command with exit code 1 when what was wrong has been printed.
var errAudit = errors.New("the audit trail is not as it was written, or cannot be proven to be")

// Run verifies the trail. Copies are read first: the database only gains meanwhile.
func (c *AuditVerifyCmd) Run(app *App) error {
	trusted, err := app.Config.trustedAuditKeys()
	if err != nil {
		return err
	}
	report := auditReport{Compared: []string{}, Copies: []proof.Finding{}}
	given := vault.AuditVerification{AccountID: c.Account, Trusted: trusted, Progress: app.auditProgress()}
	if given.Copies, err = c.copies(app, trusted, &report); err != nil {
		return err
	}
	if report.Accounts, err = vault.VerifyAudit(app.Context, app.Store, given); err != nil {
		return err
	}
	report.OK = len(report.Copies) == 0
	for _, verdict := range report.Accounts {
		report.Newer += verdict.Newer
		report.OK = report.OK && len(verdict.Findings) == 0
	}
	if c.JSON {
		encoder := json.NewEncoder(app.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(report)
	} else {
		err = printAudit(app.Stdout, report)
	}
	if err == nil && !report.OK {
		err = errAudit
	}
	return err
}

func (c *AuditVerifyCmd) copies(app *App, trusted proof.Trusted, report *auditReport) (copies []vault.AuditCopy, err error) {
	report.Compared = append(report.Compared, c.Checkpoints...)
	if c.Checkpoints == nil {
		destinations, err := outbox.Open(app.Context, app.Config.AuditDestinations)
		if err != nil {
			return nil, err
		}
		for _, d := range destinations {
			if d.Directory != "" {
				report.Compared = append(report.Compared, d.Directory)
			}
		}
	}
	for _, folder := range report.Compared {
		more, wrong, err := vault.ReadAuditCopies(os.DirFS(folder), folder, trusted)
		if err != nil {
			return nil, err
		}
		copies, report.Copies = append(copies, more...), append(report.Copies, wrong...)
	}
	return copies, nil
}

// auditProgress writes how far a long verification is, now and then.
func (app *App) auditProgress() func(done, all int64) {
	said := time.Now()
	return func(done, all int64) {
		if now := time.Now(); now.Sub(said) > watchPrint {
			said = now
			_, _ = fmt.Fprintf(app.Stderr, "verified %d of %d entries\n", done, all)
		}
	}
}

func printAudit(w io.Writer, report auditReport) error {
	for _, v := range report.Accounts {
		state := "as signed"
		if len(v.Findings) > 0 {
			state = "NOT AS SIGNED"
		}
		fmt.Fprintf(w, "account %d: %s; %d entries, %d checkpoints, %d copies", v.AccountID, state, v.Entries, v.Checkpoints, v.Copies)
		if v.NewestNumber > 0 {
			fmt.Fprintf(w, "; %d newer than checkpoint %d of %s", v.Newer, v.NewestNumber, v.NewestSignedAt.Format(time.RFC3339))
		}
		fmt.Fprintln(w)
		printed := make(map[proof.FindingKind]int64)
		for _, f := range v.Findings {
			printed[f.Kind]++
			fmt.Fprintf(w, "  %s: %s\n", f.Kind, f.Text)
		}
		for _, kind := range slices.Sorted(maps.Keys(v.Counts)) {
			if more := v.Counts[kind] - printed[kind]; more > 0 {
				fmt.Fprintf(w, "  %s: and %d more\n", kind, more)
			}
		}
	}
	for _, f := range report.Copies {
		fmt.Fprintf(w, "%s: %s\n", f.Kind, f.Text)
	}
	if len(report.Compared) == 0 {
		fmt.Fprintln(w, "Not compared with copies outside the database (--checkpoints DIR): a trail that was cut, with its checkpoints, is not told from one that is whole.")
	}
	_, err := fmt.Fprintf(w, "%d entries are newer than their account's newest checkpoint: these could be removed or changed unseen. What was never written cannot be missed.\n", report.Newer)
	return err
}
