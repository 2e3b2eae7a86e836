package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"text/tabwriter"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// EraseCmd is `cloakroom erase`.
type EraseCmd struct {
	Contact     EraseContactCmd     `cmd:"" help:"Erase a contact for good: its values, its conversations' messages, its keys."`
	Certificate EraseCertificateCmd `cmd:"" help:"Print the certificate of an erasure, as JSON."`
	Check       EraseCheckCmd       `cmd:"" help:"Say whether this installation wrote a certificate."`
	Ledger      EraseLedgerCmd      `cmd:"" help:"Print every erasure, a line of JSON each, to be kept outside the database."`
	Replay      EraseReplayCmd      `cmd:"" help:"After a database was restored: erase again what a ledger says was erased."`
}

// oneContact names a contact.
type oneContact struct {
	Account int64 `required:"" placeholder:"ID" help:"The account."`
	Contact int64 `required:"" placeholder:"ID" help:"The contact."`
}

// EraseContactCmd is `cloakroom erase contact`.
type EraseContactCmd struct {
	oneContact
	Reason string `default:"asked for by the customer" help:"Why, for the record; no e-mail address and no phone number in it."`
	Verify bool   `help:"Prove at once that nothing is left; a server does so ten minutes later in any case."`
	JSON   bool   `name:"json" help:"Print the certificate alone."`
}

// Run erases the contact and says what was done.
func (c *EraseContactCmd) Run(app *App) error {
	e, err := app.Vault.EraseContact(app.Context, c.Account, c.Contact, c.Reason)
	if err != nil {
		return noSuchContact(err)
	}
	if c.Verify {
		if e, err = app.Vault.VerifyErasure(app.Context, c.Account, c.Contact); err != nil {
			return err
		}
	}
	if !c.JSON {
		if err := printErasure(app.Stdout, e); err != nil {
			return err
		}
	}
	if err := app.printCertificate(c.oneContact); err != nil {
		return err
	}
	if c.Verify && !e.Proven() {
		return fmt.Errorf("contact %d is erased, but something of it is still there: see leftovers; run this again, and look at what writes it", c.Contact)
	}
	return nil
}

func noSuchContact(err error) error {
	if errors.Is(err, chat.ErrNotFound) {
		return chat.Errorf(chat.NotFound, "the account has no such contact, and never had")
	}
	return err
}

// printErasure says what was done, table by table.
func printErasure(w io.Writer, e *chat.Erasure) error {
	_, err := fmt.Fprintf(w, "Contact %d of account %d was erased at %s. Rows emptied or deleted:\n", e.ContactID, e.AccountID, e.ErasedAt.UTC().Format(time.RFC3339))
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, name := range slices.Sorted(maps.Keys(e.Counts)) {
		_, _ = fmt.Fprintf(table, "  %s\t%d\n", name, e.Counts[name])
	}
	if err := table.Flush(); err != nil {
		return err
	}
	verdict := "Not verified yet: a server proves it ten minutes after the erasure, `--verify` at once."
	switch {
	case e.Proven():
		verdict = "Verified: nothing is left."
	case e.Leftovers != nil:
		verdict = "Verified: SOMETHING IS LEFT, see leftovers in the certificate."
	}
	_, err = fmt.Fprintf(w, "%s\n\n", verdict)
	return err
}

// EraseCertificateCmd is `cloakroom erase certificate`.
type EraseCertificateCmd struct{ oneContact }

// Run prints the certificate.
func (c *EraseCertificateCmd) Run(app *App) error { return app.printCertificate(c.oneContact) }

func (app *App) printCertificate(c oneContact) error {
	epochs := chat.Epochs{Length: time.Duration(app.Config.EpochLength), Retention: time.Duration(app.Config.EpochRetention)}
	certificate, err := app.Vault.CertifyErasure(app.Context, c.Account, c.Contact, epochs, time.Now())
	if errors.Is(err, chat.ErrNotFound) {
		return chat.Errorf(chat.NotFound, "contact %d of account %d was not erased", c.Contact, c.Account)
	}
	if err != nil {
		return err
	}
	encoder := json.NewEncoder(app.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(certificate)
}

// EraseCheckCmd is `cloakroom erase check`.
type EraseCheckCmd struct {
	File string `arg:"" type:"existingfile" help:"The certificate."`
}

// maxCertificate bounds what is read of a file, in bytes: the numbers of a million files.
const maxCertificate = 16 << 20

// Run says whether the certificate is genuine.
func (c *EraseCheckCmd) Run(app *App) error {
	file, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	defer func() { _ = file.Close() }()
	text, err := io.ReadAll(io.LimitReader(file, maxCertificate))
	if err != nil {
		return fmt.Errorf("read the certificate: %w", err)
	}
	certificate, err := app.Vault.CheckCertificate(app.Context, text)
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "Genuine: this installation certified at %s that contact %d of account %d was erased at %s.\n",
		certificate.IssuedAt.Format(time.RFC3339), certificate.ContactID, certificate.AccountID, certificate.ErasedAt.Format(time.RFC3339))
	return err
}

// ledgerLine is one erasure as the ledger outside of the database has it.
type ledgerLine struct {
	Account     int64     `json:"account"`
	Contact     int64     `json:"contact"`
	ErasedAt    time.Time `json:"erasedAt"`
	SubjectKeys []int64   `json:"subjectKeys"`
}

// EraseLedgerCmd is `cloakroom erase ledger`.
type EraseLedgerCmd struct{}

// Run prints the ledger, oldest first.
func (EraseLedgerCmd) Run(app *App) error {
	encoder := json.NewEncoder(app.Stdout)
	return app.Vault.EachErasure(app.Context, func(e *chat.Erasure) error {
		return encoder.Encode(ledgerLine{e.AccountID, e.ContactID, e.ErasedAt.UTC(), e.SubjectKeyIDs})
	})
}

// EraseReplayCmd is `cloakroom erase replay`.
type EraseReplayCmd struct {
	File string `arg:"" type:"existingfile" help:"What 'cloakroom erase ledger' printed before the database was lost."`
}

// Run erases again what the database does not know to be erased. It goes on after a failure and tells of it at the end.
func (c *EraseReplayCmd) Run(app *App) error {
	file, err := os.Open(c.File)
	if err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	defer func() { _ = file.Close() }()
	var again, known, unknown, failed int
	lines := bufio.NewScanner(file)
	lines.Buffer(nil, 1<<20)
	for n := 1; lines.Scan(); n++ {
		var line ledgerLine
		if err := json.Unmarshal(lines.Bytes(), &line); err != nil || line.Account < 1 || line.Contact < 1 {
			return fmt.Errorf("line %d of %s is none of a ledger; the lines before it are done", n, c.File)
		}
		done, err := app.Vault.ReplayErasure(app.Context, line.Account, line.Contact)
		switch {
		case app.Context.Err() != nil:
			return app.Context.Err()
		case errors.Is(err, chat.ErrNotFound):
			unknown++
		case err != nil:
			failed++
			_, _ = fmt.Fprintf(app.Stderr, "contact %d of account %d: %v\n", line.Contact, line.Account, err)
		case done:
			again++
		default:
			known++
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("read the ledger: %w", err)
	}
	if _, err := fmt.Fprintf(app.Stdout, "Erased again: %d. Erased already: %d. Not in this database: %d.\n", again, known, unknown); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d erasures could not be done again: see above, and run this again", failed)
	}
	return nil
}
