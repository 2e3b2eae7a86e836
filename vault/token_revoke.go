package vault

import (
	"context"
	"errors"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider"
	"github.com/cloakroom/cloakroom/store"
)

// revokePatience is how long a request waits for a provider that it tells of a revocation.
const revokePatience = 5 * time.Second

// revoked is what a provider is to be told of: a credential that lies here no more.
type revoked struct {
	token      chat.VaultToken // as it was
	credential *chat.Credential
}

// RevokeToken deletes a credential and puts it on record in one transaction; what is known of it stays. Then its provider is
// told, where it is configured, and what came of that is given, and on record as well. Revoking what is revoked already is
// on record and changes nothing. chat.ErrNotFound when nothing was ever stored there.
func (v *Vault) RevokeToken(ctx context.Context, accountID int64, provider, subject, reason string) (*chat.VaultToken, chat.AtProvider, error) {
	if err := checkReason(reason); err != nil {
		return nil, "", err
	}
	if err := checkSubject("input.", provider, subject); err != nil {
		return nil, "", err
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokenRevoked, accountID)
	var was *revoked
	var left *store.VaultTokenRow
	err := v.Change(ctx, entry, func(tx *store.Store) (err error) {
		if was, err = v.openRevoked(ctx, tx, accountID, provider, subject); err != nil {
			return err
		}
		if left, err = tx.RevokeVaultToken(ctx, accountID, provider, subject); err != nil {
			return err
		}
		describe(entry, &left.VaultToken)
		entry.Details["reason"] = reason
		return nil
	})
	if err != nil {
		return nil, "", err
	}
	return &left.VaultToken, v.tellProvider(ctx, was), nil
}

// openRevoked locks a row and opens what its provider is to be told of; nil when it is to be told of nothing. One that does
// not open is revoked here all the same.
func (v *Vault) openRevoked(ctx context.Context, tx *store.Store, accountID int64, provider, subject string) (*revoked, error) {
	row, err := tx.FindVaultToken(ctx, accountID, provider, subject)
	if err != nil {
		return nil, err
	}
	if row, err = tx.LockVaultToken(ctx, accountID, row.ID); err != nil {
		return nil, err
	}
	if row.State == chat.TokenGone || row.Kind != chat.OAuth2Token || !v.configured(provider) {
		return nil, nil
	}
	was := &revoked{token: row.VaultToken}
	if keys, err := v.keys.Account(ctx, accountID); err == nil {
		if was.credential, err = openToken(keys, row); err != nil {
			v.log.WarnContext(ctx, "a credential that is revoked did not open, so its provider is not told", "account", accountID, "id", row.ID)
		}
	}
	return was, nil
}

// tellProvider has a provider void what was revoked here, as far as it can, and puts on record what came of it. It goes on
// when whoever asked is gone, and nothing undoes what was done here.
func (v *Vault) tellProvider(ctx context.Context, was *revoked) chat.AtProvider {
	if was == nil {
		return chat.NotTold
	}
	ctx = detached(ctx)
	entry := vaultTokenEntry(ctx, chat.VaultTokenElsewhere, was.token.AccountID)
	describe(entry, &was.token)
	outcome := v.void(ctx, was, entry.Details)
	entry.Details["outcome"] = outcome
	if outcome == chat.NotTold {
		return outcome
	}
	if err := v.Record(ctx, *entry); err != nil {
		v.log.ErrorContext(ctx, "what a provider made of a revocation is not on record", "account", was.token.AccountID, "id", was.token.ID, "error", store.Redact(err))
	}
	return outcome
}

// void asks the provider, and says in the details why it has failed.
func (v *Vault) void(ctx context.Context, was *revoked, details map[string]any) chat.AtProvider {
	if was.credential == nil {
		details["error"] = chat.RefreshUnreadable
		return chat.NotRevokedThere
	}
	ctx, cancel := context.WithTimeout(ctx, revokePatience)
	defer cancel()
	err := v.Providers.Revoke(ctx, was.token.Provider, was.token.Subject, *was.credential)
	var failure *provider.Failure
	switch {
	case err == nil:
		return chat.RevokedThere
	case errors.Is(err, provider.ErrNoRevocation):
		return chat.NotTold
	case errors.As(err, &failure):
		details["error"], details["status"] = chat.RefreshError(failure.Reason), failure.Status
	}
	v.log.WarnContext(ctx, "a token that was revoked here may be good at its provider still", "account", was.token.AccountID, "id", was.token.ID, "error", err.Error())
	return chat.NotRevokedThere
}
