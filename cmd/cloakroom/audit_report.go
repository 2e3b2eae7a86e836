package main

import (
	"crypto/sha256"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/report"
	"github.com/cloakroom/cloakroom/vault"
)

// AuditReportCmd is `cloakroom audit report`.
type AuditReportCmd struct {
	Account    int64  `required:"" placeholder:"ID" help:"The account; 0 is the installation."`
	EntityType string `placeholder:"TYPE" help:"Only entries about this sort of thing, such as contact."`
	EntityID   string `placeholder:"ID" help:"Only entries about the thing of this id."`
	Actor      string `placeholder:"KIND[/ID]" help:"Only what these did, such as SERVICE or AGENT/4."`
	Action     string `help:"Only this action, such as masking_set."`
	Since      string `placeholder:"TIME" help:"Only what was done from here on: a day, or a time such as 2026-11-22T19:30:00Z."`
	Until      string `placeholder:"TIME" help:"Only what was done before."`
	Purpose    string `help:"What the report is for, one line without an address. Without it details that hold values are left out."`
	Format     string `enum:"csv,json" default:"csv" help:"csv or json."`
	Out        string `default:"-" placeholder:"FILE" help:"The report; the file must not be there yet. - is standard output."`
	Bundle     string `placeholder:"FILE" help:"What proves the report; the report then ends at the newest checkpoint."`
}

// Run writes the report, and what proves it, into files that are whole when they are there.
func (c *AuditReportCmd) Run(app *App) error {
	question, err := c.question()
	if err != nil {
		return err
	}
	w := &reportWriter{app: app, asked: vault.AuditReport{AuditQuestion: question, Proven: c.Bundle != ""}}
	defer w.discard()
	if err := w.open(c); err != nil {
		return err
	}
	end, err := w.write()
	if err != nil {
		return err
	}
	if err := app.Vault.RecordReport(app.Context, w.asked, end, fmt.Sprintf("%x", w.sum.Sum(nil))); err != nil {
		return err
	}
	if err := errors.Join(w.give(c.Out), place(w.bundle, c.Bundle)); err != nil {
		return err
	}
	return w.say(c, end)
}

func (c *AuditReportCmd) question() (q vault.AuditQuestion, err error) {
	q = vault.AuditQuestion{AccountID: c.Account, Purpose: c.Purpose, MayOpen: true}
	kind, id, _ := strings.Cut(c.Actor, "/")
	q.Filter = chat.AuditFilter{EntityType: c.EntityType, EntityID: c.EntityID, ActorKind: kind, ActorID: id, Action: c.Action}
	if q.Filter.From, err = parseMoment("since", c.Since); err != nil {
		return q, err
	}
	if q.Filter.To, err = parseMoment("until", c.Until); err != nil {
		return q, err
	}
	if c.Purpose != "" {
		err = chat.CheckPurpose("purpose", c.Purpose)
	}
	if c.Account < 0 {
		err = chat.InvalidField("account", "must be an account's id, or 0 for the installation")
	}
	return q, err
}

// parseMoment reads a day in UTC, or a time; nil for nothing.
func parseMoment(field, text string) (*time.Time, error) {
	if text == "" {
		return nil, nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339Nano} {
		if at, err := time.Parse(layout, text); err == nil {
			at = at.UTC().Truncate(time.Microsecond)
			return &at, nil
		}
	}
	return nil, chat.InvalidField(field, "must be a day such as 2026-11-22, or a time such as 2026-11-22T19:30:00Z")
}

// reportWriter writes both files of a report.
type reportWriter struct {
	app            *App
	asked          vault.AuditReport
	report, bundle *os.File // beside the place where they are to be
	sum            hash.Hash
	rows           *report.Writer
	proofs         *report.BundleWriter // nil where none is wanted
}

// open makes the files. Nothing is overwritten.
func (w *reportWriter) open(c *AuditReportCmd) (err error) {
	for _, f := range []struct {
		path string
		file **os.File
	}{{c.Out, &w.report}, {c.Bundle, &w.bundle}} {
		if f.path == "" {
			continue
		}
		folder := filepath.Dir(f.path)
		if f.path == standard { // it is written out only once it is on record
			folder = os.TempDir()
		} else if _, err := os.Lstat(f.path); err == nil {
			return fmt.Errorf("%s is there already, and nothing is overwritten", f.path)
		}
		if *f.file, err = os.CreateTemp(folder, ".cloakroom-report-*"); err != nil { // mode 0600
			return fmt.Errorf("make the file: %w", err)
		}
	}
	w.sum = sha256.New()
	w.rows, err = report.NewWriter(io.MultiWriter(w.report, w.sum), report.Format(c.Format))
	return err
}

// discard takes away what is not in its place.
func (w *reportWriter) discard() {
	for _, f := range []*os.File{w.report, w.bundle} {
		if f != nil {
			_ = f.Close()           // it has been closed where it counts
			_ = os.Remove(f.Name()) // its other name stays where it has one
		}
	}
}

