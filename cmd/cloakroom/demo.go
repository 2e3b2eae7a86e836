package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/store"
)

// DemoCmd is `cloakroom demo`.
type DemoCmd struct{}

// The folder of `make run`: the master key, the settings and demo.json, for nobody else's eyes.
const demoFolder = ".cloakroom"

// Run loads the demo if the database is empty, serves, and writes demo.json and env for scripts.
func (DemoCmd) Run(app *App) error {
	seeded, err := app.seed()
	if err != nil {
		return err
	}
	if err := app.checkDatabase(); err != nil {
		return err
	}
	return app.serve(func(url string) {
		if err := app.announce(url, seeded); err != nil {
			app.say("%s", err)
		}
	})
}

// demoDefaults fills in what `make run` does not set.
func (app *App) demoDefaults() error {
	if os.Getenv("DOCUMENTS") == "" && app.EnvFile == "" {
		app.Config.Documents = "any" // whoever tries the demo writes documents of their own
	}
	if err := app.demoAuditLog(); err != nil {
		return err
	}
	if app.Config.MasterKey != "" {
		return nil
	}
	folder, err := filepath.Abs(demoFolder)
	if err != nil {
		return fmt.Errorf("find the demo's folder: %w", err)
	}
	app.Config.MasterKey = "local-file://" + filepath.Join(folder, "master.key")
	return nil
}

// demoFile is .cloakroom/demo.json.
type demoFile struct {
	URL           string      `json:"url"`
	DatabaseURL   string      `json:"database_url"`
	RedisURL      string      `json:"redis_url"`
	Users         []demoUser  `json:"users"`
	ServiceTokens []demoToken `json:"service_tokens"`
}

type demoUser struct {
	Email    string               `json:"email"`
	Password string               `json:"password"`
	Type     string               `json:"type"`
	Accounts []schema.DemoAccount `json:"accounts"`
	Masked   bool                 `json:"masked"`
}

type demoToken struct {
	Name     string       `json:"name"`
	Token    string       `json:"token"`
	Scopes   []chat.Scope `json:"scopes"`
	Accounts []int64      `json:"accounts"`
}

// The demo's service tokens: one that may see e-mail and phone, one that may not, one that may do everything.
var demoTokens = []demoToken{
	{Name: "shopify-bridge", Scopes: []chat.Scope{chat.ScopePIIEmail, chat.ScopePIIPhone, chat.ScopeContactLookup}, Accounts: []int64{schema.Acme}},
	{Name: "reporting", Scopes: []chat.Scope{chat.ScopeContactRead, chat.ScopeConversationRead}, Accounts: []int64{schema.Acme}},
	{Name: "everything", Scopes: chat.Scopes, Accounts: []int64{schema.Acme, schema.Borealis}},
}

// announce writes the files for scripts and prints what a person needs.
func (app *App) announce(url string, seeded bool) error {
	if err := app.writeEnv(); err != nil {
		return err
	}
	if !seeded {
		app.say("serving %s on a database that is not the demo's: sign in with its own users", url)
		return nil
	}
	file := demoFile{URL: url, DatabaseURL: app.Config.DatabaseURL, RedisURL: app.Config.RedisURL}
	if err := app.demoUsers(&file); err != nil {
		return err
	}
	if err := app.demoTokens(&file); err != nil {
		return err
	}
	text, err := json.MarshalIndent(file, "", "  ")
	if err != nil {
		return fmt.Errorf("encode demo.json: %w", err)
	}
	if err := writePrivate("demo.json", append(text, '\n')); err != nil {
		return err
	}
	app.printDemo(file)
	return nil
}

// demoUsers says of each user whether they are masked now: settings may have been changed since the demo was made.
func (app *App) demoUsers(file *demoFile) error {
	data, err := schema.Demo(time.Now())
	if err != nil {
		return err
	}
	for _, u := range data.Users {
		masked, err := app.maskedAnywhere(u)
		if err != nil {
			return err
		}
		file.Users = append(file.Users, demoUser{Email: u.Email, Password: u.Password, Type: u.Type, Accounts: u.Accounts, Masked: masked})
	}
	return nil
}

