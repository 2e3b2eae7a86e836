package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// SearchCmd is `cloakroom search`.
type SearchCmd struct {
	Status SearchStatusCmd `cmd:"" help:"How accounts are searched, and what is indexed of them."`
	Mode   SearchModeCmd   `cmd:"" help:"Choose how an account is searched: by keyed tokens, or by opening its values."`
	Index  SearchIndexCmd  `cmd:"" help:"Make the tokens and tags that an account's settings of search ask for."`
}

// SearchStatusCmd is `cloakroom search status`.
type SearchStatusCmd struct {
	Account int64 `placeholder:"ID" help:"Only this account. By default all that have settings, or something sealed."`
	JSON    bool  `name:"json" help:"Print JSON."`
}

// Run prints how accounts are searched.
func (c *SearchStatusCmd) Run(app *App) error {
	accounts := []int64{c.Account}
	if c.Account == 0 {
		var err error
		if accounts, err = app.Store.ListSearchedAccounts(app.Context); err != nil {
			return err
		}
	}
	list := make([]searchJSON, len(accounts))
	for i, id := range accounts {
		status, err := app.Vault.SearchStatus(app.Context, id)
		if errors.Is(err, chat.ErrNotFound) {
			return noAccount(id)
		}
		if err != nil {
			return err
		}
		list[i] = searchToJSON(id, status)
	}
	sizes, err := app.Store.SearchSizes(app.Context)
	if err != nil {
		return err
	}
	all := searchesJSON{Accounts: list, Sizes: sizesToJSON(sizes)}
	if c.JSON {
		encoder := json.NewEncoder(app.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(all)
	}
	return printSearches(app.Stdout, &all)
}

// SearchModeCmd is `cloakroom search mode`.
type SearchModeCmd struct {
	Account int64  `required:"" help:"The account's id."`
	Mode    string `required:"" enum:"tokens,scan" help:"tokens or scan."`
	Reason  string `required:"" help:"Why, for the audit trail; no e-mail address and no phone number in it."`
	Wait    bool   `help:"Work here until the tokens are made, or gone."`
}

// Run chooses how the account is searched, and starts the job that follows.
func (c *SearchModeCmd) Run(app *App) error {
	mode := chat.SearchMode(strings.ToUpper(c.Mode))
	_, err := app.Vault.SetSearchMode(app.Context, vault.ActorFrom(app.Context), c.Account, mode, c.Reason)
	if errors.Is(err, chat.ErrNotFound) {
		return noAccount(c.Account)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "Account %d is searched by %s.\n", c.Account, c.Mode)
	if err != nil || !c.Wait {
		return err
	}
	status, err := app.Vault.SearchStatus(app.Context, c.Account)
	if err != nil || status.Job == nil { // nothing has changed, or a server was quick
		return err
	}
	return app.watch(status.Job)
}

// SearchIndexCmd is `cloakroom search index`.
type SearchIndexCmd struct {
	jobFlags
	Account int64 `required:"" help:"The account's id."`
	Wait    bool  `help:"Work on it here until it is done."`
}

// Run starts the job that makes an account's tokens and tags, or goes on with one.
func (c *SearchIndexCmd) Run(app *App) error {
	if c.Account == 0 {
		return noAccount(0)
	}
	if err := app.checkAccount(c.Account); err != nil {
		return err
	}
	return app.job(c.jobFlags, c.Wait, chat.IndexSearch, c.Account, chat.JobArguments{})
}

func noAccount(id int64) error {
	return chat.InvalidField("account", "there is no account %d in Chatwoot", id)
}

// The shapes of `search status --json`.
type (
	searchesJSON struct {
		Accounts []searchJSON `json:"accounts"`
		Sizes    []sizeJSON   `json:"sizes"` // of all accounts together
	}
	searchJSON struct {
		Account         int64           `json:"account"`
		Mode            chat.SearchMode `json:"mode"`
		MessagesIndexed bool            `json:"messages_indexed"`
		ContactsIndexed bool            `json:"contacts_indexed"`
		MissingMessages int64           `json:"messages_without_tokens"`
		MissingContacts int64           `json:"contacts_without_tokens"`
		Generation      int             `json:"generation"` // of the index keyset: in force
		Rows            []wordsJSON     `json:"rows"`
		Attributes      []attributeJSON `json:"attributes"`
		Orderings       []orderingJSON  `json:"orderings"`
		Job             *jobJSON        `json:"job"`
	}
	wordsJSON struct {
		Of         string `json:"of"`
		Generation int    `json:"generation"`
		Rows       int64  `json:"rows"`
		Empty      int64  `json:"empty"`
	}
	attributeJSON struct {
		Model      chat.AttributeModel `json:"model"`
		Key        string              `json:"key"`
		Personal   bool                `json:"personal"`
		Searchable bool                `json:"searchable"`
		Indexed    bool                `json:"indexed"`
	}
	orderingJSON struct {
		Field    chat.ContactOrderField `json:"field"`
		Enabled  bool                   `json:"enabled"`
		Live     int                    `json:"live"`
		Building int                    `json:"building"`
	}
	sizeJSON struct {
		Name  string `json:"name"`
		Index bool   `json:"index"`
		Bytes int64  `json:"bytes"`
	}
)

func searchToJSON(id int64, s *vault.SearchStatus) searchJSON {
	shown := searchJSON{Account: id, Mode: s.Settings.Mode, MessagesIndexed: s.Settings.MessagesIndexed, ContactsIndexed: s.Settings.ContactsIndexed,
		MissingMessages: s.MissingMessages, MissingContacts: s.MissingContacts, Generation: s.Generation,
		Rows: []wordsJSON{}, Attributes: []attributeJSON{}, Orderings: []orderingJSON{}}
	for _, r := range s.Rows {
		shown.Rows = append(shown.Rows, wordsJSON{r.Kind, r.Generation, r.Rows, r.Empty})
	}
	for _, a := range s.Settings.Attributes {
		shown.Attributes = append(shown.Attributes, attributeJSON{a.Model, a.Key, a.Personal, a.Searchable, a.Indexed})
	}
	for _, o := range s.Settings.Orderings {
		shown.Orderings = append(shown.Orderings, orderingJSON{o.Field, o.Enabled, o.Live, o.Building})
	}
	if s.Job != nil {
		job := toJSON(s.Job)
		shown.Job = &job
	}
	return shown
}

func sizesToJSON(sizes []store.RelationSize) []sizeJSON {
	shown := make([]sizeJSON, len(sizes))
	for i, s := range sizes {
		shown[i] = sizeJSON{s.Name, s.Index, s.Bytes}
	}
	return shown
}

func printSearches(w io.Writer, all *searchesJSON) error {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tMODE\tOF\tINDEXED\tGENERATION\tROWS\tEMPTY\tWITHOUT TOKENS")
	for _, s := range all.Accounts {
		for _, of := range []struct {
			name    string
			indexed bool
			missing int64
		}{{"messages", s.MessagesIndexed, s.MissingMessages}, {"contacts", s.ContactsIndexed, s.MissingContacts}} {
			generation, rows, empty := under(s.Rows, of.name)
			fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t%d\t%d\n", s.Account, s.Mode, of.name, yes(of.indexed), generation, rows, empty, of.missing)
		}
		for _, a := range s.Attributes {
			fmt.Fprintf(table, "%d\t%s\t%s attribute %q\t%s\t\t\t\t\n", s.Account, kept(a.Searchable, "TAGS"), strings.ToLower(string(a.Model)), a.Key, yes(a.Indexed))
		}
		for _, o := range s.Orderings {
			fmt.Fprintf(table, "%d\t%s\torder by %s\t%s\t%d\t\t\t\n", s.Account, kept(o.Enabled, "LABELS"), strings.ToLower(string(o.Field)), yes(o.Live > 0), o.Live)
		}
	}
	fmt.Fprintln(table, "\nTABLE OR INDEX\tMIB")
	for _, s := range all.Sizes {
		fmt.Fprintf(table, "%s\t%.1f\n", s.Name, float64(s.Bytes)/(1<<20))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	for _, s := range all.Accounts {
		if s.Job != nil {
			fmt.Fprintf(w, "\nJob %d of account %d is %s at %q: %d/%d rows.\n", s.Job.ID, s.Account, s.Job.State, s.Job.Step, s.Job.RowsDone, s.Job.RowsTotal)
		}
	}
	return nil
}

// under gives the generations and rows of one sort, each as "1, 2".
func under(rows []wordsJSON, of string) (generations, counts string, empty int64) {
	var g, n []string
	for _, r := range rows {
		if r.Of == of {
			g, n = append(g, strconv.Itoa(r.Generation)), append(n, strconv.FormatInt(r.Rows, 10))
			empty += r.Empty
		}
	}
	return orDash(strings.Join(g, ", ")), orDash(strings.Join(n, ", ")), empty
}

func yes(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

func kept(b bool, what string) string {
	if b {
		return what
	}
	return "-"
}
