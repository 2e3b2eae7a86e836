package vault

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// rest is for how long the grant is left alone yet, by the database's clock.
func (g *grantTest) rest() time.Duration {
	g.t.Helper()
	return time.Duration(storetest.Value[float64](g.t, g.store, `SELECT extract(epoch FROM next_try_at - clock_timestamp())::float8 FROM cloakroom.vault_tokens`) * float64(time.Second))
}

// TestFailuresAreTriedAgain: what a provider fails with is said, the token that is good still is given, nothing is asked
// before its time, and the next try brings the grant home.
func TestFailuresAreTriedAgain(t *testing.T) {
	t.Parallel()
	const page = "<html>canary-page</html>"
	for name, c := range map[string]struct {
		fault   providertest.Fault
		stands  string
		resting time.Duration // at least, and no more than a second longer
	}{
		"429":                     {providertest.Limited(""), "ACTIVE v1 LIMITED", time.Second},
		"429 with seconds":        {providertest.Limited("1800"), "ACTIVE v1 LIMITED", 30 * time.Minute},
		"429 with a year":         {providertest.Limited("31536000"), "ACTIVE v1 LIMITED", 24 * time.Hour},
		"503":                     {providertest.Answer(503, page), "ACTIVE v1 BROKEN", time.Second},
		"200 and no grant":        {providertest.Answer(200, page), "ACTIVE v1 BROKEN", time.Second},
		"the operator's fault":    {providertest.Refuse("invalid_client"), "ACTIVE v1 REFUSED", time.Second},
		"a client that may not":   {providertest.Refuse("unauthorized_client"), "ACTIVE v1 REFUSED", time.Second},
		"another wrong that is 4": {providertest.Answer(404, page), "ACTIVE v1 REFUSED", time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGrantTest(t, 1, 5*time.Minute)
			g.provider.Script(c.fault)
			if got := g.retrieves(g.stored); got != "acme-access-canary-1" {
				t.Errorf("the token that is good still: %s", got)
			}
			g.Settle()
			g.want(c.stands)
			if rest := g.rest(); rest > c.resting || rest < c.resting-20*time.Second {
				t.Errorf("it rests for %v, want %v", rest, c.resting)
			}
			g.isLeftAlone()
			g.tends()
			g.want("ACTIVE v2")
			if got := g.retrieves(g.stored); got != "acme-access-canary-2" {
				t.Errorf("after the next try: %s", got)
			}
			if n := g.audited(chat.VaultTokenUnfresh); n != 1 {
				t.Errorf("%d failures are on record", n)
			}
			if g.journal.has("canary") {
				t.Error("a secret or a provider's text is in the log")
			}
		})
	}
}

// isLeftAlone holds a grant that rests to being given as it is, and to nobody's being asked for another.
func (g *grantTest) isLeftAlone() {
	g.t.Helper()
	storetest.Exec(g.t, g.store, `UPDATE cloakroom.vault_tokens SET next_try_at = next_try_at + interval '1 minute'`)
	for range 3 {
		if got := g.retrieves(g.stored); got != "acme-access-canary-1" {
			g.t.Errorf("while it rests: %s", got)
		}
		if _, err := g.RefreshToken(g.t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject); chat.CodeOf(err) != chat.Conflict {
			g.t.Errorf("while it rests, by hand: %v", err)
		}
	}
	g.Settle()
	if n := len(g.provider.Calls()); n != 1 {
		g.t.Errorf("the provider was asked %d times", n)
	}
}

// TestFailuresBackOff: each failure in a row doubles the rest, up to a quarter of an hour, and is on record once.
func TestFailuresBackOff(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, -time.Minute)
	want := time.Second
	for n := range 13 {
		g.provider.Script(providertest.Answer(500, ""))
		_, _, err := g.RetrieveToken(t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject)
		if chat.CodeOf(err) != chat.Expired || !strings.Contains(err.Error(), "BROKEN") {
			t.Fatalf("failure %d: %v", n+1, err)
		}
		if rest := g.rest(); rest > want || rest < want-20*time.Second {
			t.Errorf("after failure %d it rests for %v, want %v", n+1, rest, want)
		}
		want = min(2*want, 15*time.Minute)
		g.timePasses()
	}
	if n := g.audited(chat.VaultTokenUnfresh); n != 1 {
		t.Errorf("%d failures are on record, want the first", n)
	}
	if got := g.retrieves(g.stored); got != "acme-access-canary-2" {
		t.Errorf("when it is well again: %s", got)
	}
	g.want("ACTIVE v2")
}

