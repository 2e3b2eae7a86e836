package main

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/vault"
)

// AttributeCmd is `cloakroom attribute`.
type AttributeCmd struct {
	List AttributeListCmd `cmd:"" help:"List an account's custom attributes, and what was decided about them."`
	Set  AttributeSetCmd  `cmd:"" help:"Decide who sees values of an attribute, and whether sealed rows are found by them."`
}

// AttributeListCmd is `cloakroom attribute list`.
type AttributeListCmd struct {
	Account int64 `required:"" placeholder:"ID" help:"The account."`
}

// Run prints the attributes.
func (c *AttributeListCmd) Run(app *App) error {
	list, err := app.attributes(c.Account)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(app.Stdout, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(table, "MODEL\tKEY\tTYPE\tPERSONAL\tSEARCHABLE\tVERSION")
	for _, d := range list {
		_, _ = fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\t%d\n", strings.ToLower(string(d.Model)), d.Key, strings.ToLower(string(d.Type)),
			yes(d.Personal()), searchable(d), d.PolicyVersion())
	}
	return table.Flush()
}

// searchable says as well whether tags can be asked already.
func searchable(d *chat.AttributeDefinition) string {
	if d.Searchable() && !d.Policy.Findable(d.Type) {
		return "being indexed"
	}
	return yes(d.Searchable())
}

func (app *App) attributes(accountID int64) ([]*chat.AttributeDefinition, error) {
	list, err := app.Vault.ListAttributes(app.Context, accountID)
	if errors.Is(err, chat.ErrNotFound) {
		return nil, chat.Errorf(chat.NotFound, "account: there is no such account in Chatwoot")
	}
	return list, err
}

// AttributeSetCmd is `cloakroom attribute set`.
type AttributeSetCmd struct {
	Account    int64  `required:"" placeholder:"ID" help:"The account."`
	Model      string `required:"" enum:"contact,conversation" help:"What the attribute belongs to: contact or conversation."`
	Key        string `required:"" help:"Its key, as it is defined; of a contact's profile city, company_name and country_code."`
	Personal   *bool  `negatable:"" help:"Whether its values are hidden from masked viewers; left out, it stays as it is."`
	Searchable *bool  `negatable:"" help:"Whether sealed rows are found by whole values: the database then sees which rows share one."`
	Reason     string `required:"" help:"Why, for the record; no e-mail address and no phone number in it."`
}

// Run decides, and returns once no replica answers by what was decided before.
func (c *AttributeSetCmd) Run(app *App) error {
	list, err := app.attributes(c.Account)
	if err != nil {
		return err
	}
	d := vault.AttributeDecision{AccountID: c.Account, Model: chat.AttributeModel(strings.ToUpper(c.Model)), Key: c.Key, Personal: true, Reason: c.Reason}
	if n := slices.IndexFunc(list, func(a *chat.AttributeDefinition) bool { return a.Model == d.Model && a.Key == d.Key }); n >= 0 {
		d.Personal, d.Searchable, d.ExpectedVersion = list[n].Personal(), list[n].Searchable(), list[n].PolicyVersion()
	}
	if c.Personal != nil {
		d.Personal = *c.Personal
	}
	if c.Searchable != nil {
		d.Searchable = *c.Searchable
	}
	decided, err := app.Vault.SetAttributePolicy(app.Context, d)
	if chat.CodeOf(err) == chat.NotFound {
		return chat.Errorf(chat.NotFound, "key: the account has defined no such attribute: `cloakroom attribute list` shows them")
	}
	if err != nil {
		return err
	}
	if err := app.Auth.AwaitForgotten(app.Context); err != nil {
		return err
	}
	_, err = fmt.Fprintf(app.Stdout, "Attribute %s of account %d: personal %s, searchable %s.\n", d.Key, c.Account, yes(decided.Personal()), searchable(decided))
	return err
}
