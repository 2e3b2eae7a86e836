package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// VaultCmd is `cloakroom vault`: third parties' credentials.
type VaultCmd struct {
	List     VaultListCmd     `cmd:"" help:"List what the vault keeps of an account, never a credential."`
	Store    VaultStoreCmd    `cmd:"" help:"Keep a third party's credential, in place of the one that provider and subject had."`
	Retrieve VaultRetrieveCmd `cmd:"" help:"Open a credential, and with --reveal print it; on record."`
	Refresh  VaultRefreshCmd  `cmd:"" help:"Have the provider give a new access token now, due or not; on record."`
	Revoke   VaultRevokeCmd   `cmd:"" help:"Delete a credential here, and at the third party where it is configured and takes that."`

	Import VaultImportCmd `cmd:"" help:"Keep what Chatwoot's tables hold of third parties' credentials; Chatwoot's tables stay as they are."`
	Verify VaultVerifyCmd `cmd:"" help:"Hold the credentials that are kept against those in Chatwoot's tables."`
}

// vaultSubject is what a credential is for.
type vaultSubject struct {
	Account  int64  `required:"" placeholder:"ID" help:"The account."`
	Provider string `required:"" help:"The third party, such as google."`
	Subject  string `required:"" help:"What it is for, such as hook/5; no address."`
}

// VaultListCmd is `cloakroom vault list`.
type VaultListCmd struct {
	Account int64 `required:"" placeholder:"ID" help:"The account."`
	JSON    bool  `name:"json" help:"Print JSON."`
}

// Run prints what is known of an account's credentials.
func (c *VaultListCmd) Run(app *App) error {
	if err := app.checkAccount(c.Account); err != nil {
		return err
	}
	list, err := app.Vault.ListTokens(app.Context, c.Account)
	if err != nil {
		return err
	}
	if c.JSON {
		return printVaultJSON(app.Stdout, list)
	}
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "PROVIDER\tSUBJECT\tKIND\tSTATE\tVERSION\tSTORED\tEXPIRES\tREFRESH\tTROUBLE")
	for _, t := range list {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\t%s\n", t.Provider, t.Subject, t.Kind, t.State, t.Version, dated(&t.RotatedAt), dated(t.ExpiresAt),
			dated(t.RefreshAfter), orDash(troubleOf(t)))
	}
	return table.Flush()
}

// troubleOf is why a token is not refreshed as it should be, "" when it is.
func troubleOf(t *chat.VaultToken) string {
	switch {
	case t.ReauthReason != nil:
		return string(*t.ReauthReason)
	case t.LastError != nil:
		return string(*t.LastError)
	}
	return ""
}

func dated(t *time.Time) string {
	if t == nil {
		return "never"
	}
	return t.UTC().Format("2006-01-02 15:04")
}

// vaultTokenJSON is a token in `vault list --json`.
type vaultTokenJSON struct {
	ID        int64                `json:"id"`
	Provider  string               `json:"provider"`
	Subject   string               `json:"subject"`
	Kind      chat.VaultTokenKind  `json:"kind"`
	State     chat.VaultTokenState `json:"state"`
	Version   int64                `json:"version"`
	Scopes    []string             `json:"scopes"`
	ExpiresAt *time.Time           `json:"expires_at"` // null for never
	RotatedAt time.Time            `json:"rotated_at"`
	CreatedAt time.Time            `json:"created_at"`

	ReauthReason *chat.ReauthReason `json:"reauth_reason"`
	RefreshAfter *time.Time         `json:"refresh_after"` // null for never
	LastError    *chat.RefreshError `json:"last_error"`
	NextTryAt    *time.Time         `json:"next_try_at"`
}

func printVaultJSON(w io.Writer, list []*chat.VaultToken) error {
	shown := make([]vaultTokenJSON, len(list))
	for i, t := range list {
		shown[i] = vaultTokenJSON{t.ID, t.Provider, t.Subject, t.Kind, t.State, t.Version, t.Scopes, t.ExpiresAt, t.RotatedAt, t.CreatedAt,
			t.ReauthReason, t.RefreshAfter, t.LastError, t.NextTryAt}
	}
	encoder := json.NewEncoder(w)
	encoder.SetIndent("", "  ")
	return encoder.Encode(shown)
}

// VaultStoreCmd is `cloakroom vault store`.
type VaultStoreCmd struct {
	vaultSubject
	Kind string `default:"static" enum:"static,oauth2" help:"static: the file is the credential. oauth2: it is the JSON that a token endpoint answers, with access_token and, where there are any, refresh_token, token_type, scope, and expires_at or expires_in."`
	From string `required:"" placeholder:"FILE" help:"File that holds the credential; - is standard input. A credential is never an argument."`
}

