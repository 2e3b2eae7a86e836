package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// TokenCmd is `cloakroom token`: the credentials of back ends.
type TokenCmd struct {
	Create TokenCreateCmd `cmd:"" help:"Make a service token and print it, once."`
	List   TokenListCmd   `cmd:"" help:"List service tokens, never their secrets."`
	Revoke TokenRevokeCmd `cmd:"" help:"End a service token; it is refused everywhere within a second."`
	Rotate TokenRotateCmd `cmd:"" help:"Make a token like an old one, which runs out after an overlap."`
}

// TokenCreateCmd is `cloakroom token create`.
type TokenCreateCmd struct {
	Name    string       `required:"" help:"What holds the token, such as shopify-bridge."`
	Account []int64      `required:"" placeholder:"ID" help:"Account that the token is good for; may be repeated."`
	Scope   []chat.Scope `required:"" placeholder:"SCOPE" help:"Right of the token; may be repeated."`
	Expires Span         `default:"90d" help:"Lifetime, such as 90d or 12h; at most 365d."`
	Env     string       `default:"live" enum:"live,test" help:"Word in the token that tells live ones from test ones."`

	Document []string `placeholder:"NAME" help:"Document of the manifest, by name or SHA-256, to pin the token to: it runs no others. May be repeated."`
}

// Run makes the token; without an audit entry there is none.
func (c *TokenCreateCmd) Run(app *App) error {
	token, row, err := auth.NewServiceToken(app.Pepper, c.Env, c.Name, c.Scope, c.Account, time.Duration(c.Expires))
	if err != nil {
		return err
	}
	if row.Documents, err = app.pinned(c.Document); err != nil {
		return err
	}
	entry := tokenEntry(chat.TokenCreated, row.ID, tokenDetails(row))
	err = app.Vault.Change(app.Context, entry, func(tx *store.Store) error { return keepToken(app.Context, tx, row) })
	if err != nil {
		return err
	}
	return printToken(app.Stdout, token, row)
}

// TokenListCmd is `cloakroom token list`.
type TokenListCmd struct {
	JSON bool `name:"json" help:"Print JSON."`
}

// Run prints every token of the installation, oldest first.
func (c *TokenListCmd) Run(app *App) error {
	rows, err := app.Store.ListServiceTokens(app.Context)
	if err != nil {
		return err
	}
	if c.JSON {
		return printTokensJSON(app.Stdout, rows)
	}
	return printTokens(app.Stdout, rows)
}

// TokenRevokeCmd is `cloakroom token revoke`.
type TokenRevokeCmd struct {
	ID string `arg:"" help:"The eight characters after _svc_."`
}

// Run revokes the token, and again if it is revoked already: the trail shows both.
func (c *TokenRevokeCmd) Run(app *App) error {
	entry := tokenEntry(chat.TokenRevoked, c.ID, nil)
	err := app.Vault.Change(app.Context, entry, func(tx *store.Store) error {
		return tx.RevokeServiceToken(app.Context, c.ID, time.Now())
	})
	if err != nil {
		return noSuchToken(err)
	}
	_, err = fmt.Fprintf(app.Stdout, "Token %s is revoked.\n", c.ID)
	return err
}

// TokenRotateCmd is `cloakroom token rotate`.
type TokenRotateCmd struct {
	ID      string `arg:"" help:"The eight characters after _svc_."`
	Overlap Span   `default:"24h" help:"How long the old token is still good; 0h ends it now."`
	Expires Span   `default:"90d" help:"Lifetime of the new token, at most 365d."`
	Env     string `default:"live" enum:"live,test" help:"Word in the token that tells live ones from test ones."`
}

// Run makes a token with the old one's name, scopes and accounts, and lets the old one run out.
func (c *TokenRotateCmd) Run(app *App) error {
	old, err := app.Store.FindServiceToken(app.Context, c.ID)
	if err != nil {
		return noSuchToken(err)
	}
	now := time.Now()
	if !old.Active(now) {
		return chat.Errorf(chat.Conflict, "token %s is revoked or has run out: create a new one", c.ID)
	}
	accounts := make([]int64, len(old.Accounts)) // those that are gone from Chatwoot are left behind
	for i, a := range old.Accounts {
		accounts[i] = a.ID
	}
	token, row, err := auth.NewServiceToken(app.Pepper, c.Env, old.Name, old.Scopes, accounts, time.Duration(c.Expires))
	if err != nil {
		return err
	}
	row.Documents = old.Documents
	ends := now.Add(time.Duration(c.Overlap))
	details := tokenDetails(row)
	details["replaces"], details["old_expires_at"] = c.ID, ends.UTC()
	err = app.Vault.Change(app.Context, tokenEntry(chat.TokenRotated, row.ID, details), func(tx *store.Store) error {
		if err := keepToken(app.Context, tx, row); err != nil {
			return err
		}
		return tx.ExpireServiceToken(app.Context, c.ID, ends)
	})
	if err != nil {
		return err
	}
	return printToken(app.Stdout, token, row)
}

