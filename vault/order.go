package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

const (
	maxOrdered    = 20_000 // contacts that one request opens to put them in order
	orderReports  = 100    // values that one order puts on record when they do not open: what a page could show
	orderInterval = 1024   // contacts between two looks at whether anybody still waits
)

var errTooMany = &chat.Error{Code: chat.Limited, Field: "orderBy.field", Message: "this account has too many contacts to be ordered by it"}

// OrderContacts gives the place of every contact that passes the query's filter, in the query's order, which is by a
// sealed address. It takes one statement, opens every address, and keeps none of them when the request is over; what
// keyring remembers are unwrapped keys, as of any read. chat.Limited above 20,000 contacts. A contact without an
// address comes last, and so does one whose address does not open.
func (v *Vault) OrderContacts(ctx context.Context, account *chat.Account, q chat.ContactQuery) ([]*chat.Position, error) {
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, err
	}
	rows, err := v.store.ListAddresses(ctx, account.ID, q, maxOrdered+1)
	if err != nil {
		return nil, err
	}
	if len(rows) > maxOrdered {
		return nil, errTooMany
	}
	o := ordering{reader: r, order: q.Order}
	places := make([]*chat.Position, len(rows))
	for i := range rows {
		if i%orderInterval == 0 && ctx.Err() != nil {
			return nil, fmt.Errorf("order the contacts of account %d: %w", account.ID, ctx.Err())
		}
		places[i] = o.place(&rows[i])
	}
	slices.SortFunc(places, q.Order.Compare)
	return places, nil
}

// ordering opens addresses for their order.
type ordering struct {
	*reader
	order    chat.ContactOrder
	unopened int
}

func (o *ordering) place(row *store.AddressRow) *chat.Position {
	at := &chat.Position{ID: row.ContactID}
	address, err := o.address(row)
	if err != nil {
		o.failed(row.ContactID, err)
	} else {
		at.Text = o.order.Field.Norm(address)
	}
	return at
}

// address opens one address, "" where there is none.
func (o *ordering) address(row *store.AddressRow) (chat.PII, error) {
	if row.KeySealed == nil {
		return "", errMissing
	}
	if len(row.Sealed) == 0 {
		return "", nil
	}
	subject, err := o.account.Subject(row.KeyContactID, row.SubjectKeyID, row.KeySealed)
	if err != nil {
		return "", err
	}
	field, _ := o.order.Field.Address()
	place := keyring.Place{Table: keyring.TableContacts, Field: tagFields[field], Row: row.ContactID, Version: row.Version}
	clear, err := subject.Open(place, row.Sealed)
	return chat.PII(clear), err
}

// failed counts an address that did not open. Only so many go on record: an account whose every row is broken must not
// write thousands of entries for one page.
func (o *ordering) failed(contactID int64, cause error) {
	field, _ := o.order.Field.Address()
	if o.unopened++; o.unopened > orderReports {
		o.vault.metrics.unreadable.WithLabelValues(fieldNames[field]).Inc()
		return
	}
	_ = o.vault.unreadable(o.ctx, o.id, chat.RecordKey{Kind: chat.ContactRecord, ID: contactID}, field, cause) // a last place shows no error
}
