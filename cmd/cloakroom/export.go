package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"

	"github.com/cloakroom/cloakroom/chat"
)

// ExportCmd is `cloakroom export`.
type ExportCmd struct {
	Contact ExportContactCmd `cmd:"" help:"Write everything that is known of one contact as one JSON document, opened; on record."`
}

// ExportContactCmd is `cloakroom export contact`.
type ExportContactCmd struct {
	oneContact
	Out  string `placeholder:"FILE" help:"Write a new file that only its owner may read, instead of to standard output."`
	JSON bool   `name:"json" help:"JSON, which is all there is."`
}

// Run writes the document. A file that could not be finished is not left behind.
func (c *ExportContactCmd) Run(app *App) error {
	if c.Out == "" {
		return c.export(app, app.Stdout)
	}
	file, err := os.OpenFile(c.Out, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, fs.ErrExist) {
		return fmt.Errorf("%s is there already, and nothing is overwritten", c.Out)
	}
	if err != nil {
		return fmt.Errorf("make the file: %w", err)
	}
	err = c.export(app, file)
	if closed := file.Close(); err == nil && closed != nil {
		err = fmt.Errorf("write the file: %w", closed)
	}
	var partly *unreadableError
	if err != nil && !errors.As(err, &partly) {
		return errors.Join(err, os.Remove(c.Out))
	}
	return err
}

// unreadableError says that a document is whole but for values that do not open.
type unreadableError struct{ values int64 }

func (e *unreadableError) Error() string {
	return fmt.Sprintf(`%d values did not open: they stand as {"unreadable": true}`, e.values)
}

func (c *ExportContactCmd) export(app *App, to io.Writer) error {
	unreadable, err := app.Vault.ExportContact(app.Context, c.Account, c.Contact, to)
	switch {
	case errors.Is(err, chat.ErrNotFound):
		return chat.Errorf(chat.NotFound, "the account has no such contact")
	case err != nil:
		return err
	case unreadable > 0:
		return &unreadableError{unreadable}
	}
	return nil
}
