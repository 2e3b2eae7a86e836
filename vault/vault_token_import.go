package vault

import (
	"context"
	"errors"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// importBatch is how many rows of Chatwoot's are read at once.
const importBatch = 200

// Import is what became of a credential of Chatwoot's, or would with a dry run.
type Import string

// The outcomes. Those after ImportRevoked leave a credential where only Chatwoot has it.
const (
	ImportStored     Import = "stored"
	ImportReplaced   Import = "replaced"   // another one was kept here
	ImportUnchanged  Import = "unchanged"  // it is kept here already
	ImportKept       Import = "kept"       // the one that is kept here is newer: it was refreshed here, or expires later
	ImportRevoked    Import = "revoked"    // it was revoked here, which an import does not undo
	ImportEncrypted  Import = "encrypted"  // Rails has sealed it, and there are no keys of Rails'
	ImportUnreadable Import = "unreadable" // Rails has sealed it, and it does not open
	ImportUnfit      Import = "unfit"      // provider, subject or size are such as the vault does not take
)

// Left says that the vault does not have it.
func (i Import) Left() bool {
	return i == ImportEncrypted || i == ImportUnreadable || i == ImportUnfit
}

// Imported is one credential of Chatwoot's: where it lies, what it is called in the vault, and what became of it.
type Imported struct {
	Place    string // such as "integrations_hooks/5/settings.api_key"
	Provider string
	Subject  string
	Outcome  Import
	Why      string // of what is unfit
}

// ImportTokens keeps the credentials that an account has in Chatwoot's tables, and reports each. Every one that is stored is
// on record, with its place, in a transaction of its own: one that cannot be kept takes no other along. Chatwoot's tables
// stay as they are. With dryRun nothing is stored. chat.ErrNotFound when there is no such account.
func (v *Vault) ImportTokens(ctx context.Context, accountID int64, rails *keyring.RailsKeys, dryRun bool, report func(Imported)) error {
	return v.eachCredential(ctx, accountID, rails, func(found chatwoot.FoundCredential) error {
		outcome, err := v.importToken(ctx, accountID, found, dryRun)
		i := Imported{Place: found.Place, Provider: found.Provider, Subject: found.Subject, Outcome: outcome}
		if chat.CodeOf(err) == chat.Invalid {
			i.Outcome, i.Why, err = ImportUnfit, err.Error(), nil
		}
		if err == nil {
			report(i)
		}
		return err
	})
}

// eachCredential reads what an account has in Chatwoot's tables, a batch of rows at a time.
func (v *Vault) eachCredential(ctx context.Context, accountID int64, rails *keyring.RailsKeys, do func(chatwoot.FoundCredential) error) error {
	if _, err := v.store.FindAccount(ctx, accountID); err != nil {
		return err
	}
	tables, err := v.store.ListCredentialTables(ctx)
	if err != nil {
		return err
	}
	for _, table := range tables {
		for after, more := int64(0), true; more; {
			rows, err := v.store.ListCredentialRows(ctx, table, accountID, after, importBatch)
			if err != nil {
				return err
			}
			for _, row := range rows {
				after = row.ID
				for _, found := range chatwoot.Credentials(chatwoot.CredentialRow{Table: table.Name, ID: row.ID, Columns: row.Columns}, rails.Open) {
					if err := do(found); err != nil {
						return err
					}
				}
			}
			more = len(rows) == importBatch
		}
	}
	return nil
}

// errAsIs ends a transaction that has nothing to change.
var errAsIs = errors.New("it is as it should be")

func (v *Vault) importToken(ctx context.Context, accountID int64, found chatwoot.FoundCredential, dryRun bool) (Import, error) {
	switch {
	case errors.Is(found.Err, keyring.ErrNoRailsKeys):
		return ImportEncrypted, nil
	case found.Err != nil:
		return ImportUnreadable, nil //nolint:nilerr // that it does not open is what was found
	}
	stored := asStored(accountID, found)
	if err := checkStored(&stored); err != nil {
		return "", err
	}
	if dryRun {
		row, err := v.store.FindVaultToken(ctx, accountID, stored.Provider, stored.Subject)
		if errors.Is(err, chat.ErrNotFound) {
			return ImportStored, nil
		}
		if err != nil {
			return "", err
		}
		return v.weigh(ctx, row, &stored)
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokenStored, accountID)
	var outcome Import
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		row, err := tx.ReserveVaultToken(ctx, accountID, stored.Provider, stored.Subject, stored.Kind)
		if err != nil {
			return err
		}
		if outcome, err = v.weigh(ctx, row, &stored); err != nil {
			return err
		}
		if outcome != ImportStored && outcome != ImportReplaced {
			return errAsIs
		}
		if _, err = v.putToken(ctx, tx, entry, row, &stored); err == nil {
			entry.Details["imported_from"] = found.Place
		}
		return err
	})
	if errors.Is(err, errAsIs) {
		err = nil
	}
	return outcome, err
}

func asStored(accountID int64, found chatwoot.FoundCredential) TokenStored {
	s := TokenStored{AccountID: accountID, Provider: found.Provider, Subject: found.Subject, Kind: chat.StaticToken, Scopes: found.Scopes, ExpiresAt: found.ExpiresAt,
		Credential: chat.Credential{Access: found.Access, Refresh: found.Refresh, TokenType: found.TokenType}}
	if found.OAuth2 {
		s.Kind = chat.OAuth2Token
	}
	return s
}

// weigh says what is to become of a credential of Chatwoot's, given the row that is there.
func (v *Vault) weigh(ctx context.Context, row *store.VaultTokenRow, stored *TokenStored) (Import, error) {
	switch {
	case row.Version == 0:
		return ImportStored, nil
	case row.State == chat.TokenGone:
		return ImportRevoked, nil
	}
	here, err := v.openRow(ctx, row)
	if errors.Is(err, chat.ErrUnreadable) {
		_ = v.tokenUnreadable(ctx, &row.VaultToken, err) // gives the error that a field would show
		return ImportReplaced, nil
	}
	if err != nil {
		return "", err
	}
	switch {
	case sameSecret(here, &stored.Credential) && sameTerms(row, here, stored):
		return ImportUnchanged, nil
	case row.State == chat.TokenActive && newerHere(row, here, stored):
		return ImportKept, nil
	default:
		return ImportReplaced, nil
	}
}

func sameSecret(a, b *chat.Credential) bool {
	return a.Access == b.Access && a.Refresh == b.Refresh
}

func sameTerms(row *store.VaultTokenRow, here *chat.Credential, stored *TokenStored) bool {
	expiry := row.ExpiresAt == nil && stored.ExpiresAt == nil || row.ExpiresAt != nil && stored.ExpiresAt != nil && row.ExpiresAt.Equal(*stored.ExpiresAt)
	return expiry && row.Kind == stored.Kind && here.TokenType == stored.Credential.TokenType && slices.Equal(row.Scopes, stored.Scopes)
}

// newerHere says that Chatwoot's credential came before the one that is kept: putting it back would present a refresh token
// that was used already, for which strict providers take the whole grant away.
func newerHere(row *store.VaultTokenRow, here *chat.Credential, stored *TokenStored) bool {
	if row.Kind != chat.OAuth2Token || stored.Kind != chat.OAuth2Token || here.Access == stored.Credential.Access {
		return false
	}
	if row.ExpiresAt != nil && stored.ExpiresAt != nil {
		return row.ExpiresAt.After(*stored.ExpiresAt)
	}
	return len(row.Parent) > 0
}
