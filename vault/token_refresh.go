package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	mathrand "math/rand/v2"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

const (
	refreshLease   = 45 * time.Second       // how long one process has a credential to refresh; a provider has a third of it
	refreshPoll    = 100 * time.Millisecond // between two looks at what another process is refreshing
	refreshAwaited = time.Minute            // after which a process no longer waits for another
	refreshPatient = 8 * time.Second        // that a request waits, so that it is answered within its time
)

// errNoRefresh is a credential that has nothing to refresh it with.
var errNoRefresh = errors.New("the credential has no refresh token")

// refreshable says that a credential may be refreshed: it is in force, has a refresh token as far as is known, and its
// provider is configured.
func (v *Vault) refreshable(row *store.VaultTokenRow) bool {
	return row.State == chat.TokenActive && row.RefreshAfter != nil && v.configured(row.Provider)
}

func (v *Vault) configured(name string) bool {
	if v.Providers == nil {
		return false
	}
	_, ok := v.Providers.Policy(name)
	return ok
}

// startRefresh has a credential refreshed, or joins those that are waiting for it already. It goes on when whoever began it
// is gone: an answer that nobody reads is lost.
func (v *Vault) startRefresh(ctx context.Context, seen *store.VaultTokenRow) *flight {
	key := fmt.Sprintf("%d/%d/%x", seen.AccountID, seen.ID, seen.Lineage)
	ctx = detached(ctx)
	return v.refreshes.join(key, func() error {
		err := v.refresh(ctx, seen)
		if err != nil && !errors.Is(err, errNoRefresh) && !errors.Is(err, errNotRefreshed) && !errors.Is(err, chat.ErrUnreadable) {
			v.log.ErrorContext(ctx, "a third party's token could not be refreshed", "account", seen.AccountID, "id", seen.ID, "error", store.Redact(err))
		}
		return err
	})
}

// detached keeps of a request whose it is and nothing else: neither its end nor what it counts.
func detached(ctx context.Context) context.Context {
	from, _ := ctx.Value(fromKey{}).(string)
	return WithFrom(WithRequestID(WithActor(context.Background(), ActorFrom(ctx)), RequestID(ctx)), from)
}

// refresh returns when the credential that was seen is not the one in force any more, or when it could not be refreshed.
// Whoever asks reads the row again either way.
func (v *Vault) refresh(ctx context.Context, seen *store.VaultTokenRow) error {
	ctx, cancel := context.WithTimeout(ctx, refreshAwaited)
	defer cancel()
	credential, err := v.openForRefresh(ctx, seen)
	if err != nil {
		return err
	}
	owner := rand.Text()
	for !v.refreshes.isStopped() {
		asked, err := v.store.ClaimTokenRefresh(ctx, seen, owner, refreshLease)
		if err == nil {
			return v.ask(context.WithoutCancel(ctx), seen, asked, credential)
		}
		if !errors.Is(err, chat.ErrNotFound) {
			return err
		}
		if over, err := v.refreshedElsewhere(ctx, seen); over || err != nil {
			return err
		}
		if err := pause(ctx, refreshPoll/2+mathrand.N(refreshPoll)); err != nil {
			return fmt.Errorf("wait for another process to refresh vault token %d: %w", seen.ID, err)
		}
	}
	return errStopped
}

// refreshedElsewhere says that a credential needs no refresh by this process: it is another one by now, or is to rest.
func (v *Vault) refreshedElsewhere(ctx context.Context, seen *store.VaultTokenRow) (over bool, err error) {
	now, err := v.store.FindVaultToken(ctx, seen.AccountID, seen.Provider, seen.Subject)
	switch {
	case errors.Is(err, chat.ErrNotFound):
		return true, err
	case err != nil:
		return false, err
	case string(now.Lineage) != string(seen.Lineage):
		return true, nil
	case now.State != chat.TokenActive || now.Resting:
		return true, errNotRefreshed
	}
	return false, nil
}

