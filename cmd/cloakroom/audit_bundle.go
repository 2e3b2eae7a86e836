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

	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/report"
)

// AuditVerifyBundleCmd is `cloakroom audit verify-bundle`.
type AuditVerifyBundleCmd struct {
	Bundle  string `required:"" type:"existingfile" placeholder:"FILE" help:"What proves the report."`
	Report  string `required:"" type:"existingfile" placeholder:"FILE" help:"The report."`
	Trusted string `required:"" type:"existingfile" placeholder:"FILE" help:"The public keys whose signatures count, one a line."`
	JSON    bool   `name:"json" help:"Print JSON."`
}

// errBundle ends the command with exit code 1 when what was wrong has been printed.
var errBundle = errors.New("the report is not what was signed, or cannot be proven to be")

// Run checks a report with nothing but the three files.
func (c *AuditVerifyBundleCmd) Run(app *App) error {
	list, err := os.ReadFile(c.Trusted)
	if err != nil {
		return fmt.Errorf("read the trusted keys: %w", err)
	}
	trusted, err := proof.ParseTrusted(string(list))
	if err != nil {
		return err
	}
	verdict, err := c.verify(app, trusted)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(app.Stdout)
		encoder.SetIndent("", "  ")
		err = encoder.Encode(verdict)
	} else {
		err = printVerdict(app.Stdout, &verdict)
	}
	if err == nil && len(verdict.Findings) > 0 {
		err = errBundle
	}
	return err
}

func (c *AuditVerifyBundleCmd) verify(app *App, trusted proof.Trusted) (v report.Verdict, err error) {
	bundle, err := os.Open(c.Bundle)
	if err != nil {
		return v, fmt.Errorf("read the bundle: %w", err)
	}
	defer func() { _ = bundle.Close() }() // it was only read
	file, err := os.Open(c.Report)
	if err != nil {
		return v, fmt.Errorf("read the report: %w", err)
	}
	defer func() { _ = file.Close() }() // it was only read
	size, err := bundle.Stat()
	if err != nil {
		return v, fmt.Errorf("read the bundle: %w", err)
	}
	shown := app.reportProgress("read", "bytes of the bundle")
	return report.Verify(bundle, file, trusted, func(read int64) { shown(read, size.Size()) })
}

func printVerdict(w io.Writer, v *report.Verdict) error {
	for _, f := range v.Findings {
		fmt.Fprintf(w, "%s: %s\n", f.Kind, f.Text)
	}
	printed := make(map[report.FindingKind]int64)
	for _, f := range v.Findings {
		printed[f.Kind]++
	}
	for _, kind := range slices.Sorted(maps.Keys(v.Counts)) {
		if more := v.Counts[kind] - printed[kind]; more > 0 {
			fmt.Fprintf(w, "%s: and %d more\n", kind, more)
		}
	}
	fmt.Fprintf(w, "account %d: %d rows are entries as checkpoint %d of %s signs them, among %d; SHA-256 of the report %s\n",
		v.AccountID, v.Rows, v.Checkpoint, v.SignedAt.Format(time.RFC3339), v.Entries, v.SHA256)
	if v.First <= v.Last {
		fmt.Fprintf(w, "Nothing that was asked for is left out from number %d to %d.\n", v.First, v.Last)
	} else {
		fmt.Fprintln(w, "Whether anything that was asked for is left out is not proven.")
	}
	said := "The bundle is signed: details are as they were when it was made."
	if !v.Signed {
		said = "The bundle is not signed: that status and details are as they were when it was made is not proven, only all other columns are."
	}
	_, err := fmt.Fprintln(w, said)
	return err
}