func (app *App) maskedAnywhere(u schema.DemoUser) (bool, error) {
	var accountIDs []int64
	for _, a := range u.Accounts {
		accountIDs = append(accountIDs, a.ID)
	}
	policy, err := app.Store.ReadPolicy(app.Context, u.ID, accountIDs)
	if err != nil {
		return false, err
	}
	for _, a := range u.Accounts {
		role := chat.Role(strings.ToUpper(a.Role))
		if policy.Settings[a.ID].ContactPIIMasking && masking.Masked(policy.Masking, &role) {
			return true, nil
		}
	}
	return false, nil
}

// demoTokens keeps the tokens of the last run's demo.json that still stand, and makes the others: a secret is in
// that file and nowhere else.
func (app *App) demoTokens(file *demoFile) error {
	var last demoFile
	text, err := os.ReadFile(filepath.Join(demoFolder, "demo.json"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("read the last demo.json: %w", err)
	}
	if err == nil && json.Unmarshal(text, &last) != nil {
		last = demoFile{} // a file cut short by a crash is made again
	}
	for _, wanted := range demoTokens {
		i := slices.IndexFunc(last.ServiceTokens, func(t demoToken) bool { return t.Name == wanted.Name })
		if i >= 0 && app.tokenStands(last.ServiceTokens[i].Token) {
			file.ServiceTokens = append(file.ServiceTokens, last.ServiceTokens[i])
			continue
		}
		if wanted.Token, err = app.createDemoToken(wanted); err != nil {
			return err
		}
		file.ServiceTokens = append(file.ServiceTokens, wanted)
	}
	return nil
}

func (app *App) tokenStands(token string) bool {
	_, err := app.Auth.Authenticate(app.Context, &http.Request{Header: http.Header{"Authorization": {"Bearer " + token}}})
	return err == nil
}

func (app *App) createDemoToken(t demoToken) (string, error) {
	token, row, err := auth.NewServiceToken(app.Pepper, auth.EnvTest, t.Name, t.Scopes, t.Accounts, auth.DefaultLifetime)
	if err != nil {
		return "", err
	}
	return token, app.Vault.Change(app.Context, tokenEntry(chat.TokenCreated, row.ID, tokenDetails(row)), func(tx *store.Store) error {
		return keepToken(app.Context, tx, row)
	})
}

// writeEnv lets `cloakroom --env-file .cloakroom/env …` work beside the demo.
func (app *App) writeEnv() error {
	c := app.Config
	lines := []string{"LISTEN=" + c.Listen, "DATABASE_URL=" + c.DatabaseURL, "REDIS_URL=" + c.RedisURL, "MASTER_KEY=" + c.MasterKey, "DOCUMENTS=" + c.Documents,
		"AUDIT_KEY=" + c.AuditKey, "AUDIT_TRUSTED_KEYS=" + c.AuditTrustedKeys, "AUDIT_DESTINATIONS=" + c.AuditDestinations, "PROVIDERS=" + c.Providers}
	return writePrivate("env", []byte(strings.Join(lines, "\n")+"\n"))
}

func writePrivate(name string, text []byte) error {
	if err := os.MkdirAll(demoFolder, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	path := filepath.Join(demoFolder, name)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	if err := os.Rename(path+".new", path); err != nil {
		return fmt.Errorf("write %s: %w", path, err)
	}
	return nil
}

func (app *App) printDemo(file demoFile) {
	var b strings.Builder
	fmt.Fprintf(&b, "\nCloakroom is ready: POST %s/graphql (sign in at %s/auth/sign_in)\n\n", file.URL, file.URL)
	fmt.Fprintf(&b, "  password of every demo user: %s\n", schema.DemoPassword)
	for _, u := range file.Users {
		var places []string
		for _, a := range u.Accounts {
			places = append(places, fmt.Sprintf("%s in account %d", a.Role, a.ID))
		}
		masked := ""
		if u.Masked {
			masked = " · masked"
		}
		fmt.Fprintf(&b, "  %-28s %s · %s%s\n", u.Email, u.Type, strings.Join(places, ", "), masked)
	}
	for _, t := range file.ServiceTokens {
		fmt.Fprintf(&b, "  service token %-15s %s\n", t.Name, t.Token)
	}
	fmt.Fprintf(&b, "\n  for scripts: %s/demo.json, %s/env · Ctrl-C stops everything\n\n", demoFolder, demoFolder)
	_, _ = fmt.Fprint(app.Stdout, b.String())
}
