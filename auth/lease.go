package auth

import (
	"context"
	"net/http"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
)

// A viewer is a lease: for freshFor from ReadAt an answer may leave that was decided under what was read then. Whoever
// changes what viewers may see waits until every such lease has run out, and so needs to reach nobody.
const (
	// margin is for the way from the check of a lease to the first byte on the wire, on a busy machine.
	margin = 100 * time.Millisecond
	// renewals is how often a lease is renewed that has run out by the time it was read.
	renewals = 3
)

var (
	errNotAwaited = &chat.Error{Code: chat.Limited, Message: "the change is made and on record, but was not waited for; other replicas follow within a second"}
	errNotRenewed = &chat.Error{Code: chat.Limited, Message: "what you may see is read too slowly to answer by it; try again"}
)

// fresh says that less than ttl has passed since then. The wall clock is asked as well, because the monotonic one
// stands still while a virtual machine sleeps.
func fresh(then, now time.Time, ttl time.Duration) bool {
	return now.Sub(then) < ttl && now.Round(0).Sub(then.Round(0)).Abs() < ttl
}

// Current is asked between composing an answer for v and its first byte. It gives v itself while the lease of v holds,
// which costs a look at the clock, or where the same credentials have the same rights still and no cache epoch has moved;
// otherwise the viewer as they are now, for whom the answer is to be composed again. Errors are those of Authenticate, and
// LIMITED where the database takes longer than a lease lasts: then nothing may leave.
func (a *Authenticator) Current(ctx context.Context, r *http.Request, v *chat.Viewer) (*chat.Viewer, error) {
	if fresh(v.ReadAt, a.now(), freshFor) {
		return v, nil
	}
	for range renewals {
		renewed, err := a.Authenticate(ctx, r)
		if err != nil {
			return nil, err
		}
		if !fresh(renewed.ReadAt, a.now(), freshFor) {
			continue
		}
		if SameRights(v, renewed) && sameEpochs(v, renewed) {
			return v, nil
		}
		return renewed, nil
	}
	return nil, errNotRenewed
}

// AwaitForgotten waits, by real time, until no replica can answer any more by what it read before the call: call it
// after a change is committed and before it is answered. The error is LIMITED and means that ctx ended first.
func (a *Authenticator) AwaitForgotten(ctx context.Context) error {
	timer := time.NewTimer(freshFor + margin)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return errNotAwaited
	}
}

// SameRights says that whatever may be answered to one may be answered to the other: they see the same kinds and attributes in the
// same accounts, with the same roles and scopes. A setting that changes nothing for them, such as the flag of an account
// for its administrators, is no difference: it would cost the super admin who sets it the answer.
func SameRights(a, b *chat.Viewer) bool {
	return a.UserID() == b.UserID() && a.SuperAdmin == b.SuperAdmin && a.Policy == b.Policy &&
		sameService(a.Service, b.Service) && slices.EqualFunc(a.Memberships, b.Memberships, sameMembership) &&
		slices.EqualFunc(a.Accounts(), b.Accounts(), func(x, y *chat.Account) bool {
			return x.ID == y.ID && sameSight(a, b, x.ID) &&
				(x.Settings.MaskedLookup == y.Settings.MaskedLookup || !masking.MaskedIn(b, y.ID))
		})
}

// sameEpochs says that nothing was dropped as a whole of what one may have been answered: what was read under another epoch
// of an account may be gone by now, its contact erased.
func sameEpochs(a, b *chat.Viewer) bool {
	return slices.EqualFunc(a.Accounts(), b.Accounts(), func(x, y *chat.Account) bool { return x.Settings.CacheEpoch == y.Settings.CacheEpoch })
}

func sameMembership(a, b chat.Membership) bool {
	return a.Account.ID == b.Account.ID && a.Role == b.Role &&
		a.Permissions.HasRole == b.Permissions.HasRole && slices.Equal(a.Permissions.Names, b.Permissions.Names)
}

func sameSight(a, b *chat.Viewer, accountID int64) bool {
	return masking.SameAttributes(a, b, accountID) && !slices.ContainsFunc(chat.Kinds, func(kind chat.Kind) bool {
		return masking.Decide(a, accountID, kind) != masking.Decide(b, accountID, kind)
	})
}

func sameService(a, b *chat.Service) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.TokenID == b.TokenID && slices.Equal(a.Scopes, b.Scopes) && slices.Equal(a.Documents, b.Documents)
}
