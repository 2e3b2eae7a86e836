package vault

import (
	"context"
	"crypto/rand"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// LookupUnseen is LookupContact for a user from whom the kind is hidden, so that it answers a guess (L10): account
// switch, budget, look-up, record. Errors: PII_FILTER_FORBIDDEN where the account has switched it off, LIMITED when
// the budget is spent or cannot be read, chat.ErrNotFound.
//
// What is asked of PostgreSQL is the same for hit and miss, and both are on record before the answer leaves: a
// look-up that cannot be put there has none. A hit also opens what it found, 10 to 25 µs in the mean of a thousand
// where one look-up varies by 300 µs and more: under the noise, and the answer says as much, so a miss opens no decoy.
func (v *Vault) LookupUnseen(ctx context.Context, viewer *chat.Viewer, account *chat.Account, l LookupField) (*chat.Contact, error) {
	if viewer.User == nil {
		return nil, chat.Errorf(chat.Forbidden, "only users have a budget for looking contacts up")
	}
	if !account.Settings.MaskedLookup {
		return nil, &chat.Error{Code: chat.PIIFilterRejected, Field: lookupArguments[l.Field], Message: "looking contacts up is switched off for agents from whom such values are hidden"}
	}
	if err := v.spendLookup(ctx, viewer, account, l); err != nil {
		return nil, err
	}
	contact, err := v.LookupContact(ctx, account, l)
	return v.lookedUp(ctx, lookupEntry(viewer, account, l, chat.ContactLookedUp), contact, err)
}

// SearchUnseen finds the contact that has a text for one of its addresses, of a user from whom these are hidden: it answers
// a guess as LookupUnseen does, and costs one look-up whatever the text may be. nil where none has it, where the account has
// switched it off, and where there is nothing to look up, which is not on record. Which fields are asked depends on the
// text alone, so that hit and miss look alike.
func (v *Vault) SearchUnseen(ctx context.Context, viewer *chat.Viewer, account *chat.Account, text chat.PII, fields []chat.Field) (*chat.Contact, error) {
	if len(fields) == 0 || !account.Settings.MaskedLookup {
		return nil, nil
	}
	if viewer.User == nil {
		return nil, chat.Errorf(chat.Forbidden, "only users have a budget for looking contacts up")
	}
	if err := v.spendLookup(ctx, viewer, account, LookupField{Field: fields[0]}); err != nil {
		return nil, err
	}
	contact, err := v.LookupAny(ctx, account, text, fields)
	entry := lookupEntry(viewer, account, LookupField{Field: fields[0]}, chat.ContactLookedUp)
	entry.Details["by"] = "search"
	if len(fields) > 1 {
		entry.Details["kind"] = kindsOf(fields)
	}
	contact, err = v.lookedUp(ctx, entry, contact, err)
	if errors.Is(err, chat.ErrNotFound) {
		return nil, nil
	}
	return contact, err
}

// LookupAny finds the contact that has a text for one of its addresses, the first of fields first; chat.ErrNotFound when
// none has. It asks for all of them, whichever it finds.
func (v *Vault) LookupAny(ctx context.Context, account *chat.Account, text chat.PII, fields []chat.Field) (found *chat.Contact, err error) {
	for _, f := range fields {
		c, missed := v.LookupContact(ctx, account, LookupField{Field: f, Value: text})
		switch {
		case missed == nil && found == nil:
			found = c
		case missed != nil && !errors.Is(missed, chat.ErrNotFound):
			err = errors.Join(err, missed)
		}
	}
	switch {
	case err != nil:
		return nil, err
	case found == nil:
		return nil, chat.ErrNotFound
	}
	return found, nil
}

func kindsOf(fields []chat.Field) []chat.Kind {
	kinds := make([]chat.Kind, len(fields))
	for i, f := range fields {
		kinds[i] = lookupKinds[f]
	}
	return kinds
}

// lookedUp puts the outcome of a look-up on record, and gives it once it is there.
func (v *Vault) lookedUp(ctx context.Context, entry chat.AuditEntry, contact *chat.Contact, err error) (*chat.Contact, error) {
	switch {
	case err == nil:
		entry.EntityID = chat.FormatID(contact.ID)
		entry.Details["result"] = "hit"
	case errors.Is(err, chat.ErrNotFound):
		entry.Details["result"] = "miss"
	default:
		entry.Details["result"] = "failed"
	}
	if unrecorded := v.Record(ctx, entry); unrecorded != nil {
		return nil, fmt.Errorf("put a look-up on record: %w", unrecorded)
	}
	return contact, err
}

// lookupArguments names the fields of a look-up as clients do.
var lookupArguments = map[chat.Field]string{
	chat.FieldEmail: "input.email", chat.FieldPhone: "input.phoneNumber", chat.FieldIdentifier: "input.identifier",
}

// lookupEntry holds what may be on record of a look-up: kinds and ids. The value is not among them, nor anything made
// from it, because the trail outlives the customer's data.
func lookupEntry(viewer *chat.Viewer, account *chat.Account, l LookupField, action chat.Action) chat.AuditEntry {
	return chat.AuditEntry{AccountID: account.ID, Actor: chat.ActorOf(viewer), Action: action, EntityType: "contact", EntityID: "none",
		Details: map[string]any{"kind": l.Kind()}}
}

const (
	lookupsAMinute = 20
	lookupsADay    = 200
	// refusalQuiet is how long further refusals of one user are not put on record: asking on must not fill the trail.
	refusalQuiet = time.Minute
	// lookupDeadline is longer than that of a page's budget: whoever types an address in would rather wait than be
	// refused.
	lookupDeadline = 2 * time.Second
)

// spendLookup takes one look-up from the user's budget, which holds over all accounts and replicas.
func (v *Vault) spendLookup(ctx context.Context, viewer *chat.Viewer, account *chat.Account, l LookupField) error {
	answer, err := v.budgets.lookup(ctx, viewer.UserID())
	outcome, refused, fresh := "granted", error(nil), false
	switch {
	case err != nil:
		outcome, fresh = "unknown", v.refusals.first(viewer.UserID(), refusalQuiet, time.Now())
		refused = chat.Errorf(chat.Limited, "the budget for looking contacts up cannot be read: try again later")
	case !answer.granted:
		outcome, fresh = "refused", answer.fresh
		refused = chat.Errorf(chat.Limited, "the budget for looking contacts up is spent: try again in %s", inSeconds(answer.wait.Seconds()))
	}
	v.metrics.budget.WithLabelValues("lookup", outcome).Inc()
	if fresh {
		entry := lookupEntry(viewer, account, l, chat.LookupRefused)
		entry.Details["budget"] = outcome
		if err := v.Record(ctx, entry); err != nil {
			v.log.ErrorContext(ctx, "a refused look-up is not on record", "error", store.Redact(err))
		}
	}
	return refused
}

// lookupAnswer is what the script of look-ups says.
type lookupAnswer struct {
	granted bool
	wait    time.Duration // until one is granted again
	fresh   bool          // the first refusal within refusalQuiet, over all replicas
}

//go:embed lookup.lua
var lookupScript string

var takeLookup = redis.NewScript(lookupScript)

// lookup asks Redis each time: look-ups are few, and the windows exact.
func (b *budgets) lookup(ctx context.Context, userID int64) (lookupAnswer, error) {
	if b.own.muted() {
		return lookupAnswer{}, ErrBudgetUnknown
	}
	countBudgetTrip(ctx)
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), lookupDeadline) // an asker who goes away is no outage
	defer cancel()
	key := "cloakroom:lookups:{user:" + chat.FormatID(userID) + "}"
	answer, err := takeLookup.Run(ctx, b.redis, []string{key, key + ":refused"},
		b.lookedUp(), rand.Text(), lookupsAMinute, lookupsADay, refusalQuiet.Milliseconds()).Int64Slice()
	if err == nil && len(answer) != 3 {
		err = errors.New("the script of look-ups gave another answer than it should")
	}
	if err != nil {
		b.failed(ctx, err)
		return lookupAnswer{}, ErrBudgetUnknown
	}
	return lookupAnswer{granted: answer[0] == 1, wait: time.Duration(answer[1]) * time.Millisecond, fresh: answer[2] == 1}, nil
}
