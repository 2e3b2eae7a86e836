package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/vault"
)

// chatwootAccounts says whose credentials are read from Chatwoot's tables.
type chatwootAccounts struct {
	Account int64 `required:"" xor:"accounts" placeholder:"ID" help:"The account."`
	All     bool  `required:"" xor:"accounts" help:"Every account."`
}

// each does something for every account that is wanted, and says on stderr how far it has come.
func (c *chatwootAccounts) each(app *App, do func(account int64, rails *keyring.RailsKeys, count func()) error) error {
	rails, err := keyring.OpenRailsKeys(app.Config.RailsKeys)
	if err != nil {
		return err
	}
	accounts := []int64{c.Account}
	if c.All {
		if accounts, err = app.Store.ListAccounts(app.Context); err != nil {
			return err
		}
	}
	p := importProgress{to: app.Stderr, accounts: len(accounts), said: time.Now()}
	for i, account := range accounts {
		p.account = i + 1
		err := do(account, rails, p.count)
		if errors.Is(err, chat.ErrNotFound) {
			return noAccount(account)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// importProgress writes how far an import has come, now and then, a line at a time.
type importProgress struct {
	to                   io.Writer
	account, accounts, n int
	said                 time.Time
}

func (p *importProgress) count() {
	p.n++
	if time.Since(p.said) >= watchPrint {
		p.said = time.Now()
		_, _ = fmt.Fprintf(p.to, "%d credentials, at account %d of %d\n", p.n, p.account, p.accounts)
	}
}

// VaultImportCmd is `cloakroom vault import`.
type VaultImportCmd struct {
	chatwootAccounts
	DryRun bool `help:"Say what would be done, and store nothing."`
}

// Run keeps what Chatwoot's tables hold, and prints what became of each credential, never one of them.
func (c *VaultImportCmd) Run(app *App) error {
	if c.DryRun {
		_, _ = fmt.Fprintln(app.Stdout, "A dry run: this is what would be done, and nothing is stored.")
	}
	counts := make(map[vault.Import]int)
	left := 0
	err := c.each(app, func(account int64, rails *keyring.RailsKeys, count func()) error {
		return app.Vault.ImportTokens(app.Context, account, rails, c.DryRun, func(i vault.Imported) {
			counts[i.Outcome]++
			if i.Outcome.Left() {
				left++
			}
			count()
			_, _ = fmt.Fprintln(app.Stdout, importLine(account, i))
		})
	})
	if err != nil {
		return err
	}
	printCounts(app.Stdout, counts)
	if left > 0 {
		return chat.Errorf(chat.Conflict, "%d credentials are in Chatwoot's tables alone: the lines above say why", left)
	}
	return nil
}

func importLine(account int64, i vault.Imported) string {
	line := fmt.Sprintf("%-10s account %d  %s", i.Outcome, account, i.Place)
	switch {
	case i.Why != "":
		return line + ": " + i.Why
	case i.Outcome.Left():
		return line
	}
	return line + "  as " + i.Provider + " " + i.Subject
}

// VaultVerifyCmd is `cloakroom vault verify`.
type VaultVerifyCmd struct {
	chatwootAccounts
}

// Run holds what is kept against what Chatwoot's tables hold now, and prints how each pair stands, by its place alone.
func (c *VaultVerifyCmd) Run(app *App) error {
	counts := make(map[vault.Comparison]int)
	unsound := 0
	err := c.each(app, func(account int64, rails *keyring.RailsKeys, count func()) error {
		return app.Vault.VerifyTokens(app.Context, account, rails, func(pair vault.Compared) {
			counts[pair.Outcome]++
			if !pair.Outcome.Sound() {
				unsound++
			}
			count()
			_, _ = fmt.Fprintf(app.Stdout, "%-10s account %d  %s\n", pair.Outcome, account, pair.Place)
		})
	})
	if err != nil {
		return err
	}
	printCounts(app.Stdout, counts)
	if unsound > 0 {
		return chat.Errorf(chat.Conflict, "%d credentials are not kept as Chatwoot has them", unsound)
	}
	return nil
}

// printCounts prints how often each outcome came, in the order of their names.
func printCounts[T ~string](w io.Writer, counts map[T]int) {
	outcomes := make([]T, 0, len(counts))
	for outcome := range counts {
		outcomes = append(outcomes, outcome)
	}
	slices.Sort(outcomes)
	for _, outcome := range outcomes {
		_, _ = fmt.Fprintf(w, "%d %s\n", counts[outcome], outcome)
	}
	if len(counts) == 0 {
		_, _ = fmt.Fprintln(w, "There is nothing to do.")
	}
}
