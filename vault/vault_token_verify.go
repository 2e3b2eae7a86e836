package vault

import (
	"context"
	"errors"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot"
	"github.com/cloakroom/cloakroom/keyring"
)

// Comparison is how a credential that is kept here and Chatwoot's stand to one another.
type Comparison string

// The outcomes.
const (
	ComparedEqual      Comparison = "equal"
	ComparedDiffers    Comparison = "differs"
	ComparedMissing    Comparison = "missing"    // it was never stored here
	ComparedUnreadable Comparison = "unreadable" // one of the two does not open
	ComparedRevoked    Comparison = "revoked"    // it was revoked here
	ComparedGone       Comparison = "gone"       // Chatwoot has none of that name any more
)

// Sound says that nothing is to be done about it.
func (c Comparison) Sound() bool {
	return c == ComparedEqual || c == ComparedRevoked || c == ComparedGone
}

// Compared is one credential: where it lies in Chatwoot, or what it is called in the vault where it does not.
type Compared struct {
	Place   string
	Outcome Comparison
}

// VerifyTokens opens every credential that an account has in Chatwoot's tables, and the one that is kept here for it, and
// reports each, by its place alone; after them, those that are kept here under a name that an import gives, and that Chatwoot
// has no more. The run is on record with its counts. chat.ErrNotFound when there is no such account.
func (v *Vault) VerifyTokens(ctx context.Context, accountID int64, rails *keyring.RailsKeys, report func(Compared)) error {
	counts := make(map[Comparison]int)
	count := func(place string, outcome Comparison) {
		counts[outcome]++
		report(Compared{place, outcome})
	}
	seen := make(map[[2]string]bool)
	err := v.eachCredential(ctx, accountID, rails, func(found chatwoot.FoundCredential) error {
		seen[[2]string{found.Provider, found.Subject}] = true
		outcome, err := v.compareToken(ctx, accountID, found)
		if err == nil {
			count(found.Place, outcome)
		}
		return err
	})
	if err != nil {
		return err
	}
	kept, err := v.ListTokens(ctx, accountID)
	if err != nil {
		return err
	}
	for _, t := range kept {
		if t.State != chat.TokenGone && fromChatwoot(t) && !seen[[2]string{t.Provider, t.Subject}] {
			count("vault/"+t.Provider+"/"+t.Subject, ComparedGone)
		}
	}
	entry := vaultTokenEntry(ctx, chat.VaultTokensVerified, accountID)
	entry.Details = map[string]any{"counts": counts}
	return v.Record(ctx, *entry)
}

// fromChatwoot says that a token has a name such as an import gives. Whoever else stores one under such a name means the
// same place.
func fromChatwoot(t *chat.VaultToken) bool {
	for _, prefix := range []string{"hook/", "channel/", "agent_bot/", "webhook/"} {
		if strings.HasPrefix(t.Subject, prefix) {
			return true
		}
	}
	return t.Provider == "shopify"
}

func (v *Vault) compareToken(ctx context.Context, accountID int64, found chatwoot.FoundCredential) (Comparison, error) {
	if found.Err != nil {
		return ComparedUnreadable, nil //nolint:nilerr // that it does not open is what was found
	}
	row, err := v.store.FindVaultToken(ctx, accountID, found.Provider, found.Subject)
	switch {
	case errors.Is(err, chat.ErrNotFound):
		return ComparedMissing, nil
	case err != nil:
		return "", err
	case row.State == chat.TokenGone:
		return ComparedRevoked, nil
	}
	here, err := v.openRow(ctx, row)
	if errors.Is(err, chat.ErrUnreadable) {
		_ = v.tokenUnreadable(ctx, &row.VaultToken, err) // gives the error that a field would show
		return ComparedUnreadable, nil
	}
	if err != nil {
		return "", err
	}
	if !sameSecret(here, &chat.Credential{Access: found.Access, Refresh: found.Refresh}) {
		return ComparedDiffers, nil
	}
	return ComparedEqual, nil
}
