package vault

import (
	"context"
	"errors"
	mathrand "math/rand/v2"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider"
	"github.com/cloakroom/cloakroom/store"
)

const (
	shortestRest = time.Second // after the first failure; each further one doubles it
	longestRest  = 15 * time.Minute
	longestAsked = 24 * time.Hour // that a provider can ask to be left alone

	failureTries = 3 // to write down a failure
)

// ask presents a refresh token to its provider, once, and keeps what it gives. No transaction is open meanwhile. ctx must
// not end with a request.
func (v *Vault) ask(ctx context.Context, seen *store.VaultTokenRow, asked *store.TokenRefresh, credential *chat.Credential) error {
	start := time.Now()
	given, err := v.Providers.Refresh(ctx, seen.Provider, seen.Subject, credential.Refresh)
	took := time.Since(start) // only lengths of time are taken from this machine's clock
	if err == nil && !storable(given) {
		err = &provider.Failure{Reason: provider.Broken, Sent: true}
	}
	if err != nil {
		failure := new(provider.Failure)
		if !errors.As(err, &failure) {
			failure = &provider.Failure{Reason: provider.Broken, Sent: true}
		}
		return v.refreshFailed(ctx, seen, asked, failure)
	}
	g := &grant{accountID: seen.AccountID, tokenID: seen.ID, refreshID: asked.ID, provider: seen.Provider, subject: seen.Subject,
		Parent: seen.Lineage, Access: given.Access.Reveal(), Refresh: given.Refresh.Reveal(), TokenType: given.TokenType,
		Scopes: seen.Scopes, IssuedAt: asked.StartedAt.Add(took).Truncate(time.Microsecond)}
	if given.Refresh == "" {
		g.Refresh = credential.Refresh.Reveal()
	}
	if g.TokenType == "" || len(g.TokenType) > maxTokenType || !utf8.ValidString(g.TokenType) {
		g.TokenType = credential.TokenType
	}
	if given.Scopes != nil {
		g.Scopes = storableScopes(given.Scopes)
	}
	if given.ExpiresIn > 0 {
		at := asked.StartedAt.Add(given.ExpiresIn).UTC().Truncate(time.Microsecond) // the clock of whoever gave it began later
		g.ExpiresAt = &at
	}
	return v.keep(ctx, g)
}

// storable says that a provider's tokens are such as the vault keeps.
func storable(g *provider.Grant) bool {
	access, refresh := g.Access.Reveal(), g.Refresh.Reveal()
	return access != "" && len(access) <= maxCredential && len(refresh) <= maxCredential && utf8.ValidString(access) && utf8.ValidString(refresh) &&
		g.ExpiresIn >= 0 && g.ExpiresIn < 100*365*24*time.Hour
}

// storableScopes leaves out what no scope can be; a grant is not lost for it.
func storableScopes(given []string) []string {
	scopes := make([]string, 0, len(given))
	for _, scope := range given {
		if scopeForm.MatchString(scope) && !chat.TextHoldsAddress(scope) && len(scopes) < maxScopes {
			scopes = append(scopes, scope)
		}
	}
	return scopes
}

// refreshAfter is when a credential is due: a tenth of its life before it expires and no less than a minute, but never in
// the first half of its life; by a tenth of that sooner or later, so that what was stored together is not due together.
func refreshAfter(from time.Time, expires *time.Time) *time.Time {
	if expires == nil {
		return nil
	}
	life := max(expires.Sub(from), 0)
	margin := min(max(life/10, time.Minute), life/2)
	at := expires.Add(-margin - margin/10 + mathrand.N(margin/5+1))
	return &at
}

// refreshFailed writes down how a refresh has failed. When even that fails the refresh stays without an outcome, as if the
// process had died, and the lease runs out.
func (v *Vault) refreshFailed(ctx context.Context, seen *store.VaultTokenRow, asked *store.TokenRefresh, failure *provider.Failure) error {
	var err error
	for range failureTries {
		if err = v.writeFailure(ctx, seen, asked, failure); err == nil {
			v.metrics.refreshes.WithLabelValues(seen.Provider, string(failure.Reason)).Inc()
			return errNotRefreshed
		}
		if pause(ctx, keepAgain) != nil {
			break
		}
	}
	return err
}

func (v *Vault) writeFailure(ctx context.Context, seen *store.VaultTokenRow, asked *store.TokenRefresh, failure *provider.Failure) error {
	defer v.Enter()()
	ctx, cancel := context.WithTimeout(ctx, keepDeadline)
	defer cancel()
	return v.store.InTx(ctx, func(tx *store.Store) error {
		row, err := tx.LockVaultToken(ctx, seen.AccountID, seen.ID)
		if err != nil {
			return err
		}
		if _, err := tx.FinishTokenRefresh(ctx, seen.AccountID, asked.ID, outcomeOf(failure)); err != nil {
			return err
		}
		if string(row.Lineage) != string(seen.Lineage) {
			return nil // another process was faster, or somebody stored another: that one is used
		}
		entry, err := v.failRow(ctx, tx, row, asked, failure)
		if err != nil || entry == nil {
			return err
		}
		return v.write(ctx, tx, *entry)
	})
}

// outcomeOf names a failure among refreshes. After one that may have been carried out, the token may be spent.
func outcomeOf(f *provider.Failure) string {
	if f.Sent && (f.Reason == provider.Unreachable || f.Reason == provider.Broken) {
		return store.RefreshUnanswered
	}
	return string(f.Reason)
}

// failRow has a credential rest, or gives it up, and gives the entry that says so; nil when one has said it before.
func (v *Vault) failRow(ctx context.Context, tx *store.Store, row *store.VaultTokenRow, asked *store.TokenRefresh, failure *provider.Failure) (*chat.AuditEntry, error) {
	if failure.Reason == provider.InvalidGrant {
		return v.giveUp(ctx, tx, row, asked)
	}
	failed := chat.RefreshError(failure.Reason)
	rest := min(shortestRest<<min(row.Failures, 20), longestRest)
	if failure.RetryAfter > 0 {
		rest = min(failure.RetryAfter, longestAsked)
	}
	if _, err := tx.DelayTokenRefresh(ctx, row, failed, rest); err != nil {
		return nil, err
	}
	if row.LastError != nil && *row.LastError == failed {
		return nil, nil
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokenUnfresh, row.AccountID)
	describe(entry, &row.VaultToken)
	entry.Details["error"], entry.Details["status"] = failed, failure.Status
	v.log.WarnContext(ctx, "a provider gave no new token; it is asked again", "account", row.AccountID, "id", row.ID, "code", string(failed), "status", failure.Status)
	return entry, nil
}

// giveUp says that a person has to grant access anew. Where an answer was lost before, of a provider whose refresh tokens
// are good once, that is why.
func (v *Vault) giveUp(ctx context.Context, tx *store.Store, row *store.VaultTokenRow, asked *store.TokenRefresh) (*chat.AuditEntry, error) {
	lost, err := tx.CountUnanswered(ctx, row, asked.ID)
	if err != nil {
		return nil, err
	}
	reason := chat.RevokedOrReused
	if policy, _ := v.Providers.Policy(row.Provider); lost > 0 && policy.Rotates {
		reason = chat.ResponseLost
	}
	if _, err := tx.RequireReauth(ctx, row, reason); err != nil {
		return nil, err
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokenReauth, row.AccountID)
	describe(entry, &row.VaultToken)
	entry.Details["reason"] = reason
	v.log.WarnContext(ctx, "a third party's token cannot be refreshed any more: somebody has to grant access anew", "account", row.AccountID, "id", row.ID, "code", string(reason))
	return entry, nil
}