func (w *reportWriter) write() (vault.AuditReportEnd, error) {
	w.asked.Begin, w.asked.Each, w.asked.Progress = w.begin, w.each, w.app.reportProgress("looked at", "entries")
	end, err := w.app.Vault.ReportAudit(w.app.Context, w.asked)
	if err != nil {
		return end, err
	}
	if err := errors.Join(w.rows.Close(), w.report.Sync()); err != nil {
		return end, fmt.Errorf("write the report: %w", err)
	}
	if w.proofs == nil {
		return end, nil
	}
	key, err := w.app.Config.auditKey()
	if err != nil {
		return end, err
	}
	if err := w.proofs.Close(proof.Hash(w.sum.Sum(nil)), key); err != nil {
		return end, fmt.Errorf("%w%s", err, changedEntries(end))
	}
	if err := errors.Join(w.bundle.Sync(), w.bundle.Close()); err != nil {
		return end, fmt.Errorf("write the bundle: %w", err)
	}
	return end, nil
}

// begin begins the bundle, at the newest checkpoint, which must be one that is trusted here.
func (w *reportWriter) begin(head vault.AuditReportHead) error {
	if head.Note == "" {
		return errors.New("nothing of the account has been signed, so nothing can be proven: a server with AUDIT_KEY signs within a minute")
	}
	list, err := w.app.Config.trustedAuditKeyList()
	if err != nil {
		return err
	}
	trusted, err := proof.ParseTrusted(list)
	if err != nil {
		return fmt.Errorf("AUDIT_TRUSTED_KEYS: %w", err)
	}
	checkpoint, err := proof.OpenCheckpoint(head.Note, trusted)
	if err != nil {
		return fmt.Errorf("the newest checkpoint of account %d: %w: run `cloakroom audit verify`", w.asked.AccountID, err)
	}
	signer, err := proof.SignerOf(head.Note, list)
	if err != nil {
		return fmt.Errorf("the newest checkpoint of account %d: %w", w.asked.AccountID, err)
	}
	w.proofs, err = report.NewBundle(w.bundle, report.Head{AccountID: w.asked.AccountID, Filter: w.asked.Filter,
		First: head.First, Last: head.Last, Checkpoint: head.Note, Key: signer}, checkpoint)
	return err
}

func (w *reportWriter) each(i vault.AuditReportItem) error {
	if i.Row {
		row := reportRow(&i)
		if err := w.rows.Write(row); err != nil || w.proofs == nil {
			return err
		}
		return w.proofs.Row(i.Leaf, row)
	}
	switch {
	case w.proofs == nil:
		return nil
	case i.Leaf != nil:
		return w.proofs.Beside(i.Leaf)
	}
	return w.proofs.Other(i.Hash)
}

// rowStatus says how a report writes what the details are.
var rowStatus = map[chat.AuditDetailsState]report.Status{chat.DetailsOpen: report.Open, chat.DetailsMasked: report.Masked,
	chat.DetailsErased: report.Erased, chat.DetailsUnreadable: report.Unreadable}

func reportRow(i *vault.AuditReportItem) report.Row {
	l := i.Leaf
	return report.Row{Number: i.Number, EntryID: l.ID, OccurredAt: l.OccurredAt, ActorKind: l.Actor.Kind, ActorID: l.Actor.ID, Action: string(l.Action),
		EntityType: l.EntityType, EntityID: l.EntityID, RequestID: l.RequestID, Status: rowStatus[i.State], Details: i.Details}
}

// standard is standard output, as the name of a file.
const standard = "-"

// give puts the report where it is wanted.
func (w *reportWriter) give(path string) error {
	if path != standard {
		return place(w.report, path)
	}
	if _, err := w.report.Seek(0, io.SeekStart); err != nil {
		return fmt.Errorf("read the report again: %w", err)
	}
	if _, err := io.Copy(w.app.Stdout, w.report); err != nil {
		return fmt.Errorf("write the report out: %w", err)
	}
	return nil
}

// place gives a file that is whole its name, unless another has it by now.
func place(file *os.File, path string) error {
	if file == nil {
		return nil
	}
	if err := os.Link(file.Name(), path); err != nil {
		return fmt.Errorf("put the file in its place: %w", err)
	}
	return nil
}

func changedEntries(end vault.AuditReportEnd) string {
	if len(end.Changed) == 0 {
		return ""
	}
	return fmt.Sprintf("; entries that are not what they were when they were numbered: %d", end.Changed)
}

func (w *reportWriter) say(c *AuditReportCmd, end vault.AuditReportEnd) error {
	to, file := w.app.Stdout, c.Out
	if file == standard {
		to, file = w.app.Stderr, "the report"
	}
	_, err := fmt.Fprintf(to, "%d entries of account %d are in %s, SHA-256 %x.\n", end.Rows, c.Account, file, w.sum.Sum(nil))
	if err == nil && !w.asked.Opens() {
		_, err = fmt.Fprintln(to, "Details that hold values are left out: --purpose says what they would be for.")
	}
	if err == nil && (len(end.Changed) > 0 || end.Gone > 0) {
		err = fmt.Errorf("the report is of a trail that was changed: %d entries are gone%s: run `cloakroom audit verify`", end.Gone, changedEntries(end))
	}
	return err
}

// reportProgress writes how far something long is, now and then, how fast it goes and how long it will take.
func (app *App) reportProgress(doing, what string) func(done, all int64) {
	began := time.Now()
	said := began
	return func(done, all int64) {
		now := time.Now()
		if now.Sub(said) < watchPrint {
			return
		}
		said = now
		rate := float64(done) / now.Sub(began).Seconds()
		left := time.Duration(float64(all-done) / max(rate, 1) * float64(time.Second)).Round(time.Second)
		_, _ = fmt.Fprintf(app.Stderr, "%s %d of %d %s, %.0f a second, %s left\n", doing, done, all, what, rate, left)
	}
}