// keepToken stores a token whose accounts all exist.
func keepToken(ctx context.Context, tx *store.Store, row chat.ServiceToken) error {
	if err := tx.CreateServiceToken(ctx, row); err != nil {
		return err
	}
	kept, err := tx.FindServiceToken(ctx, row.ID)
	if err != nil {
		return err
	}
	if len(kept.Accounts) != len(row.AccountIDs) {
		return chat.InvalidField("account", "there is no such account in Chatwoot")
	}
	return nil
}

func tokenEntry(action chat.Action, id string, details map[string]any) *chat.AuditEntry {
	return &chat.AuditEntry{Actor: chat.Operator, Action: action, EntityType: "service_token", EntityID: id, Details: details}
}

func tokenDetails(row chat.ServiceToken) map[string]any {
	return map[string]any{"name": row.Name, "scopes": row.Scopes, "accounts": row.AccountIDs, "documents": row.Documents, "expires_at": row.ExpiresAt}
}

func noSuchToken(err error) error {
	if errors.Is(err, chat.ErrNotFound) {
		return chat.Errorf(chat.NotFound, "there is no such token: `cloakroom token list` shows their ids")
	}
	return err
}

// printToken writes the token on a line of its own, first, for scripts to read.
func printToken(w io.Writer, token string, row chat.ServiceToken) error {
	_, err := fmt.Fprintf(w, "%s\n\nThis is the only time that token %s (%s) is shown: keep it where its service finds it. It runs out on %s.\n",
		token, row.ID, row.Name, row.ExpiresAt.Format(time.DateOnly))
	return err
}

func printTokens(w io.Writer, rows []*store.ServiceTokenRow) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ID\tNAME\tSTATE\tEXPIRES\tLAST USED\tACCOUNTS\tDOCUMENTS\tSCOPES")
	for _, r := range rows {
		used := "never"
		if r.LastUsedAt != nil {
			used = r.LastUsedAt.UTC().Format("2006-01-02 15:04")
		}
		accounts, scopes := make([]string, len(r.AccountIDs)), make([]string, len(r.Scopes))
		for i, id := range r.AccountIDs {
			accounts[i] = strconv.FormatInt(id, 10)
		}
		for i, scope := range r.Scopes {
			scopes[i] = string(scope)
		}
		documents := "any"
		if len(r.Documents) > 0 {
			documents = strconv.Itoa(len(r.Documents))
		}
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", r.ID, r.Name, tokenState(r),
			r.ExpiresAt.UTC().Format(time.DateOnly), used, strings.Join(accounts, ","), documents, strings.Join(scopes, ","))
	}
	return table.Flush()
}

// tokenJSON is a token in `token list --json`.
type tokenJSON struct {
	ID         string       `json:"id"`
	Name       string       `json:"name"`
	State      string       `json:"state"` // active, expired or revoked
	Scopes     []chat.Scope `json:"scopes"`
	Accounts   []int64      `json:"accounts"`
	Documents  []string     `json:"documents"` // SHA-256 of those it is pinned to; empty for none
	CreatedAt  time.Time    `json:"created_at"`
	ExpiresAt  time.Time    `json:"expires_at"`
	RevokedAt  *time.Time   `json:"revoked_at"`
	LastUsedAt *time.Time   `json:"last_used_at"` // to the minute
}

func printTokensJSON(w io.Writer, rows []*store.ServiceTokenRow) error {
	list := make([]tokenJSON, len(rows))
	for i, r := range rows {
		list[i] = tokenJSON{r.ID, r.Name, tokenState(r), r.Scopes, r.AccountIDs, r.Documents, r.CreatedAt, r.ExpiresAt, r.RevokedAt, r.LastUsedAt}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func tokenState(r *store.ServiceTokenRow) string {
	switch {
	case r.RevokedAt != nil:
		return "revoked"
	case !r.Active(time.Now()):
		return "expired"
	default:
		return "active"
	}
}

// Span is a length of time on the command line: Go's durations, and whole days as in 90d.
type Span time.Duration

// String writes a span as it is read.
func (s Span) String() string {
	d := time.Duration(s)
	if days := d / (24 * time.Hour); days > 0 && d%(24*time.Hour) == 0 {
		return fmt.Sprintf("%dd", days)
	}
	return d.String()
}

// UnmarshalText reads a span that is not negative.
func (s *Span) UnmarshalText(text []byte) error {
	if days, ok := strings.CutSuffix(string(text), "d"); ok {
		n, err := strconv.ParseUint(days, 10, 16)
		if err != nil {
			return errors.New("must be a number of days such as 90d")
		}
		*s = Span(time.Duration(n) * 24 * time.Hour)
		return nil
	}
	d, err := time.ParseDuration(string(text))
	if err != nil || d < 0 {
		return errors.New("must be a length of time such as 90d or 12h")
	}
	*s = Span(d)
	return nil
}
