package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

// OrderingChange is a decision whether the database keeps an account's contacts in an order.
type OrderingChange struct {
	AccountID int64
	Field     chat.ContactOrderField
	Labels    bool
	Reason    string
}

// SetContactOrdering has the database keep an account's contacts in an order, or forget it, on record, and tells every
// replica. A job makes the labels, or takes them away; until they are made contacts are put in order by opening them. It
// gives the account as it is now. chat.ErrNotFound when there is no such account.
func (v *Vault) SetContactOrdering(ctx context.Context, c OrderingChange) (*chat.Account, error) {
	if err := checkReason(c.Reason); err != nil {
		return nil, err
	}
	if !slices.Contains(chat.LabelledFields, c.Field) {
		return nil, chat.InvalidField("input.field", "must be NAME, EMAIL, COMPANY, CITY or COUNTRY: of phone numbers the order alone would tell most digits")
	}
	account, err := v.findAccount(ctx, c.AccountID)
	if err != nil {
		return nil, err
	}
	if c.Labels && rollout.ReadFrom(account.Settings, c.Field.Dataset()) != rollout.Sealed {
		return nil, chat.InvalidField("input.accountId", "has no sealed contacts: Chatwoot's own columns are put in order without labels")
	}
	entry := &chat.AuditEntry{AccountID: c.AccountID, Actor: ActorFrom(ctx), Action: chat.ContactOrderingSet, EntityType: "account", EntityID: chat.FormatID(c.AccountID)}
	err = v.Change(ctx, entry, func(tx *store.Store) error {
		settings, err := tx.LockSearchSettings(ctx, c.AccountID)
		if err != nil {
			return err
		}
		before, kept := settings.Ordering(c.Field)
		entry.Details = map[string]any{"field": c.Field, "before": kept && before.Enabled, "labels": c.Labels, "reason": c.Reason}
		if err := tx.SetOrdering(ctx, c.AccountID, c.Field, c.Labels); err != nil {
			return err
		}
		return v.arrangeOrder(ctx, tx, entry)
	})
	if err != nil {
		return nil, err
	}
	v.tell(ctx, events.Event{Kind: events.AccountChanged, ID: c.AccountID})
	return v.findAccount(ctx, c.AccountID)
}

// arrangeOrder has a job see to an account's labels; one that is under way sees to them as well.
func (v *Vault) arrangeOrder(ctx context.Context, tx *store.Store, entry *chat.AuditEntry) error {
	job, err := tx.CreateJob(ctx, chat.Job{Kind: chat.BuildOrder, AccountID: entry.AccountID, Actor: entry.Actor,
		Arguments: chat.JobArguments{Rate: v.Schedule.Rate}})
	if errors.Is(err, chat.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	return tx.Enqueue(ctx, job.ID, job.Arguments.NotBefore)
}

// OrderingStatus says how the orders stand that the database keeps of an account's contacts.
func (v *Vault) OrderingStatus(ctx context.Context, accountID int64) ([]store.OrderingStatus, error) {
	return v.store.ReadOrderingStatus(ctx, accountID)
}