// openForRefresh opens a credential for what refreshes it. One without is not due again; one that does not open rests.
func (v *Vault) openForRefresh(ctx context.Context, seen *store.VaultTokenRow) (*chat.Credential, error) {
	credential, err := v.openRow(ctx, seen)
	if errors.Is(err, chat.ErrUnreadable) {
		if _, err := v.store.DelayTokenRefresh(ctx, seen, chat.RefreshUnreadable, longestRest); err != nil && !errors.Is(err, chat.ErrNotFound) {
			return nil, err
		}
		return nil, v.tokenUnreadable(ctx, &seen.VaultToken, err)
	}
	if err != nil {
		return nil, err
	}
	if credential.Refresh == "" {
		return nil, errors.Join(errNoRefresh, v.store.NeverRefresh(ctx, seen))
	}
	return credential, nil
}

// openRow opens a row within a turn of its own: a provider is not waited for with keys in hand.
func (v *Vault) openRow(ctx context.Context, row *store.VaultTokenRow) (*chat.Credential, error) {
	defer v.Enter()()
	keys, err := v.keys.Account(ctx, row.AccountID)
	if err != nil {
		return nil, err
	}
	return openToken(keys, row)
}

// RefreshToken refreshes a credential now, whether it is due or not, and puts that on record. INVALID where there is nothing
// to refresh it with or its provider is not configured, REVOKED, and CONFLICT when the provider gave nothing: what is known
// of the token says how it stands. chat.ErrNotFound when nothing was ever stored there.
func (v *Vault) RefreshToken(ctx context.Context, accountID int64, provider, subject string) (*chat.VaultToken, error) {
	if err := checkSubject("input.", provider, subject); err != nil {
		return nil, err
	}
	seen, err := v.store.FindVaultToken(ctx, accountID, provider, subject)
	if err != nil {
		return nil, err
	}
	if err := v.mayRefresh(seen); err != nil {
		return nil, err
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokenAsked, accountID)
	describe(entry, &seen.VaultToken)
	if err := v.Record(ctx, *entry); err != nil { // a provider is not asked for what could not be put on record after
		return nil, err
	}
	err = v.startRefresh(ctx, seen).wait(ctx)
	if errors.Is(err, errNoRefresh) {
		return nil, chat.InvalidField("input.subject", "is of a credential that was stored without a refresh token")
	}
	if err != nil && !errors.Is(err, errNotRefreshed) && !errors.Is(err, errWaiting) {
		return nil, err
	}
	now, err := v.store.FindVaultToken(ctx, accountID, provider, subject)
	if err != nil {
		return nil, err
	}
	if string(now.Lineage) == string(seen.Lineage) {
		return nil, notRefreshed(now)
	}
	return &now.VaultToken, nil
}

// mayRefresh says why there is no use in asking a provider.
func (v *Vault) mayRefresh(row *store.VaultTokenRow) error {
	switch {
	case row.State == chat.TokenGone:
		return usable(row)
	case row.State == chat.TokenReauth:
		return notRefreshed(row)
	case row.Kind == chat.StaticToken:
		return chat.InvalidField("input.subject", "is of a static credential, which nothing refreshes")
	case !v.configured(row.Provider):
		return chat.InvalidField("input.provider", "is not configured: the operator says in PROVIDERS how it is asked")
	}
	return nil
}

// notRefreshed says why a credential is still the one it was.
func notRefreshed(row *store.VaultTokenRow) error {
	switch {
	case row.ReauthReason != nil:
		return chat.Errorf(chat.Conflict, "the token cannot be refreshed any more (%s): access must be granted anew, and stored", *row.ReauthReason)
	case row.Leased:
		return chat.Errorf(chat.Conflict, "the token is being refreshed: look again")
	case row.LastError != nil:
		return chat.Errorf(chat.Conflict, "the provider gave no new token (%s): it is asked again by itself", *row.LastError)
	}
	return chat.Errorf(chat.Conflict, "the token was not refreshed: try again")
}
