package vault

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// How hard it is tried to write a grant that cannot be asked for again.
const (
	keepAgain    = 100 * time.Millisecond // the first wait; each further one doubles it
	keepSlowest  = 2 * time.Second
	keepDeadline = 5 * time.Second  // of one try
	keepFor      = 15 * time.Minute // where there is no spool
)

// grant is what a provider has given for a refresh token, not yet in the database. Its exported fields are what is sealed of
// it in the spool; they are texts, because chat.Secret marshals as redacted.
type grant struct {
	accountID int64
	tokenID   int64
	refreshID int64
	provider  string // known where it was asked for, and not in the spool
	subject   string

	Parent    []byte     `json:"parent"` // lineage of the credential it was asked with
	Access    string     `json:"access"`
	Refresh   string     `json:"refresh,omitempty"`
	TokenType string     `json:"token_type,omitempty"`
	Scopes    []string   `json:"scopes,omitempty"`
	ExpiresAt *time.Time `json:"expires_at,omitempty"`
	IssuedAt  time.Time  `json:"issued_at"` // by the database's clock
}

// String keeps the grant out of prints.
func (*grant) String() string { return chat.Redacted }

// GoString keeps the grant out of %#v.
func (*grant) GoString() string { return chat.Redacted }

func (g *grant) credential() *chat.Credential {
	return &chat.Credential{Access: chat.Secret(g.Access), Refresh: chat.Secret(g.Refresh), TokenType: g.TokenType}
}

// errKept is a grant that an earlier try has dealt with already.
var errKept = errors.New("the grant was dealt with before")

// keep writes a grant into the database, and tries so for as long as it takes; when that is long it is laid in the spool.
func (v *Vault) keep(ctx context.Context, g *grant) error {
	start, wait, said := time.Now(), keepAgain, false
	for {
		err := v.keepOnce(ctx, g)
		if err == nil || errors.Is(err, chat.ErrNotFound) {
			return err
		}
		if !said {
			said = true
			v.log.ErrorContext(ctx, "a grant could not be written; it is tried again", "account", g.accountID, "id", g.tokenID, "error", store.Redact(err))
		}
		patience := time.Since(start)
		if patience >= v.spoolAfter && v.spool(ctx, g) {
			return errNotRefreshed
		}
		if patience >= keepFor || patience >= v.spoolAfter && v.refreshes.isStopped() {
			v.metrics.refreshes.WithLabelValues(g.provider, "LOST").Inc()
			return fmt.Errorf("a grant is lost: %w", err)
		}
		if err := pause(ctx, wait); err != nil {
			return err
		}
		wait = min(2*wait, keepSlowest)
	}
}

// keepOnce puts a grant in the place of the credential it was asked with, on record, in one transaction. What was put there
// meanwhile stays, but for another answer to the same question that is older.
func (v *Vault) keepOnce(ctx context.Context, g *grant) error {
	ctx, cancel := context.WithTimeout(ctx, keepDeadline)
	defer cancel()
	entry := vaultTokenEntry(ctx, chat.VaultTokenRefreshed, g.accountID)
	var outcome string
	var gone *revoked // while it was being refreshed: nobody but us knows of what the provider gave
	err := v.Change(ctx, entry, func(tx *store.Store) error {
		row, err := tx.LockVaultToken(ctx, g.accountID, g.tokenID)
		if err != nil {
			return err
		}
		g.provider, g.subject = row.Provider, row.Subject
		if row.State == chat.TokenGone && v.configured(row.Provider) {
			gone = &revoked{token: row.VaultToken, credential: g.credential()}
		}
		row, outcome, err = v.landGrant(ctx, tx, row, g)
		if err != nil {
			return err
		}
		describe(entry, &row.VaultToken)
		entry.Details["outcome"], entry.Details["expires_at"] = outcome, row.ExpiresAt
		return nil
	})
	if errors.Is(err, errKept) {
		return nil
	}
	if err != nil {
		return err
	}
	v.metrics.refreshes.WithLabelValues(g.provider, outcome).Inc()
	v.log.InfoContext(ctx, "a third party's token was refreshed", "account", g.accountID, "id", g.tokenID, "code", outcome)
	v.tellProvider(ctx, gone)
	return nil
}

// landGrant puts a grant into a row that is locked, where it belongs there, and says what became of the refresh.
func (v *Vault) landGrant(ctx context.Context, tx *store.Store, row *store.VaultTokenRow, g *grant) (*store.VaultTokenRow, string, error) {
	outcome := store.RefreshKept
	if !g.belongs(row) {
		outcome = store.RefreshSuperseded
	}
	first, err := tx.FinishTokenRefresh(ctx, g.accountID, g.refreshID, outcome)
	switch {
	case err != nil:
		return nil, "", err
	case !first:
		return nil, "", errKept
	case outcome == store.RefreshKept:
		row, err = v.putGrant(ctx, tx, row, g)
	}
	return row, outcome, err
}

// belongs says that a grant goes where the row's credential is: it was asked for with that, or with the same one earlier.
// What a person stored meanwhile is of another consent, and stays.
func (g *grant) belongs(row *store.VaultTokenRow) bool {
	if row.State == chat.TokenGone || len(g.Parent) == 0 {
		return false
	}
	sibling := string(row.Parent) == string(g.Parent) && row.RotatedAt.Before(g.IssuedAt)
	return string(row.Lineage) == string(g.Parent) || sibling
}

func (v *Vault) putGrant(ctx context.Context, tx *store.Store, row *store.VaultTokenRow, g *grant) (*store.VaultTokenRow, error) {
	row.Version, row.Scopes, row.ExpiresAt, row.RotatedAt = row.Version+1, g.Scopes, g.ExpiresAt, g.IssuedAt
	row.Lineage, row.Parent, row.RefreshAfter = newLineage(), g.Parent, refreshAfter(g.IssuedAt, g.ExpiresAt)
	keys, err := v.keys.Account(ctx, g.accountID)
	if err != nil {
		return nil, err
	}
	if err := sealToken(keys, row, g.credential()); err != nil {
		return nil, err
	}
	return tx.WriteVaultToken(ctx, row)
}

// newLineage names a credential.
func newLineage() []byte {
	lineage := make([]byte, 16)
	_, _ = rand.Read(lineage) // it never fails
	return lineage
}
