package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// TokenStored is a third party's credential that is to be kept, and what it is for.
type TokenStored struct {
	AccountID  int64
	Provider   string // such as "google": at most 50 small letters, digits, _ and -
	Subject    string // a reference such as "hook/5", no address
	Kind       chat.VaultTokenKind
	Credential chat.Credential
	Scopes     []string
	ExpiresAt  *time.Time // nil is never
}

// StoreToken keeps a credential, in place of the one that account, provider and subject had, and puts it on record in one
// transaction; what was revoked can be stored anew. INVALID names what is wrong; chat.ErrNotFound when there is no such
// account.
func (v *Vault) StoreToken(ctx context.Context, stored TokenStored) (*chat.VaultToken, error) {
	if err := checkStored(&stored); err != nil {
		return nil, err
	}
	if _, err := v.store.FindAccount(ctx, stored.AccountID); err != nil {
		return nil, err
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokenStored, stored.AccountID)
	var kept *store.VaultTokenRow
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		row, err := tx.ReserveVaultToken(ctx, stored.AccountID, stored.Provider, stored.Subject, stored.Kind)
		if err != nil {
			return err
		}
		kept, err = v.putToken(ctx, tx, entry, row, &stored)
		return err
	})
	if err != nil {
		return nil, err
	}
	return &kept.VaultToken, nil
}

// putToken seals a credential into a row that the transaction has reserved, as its next version, and says in the entry
// what was stored.
func (v *Vault) putToken(ctx context.Context, tx *store.Store, entry *chat.AuditEntry, row *store.VaultTokenRow, stored *TokenStored) (*store.VaultTokenRow, error) {
	row.Kind, row.Scopes, row.ExpiresAt = stored.Kind, stored.Scopes, stored.ExpiresAt
	row.Version, row.RotatedAt = row.Version+1, row.UpdatedAt
	row.Lineage, row.Parent, row.RefreshAfter = newLineage(), []byte{}, nil
	if stored.Credential.Refresh != "" {
		row.RefreshAfter = refreshAfter(row.RotatedAt, row.ExpiresAt)
	}
	keys, err := v.keys.Account(ctx, stored.AccountID)
	if err != nil {
		return nil, err
	}
	if err := sealToken(keys, row, &stored.Credential); err != nil {
		return nil, err
	}
	kept, err := tx.WriteVaultToken(ctx, row)
	if err != nil {
		return nil, err
	}
	describe(entry, &kept.VaultToken)
	entry.Details["scopes"], entry.Details["expires_at"] = kept.Scopes, kept.ExpiresAt
	entry.Details["refreshable"] = stored.Credential.Refresh != ""
	return kept, nil
}

// RetrieveToken gives a credential in clear, without what would refresh it, and puts that on record in the transaction
// that reads it. One that is due is refreshed behind the answer, one that has expired before it. chat.ErrNotFound when
// nothing was ever stored there, REVOKED and EXPIRED by the database's clock, and chat.ErrUnreadable when it does not open.
func (v *Vault) RetrieveToken(ctx context.Context, accountID int64, provider, subject string) (*chat.VaultToken, *chat.Credential, error) {
	if err := checkSubject("", provider, subject); err != nil {
		return nil, nil, err
	}
	row, credential, err := v.giveToken(ctx, accountID, provider, subject)
	if row != nil && v.refreshable(row) && !row.Resting {
		switch {
		case err == nil && row.Due && !row.Leased:
			v.startRefresh(ctx, row)
		case chat.CodeOf(err) == chat.Expired:
			_ = v.startRefresh(ctx, row).wait(ctx) // the row says how it ended
			row, credential, err = v.giveToken(ctx, accountID, provider, subject)
		}
	}
	if err != nil {
		return nil, nil, err
	}
	return &row.VaultToken, credential, nil
}

// giveToken reads a credential and puts that on record; it gives the row it has read with an error too.
func (v *Vault) giveToken(ctx context.Context, accountID int64, provider, subject string) (*store.VaultTokenRow, *chat.Credential, error) {
	entry := vaultTokenEntry(ctx, chat.VaultTokenRetrieved, accountID)
	var row *store.VaultTokenRow
	var credential *chat.Credential
	err := v.Change(ctx, entry, func(tx *store.Store) (err error) {
		if row, err = tx.FindVaultToken(ctx, accountID, provider, subject); err != nil {
			return err
		}
		if err := usable(row); err != nil {
			return err
		}
		keys, err := v.keys.Account(ctx, accountID)
		if err != nil {
			return err
		}
		describe(entry, &row.VaultToken)
		credential, err = openToken(keys, row)
		return err
	})
	if errors.Is(err, chat.ErrUnreadable) && row != nil {
		return row, nil, v.tokenUnreadable(ctx, &row.VaultToken, err)
	}
	if err != nil {
		return row, nil, err
	}
	credential.Refresh = ""
	return row, credential, nil
}