// TestInvalidGrant: what the provider does not take any more is said, with why, and never deleted.
func TestInvalidGrant(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		before []providertest.Fault // befall the calls before the one that is refused
		void   bool
		reason chat.ReauthReason
	}{
		"taken back by the customer":          {nil, true, chat.RevokedOrReused},
		"after a failure that was answered":   {[]providertest.Fault{providertest.Limited("1")}, true, chat.RevokedOrReused},
		"an answer was lost":                  {[]providertest.Fault{providertest.LoseAnswer()}, false, chat.ResponseLost},
		"a gateway has answered for it":       {[]providertest.Fault{providertest.Answer(502, "")}, true, chat.ResponseLost},
		"an answer was lost, then others not": {[]providertest.Fault{providertest.LoseAnswer(), providertest.Limited("1"), providertest.Answer(500, "")}, false, chat.ResponseLost},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGrantTest(t, 1, 5*time.Minute)
			g.provider.Script(c.before...)
			for range c.before {
				g.tends()
			}
			if c.void {
				g.provider.Void(g.stored.Credential.Refresh)
			}
			g.tends()
			g.want(fmt.Sprintf("REAUTH_REQUIRED v1 %s INVALID_GRANT", c.reason))
			g.isGivenUp(c.reason)
			g.stored.Credential = g.provider.Grant()
			g.storeFor(-time.Minute)
			g.want("ACTIVE v2")
			if got := g.retrieves(g.stored); !strings.HasPrefix(got, "acme-access-canary-") {
				t.Errorf("stored anew: %s", got)
			}
			g.want("ACTIVE v3")
		})
	}
}

// isGivenUp holds a grant that cannot be refreshed to being given until it expires, to nobody's being asked any more, to its
// entry, and to being there still.
func (g *grantTest) isGivenUp(reason chat.ReauthReason) {
	g.t.Helper()
	calls := len(g.provider.Calls())
	if got := g.retrieves(g.stored); got != "acme-access-canary-1" {
		g.t.Errorf("what has not expired: %s", got)
	}
	g.timePasses()
	g.tends()
	if n := len(g.provider.Calls()); n != calls {
		g.t.Errorf("the provider was asked %d times after that", n-calls)
	}
	entries, err := g.Entries(g.t.Context(), g.stored.AccountID, time.Now().Add(-time.Hour), 50)
	if err != nil || g.audited(chat.VaultTokenReauth) != 1 {
		g.t.Fatalf("%d entries, %v", len(entries), err)
	}
	for _, e := range entries {
		if e.Action == chat.VaultTokenReauth && (e.Details["reason"] != string(reason) || e.Details["subject"] != "hook/5") {
			g.t.Errorf("on record: %v", e.Details)
		}
	}
	if got := storetest.Value[bool](g.t, g.store, `SELECT token_sealed <> '' AND key_id > 0 FROM cloakroom.vault_tokens`); !got {
		g.t.Error("the credential was deleted")
	}
}

// tends has the schedule go by once, after all rests.
func (g *grantTest) tends() {
	g.t.Helper()
	g.timePasses()
	if err := g.tendTokens(g.t.Context()); err != nil {
		g.t.Fatal(err)
	}
}

// TestExpiredForGood: what has expired and cannot be refreshed is said so, at once.
func TestExpiredForGood(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, -time.Minute)
	g.provider.Void(g.stored.Credential.Refresh)
	for range 3 {
		_, _, err := g.RetrieveToken(t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject)
		if chat.CodeOf(err) != chat.Expired || !strings.Contains(err.Error(), "REVOKED_OR_REUSED") {
			t.Errorf("%v", err)
		}
	}
	if n := len(g.provider.Calls()); n != 1 {
		t.Errorf("the provider was asked %d times", n)
	}
	if _, err := g.RefreshToken(t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject); chat.CodeOf(err) != chat.Conflict {
		t.Errorf("by hand: %v", err)
	}
}

// TestNothingToRefresh: credentials without a refresh token, static ones and those of providers that are not configured
// are left alone, and who asks by hand is told why.
func TestNothingToRefresh(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, -time.Minute)
	static := TokenStored{AccountID: g.stored.AccountID, Provider: providertest.Name, Subject: "static", Kind: chat.StaticToken, Credential: chat.Credential{Access: "key"}}
	bare, foreign, forever := g.stored, g.stored, g.stored
	bare.Subject, bare.Credential.Refresh = "bare", ""
	foreign.Provider = "elsewhere"
	forever.Subject, forever.ExpiresAt = "forever", nil
	for _, s := range []TokenStored{static, bare, foreign, forever} {
		g.stores(s)
	}
	storetest.Exec(t, g.store, `UPDATE cloakroom.vault_tokens SET refresh_after = now() - interval '1 minute' WHERE subject = 'bare'`) // as the migration has it
	g.stores(g.stored)
	if err := g.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := len(g.provider.Calls()); n != 1 {
		t.Errorf("the provider was asked %d times, want once for the one that is due", n)
	}
	for _, c := range []struct {
		stored      TokenStored
		code        chat.Code
		field, said string
	}{{static, chat.Invalid, "input.subject", "static"}, {bare, chat.Invalid, "input.subject", "without"}, {foreign, chat.Invalid, "input.provider", "PROVIDERS"}} {
		_, err := g.RefreshToken(t.Context(), c.stored.AccountID, c.stored.Provider, c.stored.Subject)
		if chat.CodeOf(err) != c.code || !strings.Contains(err.Error(), c.field) || !strings.Contains(err.Error(), c.said) {
			t.Errorf("%s: %v", c.stored.Subject, err)
		}
	}
	if got := g.retrieves(bare); got != "EXPIRED" {
		t.Errorf("one without a refresh token: %s", got)
	}
	if due := storetest.Value[int64](t, g.store, `SELECT count(*) FROM cloakroom.vault_tokens WHERE subject IN ('bare', 'static', 'forever') AND refresh_after IS NOT NULL`); due != 0 {
		t.Errorf("%d are due that have nothing to be refreshed with", due)
	}
}
