package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// OrderCmd is `cloakroom order`.
type OrderCmd struct {
	Status OrderStatusCmd `cmd:"" help:"In which orders the database keeps an account's contacts."`
	Labels OrderLabelsCmd `cmd:"" help:"Have the database keep an account's contacts in an order, which tells it that order; or forget it."`
}

// OrderLabelsCmd is `cloakroom order labels`.
type OrderLabelsCmd struct {
	Account int64  `required:"" placeholder:"ID" help:"The account."`
	Field   string `required:"" enum:"name,email,phone-number,company,city,country" help:"What to order by: name, email, company, city or country."`
	On      bool   `xor:"on" required:"" help:"Keep the order."`
	Off     bool   `xor:"on" required:"" help:"Forget it."`
	Reason  string `required:"" help:"Why, for the record; no e-mail address and no phone number in it."`
}

// Run turns the labels on or off, and says who makes them.
func (c *OrderLabelsCmd) Run(app *App) error {
	field := chat.ContactOrderField(strings.ToUpper(strings.ReplaceAll(c.Field, "-", "_")))
	_, err := app.Vault.SetContactOrdering(app.Context, vault.OrderingChange{AccountID: c.Account, Field: field, Labels: c.On, Reason: c.Reason})
	if errors.Is(err, chat.ErrNotFound) {
		return noAccount(c.Account)
	}
	if err != nil {
		return err
	}
	_, err = fmt.Fprintln(app.Stdout, "A job of kind build_order sees to the labels wherever Cloakroom is served: `cloakroom jobs list` shows it.")
	return err
}

// OrderStatusCmd is `cloakroom order status`.
type OrderStatusCmd struct {
	Account int64 `required:"" placeholder:"ID" help:"The account."`
	JSON    bool  `name:"json" help:"Print JSON."`
}

// orderJSON is how an order stands.
type orderJSON struct {
	Field   chat.ContactOrderField `json:"field"`
	State   string                 `json:"state"`
	Labels  int64                  `json:"labels"`
	Waiting int64                  `json:"waiting"`
	BuiltAt *time.Time             `json:"builtAt"`
}

// Run prints how the account's orders stand.
func (c *OrderStatusCmd) Run(app *App) error {
	if err := app.checkAccount(c.Account); err != nil {
		return err
	}
	status, err := app.Vault.OrderingStatus(app.Context, c.Account)
	if err != nil {
		return err
	}
	list := make([]orderJSON, len(status))
	for i, o := range status {
		list[i] = orderJSON{Field: o.Field, State: orderState(&status[i]), Labels: o.Labels, Waiting: o.Waiting}
		if !o.BuiltAt.IsZero() {
			at := o.BuiltAt.UTC()
			list[i].BuiltAt = &at
		}
	}
	if !c.JSON {
		return printOrders(app.Stdout, list)
	}
	encoder := json.NewEncoder(app.Stdout)
	encoder.SetIndent("", "  ")
	return encoder.Encode(list)
}

func orderState(o *store.OrderingStatus) string {
	switch {
	case !o.Enabled:
		return "going"
	case o.Live == 0:
		return "being made"
	case o.Building > 0:
		return "being made anew"
	case o.Due:
		return "to be made anew"
	}
	return "kept"
}

func printOrders(w io.Writer, list []orderJSON) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(w, "The database keeps this account's contacts in no order: they are put in order by opening them.")
		return err
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "FIELD\tSTATE\tLABELS\tWAITING\tMADE AT")
	for _, o := range list {
		made := time.Time{}
		if o.BuiltAt != nil {
			made = *o.BuiltAt
		}
		fmt.Fprintf(table, "%s\t%s\t%d\t%d\t%s\n", o.Field, o.State, o.Labels, o.Waiting, minute(made))
	}
	return table.Flush()
}