func usable(row *store.VaultTokenRow) error {
	switch {
	case row.State == chat.TokenGone:
		return chat.Errorf(chat.Revoked, "the token was revoked: store it anew")
	case !row.Expired:
		return nil
	case row.State == chat.TokenReauth:
		return chat.Errorf(chat.Expired, "the token has expired and cannot be refreshed any more (%s): access must be granted anew, and stored", *row.ReauthReason)
	case row.LastError != nil:
		return chat.Errorf(chat.Expired, "the token has expired, and the provider gives no new one for now (%s): ask again later", *row.LastError)
	case row.Leased:
		return chat.Errorf(chat.Expired, "the token has expired and is being refreshed: ask again")
	}
	return chat.Errorf(chat.Expired, "the token has expired: store a new one")
}

// ListTokens reads what is known of an account's credentials, by provider and subject, those that were revoked included.
// It opens none of them.
func (v *Vault) ListTokens(ctx context.Context, accountID int64) ([]*chat.VaultToken, error) {
	rows, err := v.store.ListVaultTokens(ctx, accountID)
	if err != nil {
		return nil, err
	}
	list := make([]*chat.VaultToken, len(rows))
	for i, r := range rows {
		list[i] = &r.VaultToken
	}
	return list, nil
}

func vaultTokenEntry(ctx context.Context, action chat.Action, accountID int64) *chat.AuditEntry {
	return &chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: action, EntityType: "vault_token"}
}

// describe fills in an entry which token it is about.
func describe(entry *chat.AuditEntry, t *chat.VaultToken) {
	entry.EntityID = chat.FormatID(t.ID)
	entry.Details = map[string]any{"provider": t.Provider, "subject": t.Subject, "kind": t.Kind, "version": t.Version}
}

// tokenUnreadable counts a credential that did not open, puts it on record, and gives the error the field shows.
func (v *Vault) tokenUnreadable(ctx context.Context, t *chat.VaultToken, cause error) error {
	v.metrics.unreadable.WithLabelValues("vault_token").Inc()
	v.log.ErrorContext(ctx, "a sealed value did not open", "account", t.AccountID, "record", "vault_token", "id", t.ID, "cause", cause.Error())
	if !v.unopened.first(t.ID, failureQuiet, time.Now()) {
		return chat.ErrUnreadable
	}
	entry := vaultTokenEntry(ctx, chat.SealedUnreadableHit, t.AccountID)
	describe(entry, t)
	if err := v.Record(ctx, *entry); err != nil {
		v.log.ErrorContext(ctx, "a sealed value that did not open is not on record", "error", store.Redact(err))
	}
	return chat.ErrUnreadable
}

// vaultTokenPlace is where a row's credential lies, and all that is bound into it.
func vaultTokenPlace(t *chat.VaultToken) keyring.TokenPlace {
	p := keyring.TokenPlace{Row: t.ID, Version: t.Version, Provider: t.Provider, Subject: t.Subject, Kind: t.Kind, RotatedAt: t.RotatedAt}
	if t.ExpiresAt != nil {
		p.ExpiresAt = *t.ExpiresAt
	}
	return p
}

func sealToken(keys *keyring.Account, row *store.VaultTokenRow, c *chat.Credential) error {
	plaintext, err := encodeCredential(c)
	if err != nil {
		return fmt.Errorf("encode vault token %d: %w", row.ID, err)
	}
	row.KeyID = keys.VaultGeneration()
	row.Sealed, err = keys.SealToken(vaultTokenPlace(&row.VaultToken), plaintext)
	return err
}

func openToken(keys *keyring.Account, row *store.VaultTokenRow) (*chat.Credential, error) {
	plaintext, err := keys.OpenToken(vaultTokenPlace(&row.VaultToken), row.Sealed)
	if err != nil {
		return nil, err
	}
	c, err := decodeCredential(plaintext)
	if err != nil {
		return nil, fmt.Errorf("read vault token %d: %w", row.ID, err)
	}
	return c, nil
}