// Run keeps the credential.
func (c *VaultStoreCmd) Run(app *App) error {
	text, err := readSecret(c.From)
	if err != nil {
		return err
	}
	stored := vault.TokenStored{AccountID: c.Account, Provider: c.Provider, Subject: c.Subject, Kind: chat.StaticToken, Credential: chat.Credential{Access: text}}
	if c.Kind == "oauth2" {
		if err := readGrant(&stored, text); err != nil {
			return err
		}
	}
	token, err := app.Vault.StoreToken(app.Context, stored)
	if errors.Is(err, chat.ErrNotFound) {
		return noAccount(c.Account)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "Kept as version %d of %s %s of account %d; it expires: %s.\n", token.Version, token.Provider, token.Subject, c.Account, dated(token.ExpiresAt))
	return err
}

// readSecret reads a file without the line break at its end.
func readSecret(path string) (chat.Secret, error) {
	file := os.Stdin
	if path != "-" {
		var err error
		if file, err = os.Open(path); err != nil {
			return "", fmt.Errorf("read the credential: %w", err)
		}
		defer func() { _ = file.Close() }()
	}
	text, err := io.ReadAll(io.LimitReader(file, 1<<20)) // more than the vault takes
	if err != nil {
		return "", fmt.Errorf("read the credential: %w", err)
	}
	return chat.Secret(strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")), nil
}

// readGrant reads what a token endpoint has answered (RFC 6749, 5.1). What is wrong with it is not quoted.
func readGrant(stored *vault.TokenStored, text chat.Secret) error {
	var grant struct {
		AccessToken  string     `json:"access_token"`
		RefreshToken string     `json:"refresh_token"`
		TokenType    string     `json:"token_type"`
		Scope        string     `json:"scope"`
		ExpiresIn    int64      `json:"expires_in"`
		ExpiresAt    *time.Time `json:"expires_at"`
	}
	if json.Unmarshal([]byte(text.Reveal()), &grant) != nil {
		return chat.InvalidField("from", "must hold the JSON of a token endpoint's answer")
	}
	stored.Kind, stored.Scopes, stored.ExpiresAt = chat.OAuth2Token, strings.Fields(grant.Scope), grant.ExpiresAt
	stored.Credential = chat.Credential{Access: chat.Secret(grant.AccessToken), Refresh: chat.Secret(grant.RefreshToken), TokenType: grant.TokenType}
	if grant.ExpiresAt == nil && grant.ExpiresIn > 0 {
		at := time.Now().Add(time.Duration(grant.ExpiresIn) * time.Second)
		stored.ExpiresAt = &at
	}
	return nil
}

// VaultRetrieveCmd is `cloakroom vault retrieve`.
type VaultRetrieveCmd struct {
	vaultSubject
	Reveal bool `help:"Print the access token, or the whole of a static credential, on the first line."`
}

// Run opens the credential; without --reveal it says no more than that it opens.
func (c *VaultRetrieveCmd) Run(app *App) error {
	token, credential, err := app.Vault.RetrieveToken(app.Context, c.Account, c.Provider, c.Subject)
	if err != nil {
		return noSuchCredential(err)
	}
	if c.Reveal {
		_, err = fmt.Fprintln(app.Stdout, credential.Access.Reveal())
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "Version %d of %s %s of account %d opens; it expires: %s.\n", token.Version, token.Provider, token.Subject, c.Account, dated(token.ExpiresAt))
	return err
}

// VaultRefreshCmd is `cloakroom vault refresh`.
type VaultRefreshCmd struct{ vaultSubject }

// Run has the credential refreshed and waits for it.
func (c *VaultRefreshCmd) Run(app *App) error {
	token, err := app.Vault.RefreshToken(app.Context, c.Account, c.Provider, c.Subject)
	if err != nil {
		return noSuchCredential(err)
	}
	_, err = fmt.Fprintf(app.Stdout, "%s %s of account %d is refreshed, as version %d; it expires: %s.\n", token.Provider, token.Subject, c.Account, token.Version, dated(token.ExpiresAt))
	return err
}

// VaultRevokeCmd is `cloakroom vault revoke`.
type VaultRevokeCmd struct {
	vaultSubject
	Reason string `required:"" help:"Why, for the record; no e-mail address and no phone number in it."`
}

// Run deletes the credential.
func (c *VaultRevokeCmd) Run(app *App) error {
	token, there, err := app.Vault.RevokeToken(app.Context, c.Account, c.Provider, c.Subject, c.Reason)
	if err != nil {
		return noSuchCredential(err)
	}
	_, err = fmt.Fprintf(app.Stdout, "%s %s of account %d is revoked here; %s.\n", token.Provider, token.Subject, c.Account, revokedThere[there])
	return err
}

var revokedThere = map[chat.AtProvider]string{
	chat.RevokedThere:    "its provider says that it is void there as well",
	chat.NotRevokedThere: "its provider could not be told, or did not say that it is void: it stays good there until it is revoked there",
	chat.NotTold:         "its provider was not told: it stays good there until it is revoked there",
}

func noSuchCredential(err error) error {
	if errors.Is(err, chat.ErrNotFound) {
		return chat.Errorf(chat.NotFound, "there is no such credential: `cloakroom vault list` shows what there is")
	}
	return err
}
