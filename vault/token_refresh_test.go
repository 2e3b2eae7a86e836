package vault

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// grantTest is replicas on one database, before a strict provider, with a grant of its that they keep.
type grantTest struct {
	*replica // the first of them
	all      []*replica
	provider *providertest.Server
	stored   TokenStored
}

// newGrantTest keeps a grant that has lived for an hour as the database has it: moved says by how much longer.
func newGrantTest(t *testing.T, replicas int, left time.Duration) *grantTest {
	t.Helper()
	g := &grantTest{provider: providertest.New(t)}
	s := storetest.WithDemo(t)
	for range replicas {
		r := newReplica(t, s, nil)
		r.Providers = g.provider.Providers()
		g.all = append(g.all, r)
	}
	g.replica = g.all[0]
	g.stored = TokenStored{AccountID: schema.Acme, Provider: providertest.Name, Subject: "hook/5", Kind: chat.OAuth2Token, Credential: g.provider.Grant(),
		Scopes: []string{"read"}}
	g.storeFor(left)
	return g
}

// storeFor keeps the grant as one that was given an hour before it expires, which is in left by the database's clock.
func (g *grantTest) storeFor(left time.Duration) {
	g.t.Helper()
	expires := storetest.Value[time.Time](g.t, g.store, `SELECT clock_timestamp()`).Add(left)
	g.stored.ExpiresAt = &expires
	g.stores(g.stored)
	if left < 6*time.Minute {
		storetest.Exec(g.t, g.store, `UPDATE cloakroom.vault_tokens SET refresh_after = expires_at - interval '6 minutes'`)
	}
}

// row is how the grant stands.
func (g *grantTest) row() *chat.VaultToken {
	g.t.Helper()
	row, err := g.store.FindVaultToken(g.t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject)
	if err != nil {
		g.t.Fatal(err)
	}
	return &row.VaultToken
}

// stands says in words how the grant stands: state, version, and what is wrong.
func (g *grantTest) stands() string {
	g.t.Helper()
	row := g.row()
	text := fmt.Sprintf("%s v%d", row.State, row.Version)
	if row.ReauthReason != nil {
		text += " " + string(*row.ReauthReason)
	}
	if row.LastError != nil {
		text += " " + string(*row.LastError)
	}
	return text
}

// want holds the grant to how it should stand.
func (g *grantTest) want(stands string) {
	g.t.Helper()
	if got := g.stands(); got != stands {
		g.t.Errorf("the grant is %s, want %s", got, stands)
	}
}

// timePasses lets leases and rests run out.
func (g *grantTest) timePasses() {
	g.t.Helper()
	storetest.Exec(g.t, g.store, `UPDATE cloakroom.vault_tokens SET lease_until = lease_until - interval '1 hour', next_try_at = next_try_at - interval '2 days'`)
}

// eventually waits until something is so.
func (g *grantTest) eventually(what string, so func() bool) {
	g.t.Helper()
	deadline := time.NewTimer(30 * time.Second)
	defer deadline.Stop()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for !so() {
		select {
		case <-deadline.C:
			g.t.Fatalf("it is never so: %s; the grant is %s", what, g.stands())
		case <-tick.C:
		}
	}
}

// onceEach holds the provider to having seen each refresh token once, and none that was spent.
func (g *grantTest) onceEach() {
	g.t.Helper()
	for _, call := range g.provider.Calls() {
		if n := g.provider.Presented(call.Refresh); n != 1 {
			g.t.Errorf("a refresh token was presented %d times", n)
		}
	}
	if n := g.provider.Reused(); n > 0 {
		g.t.Errorf("%d spent refresh tokens were presented", n)
	}
}

// TestOneCallAtExpiry has three processes of a hundred callers each ask for one token that has expired, without Redis: all
// are given the same new one, for which the provider was asked once.
func TestOneCallAtExpiry(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 3, -time.Minute)
	for _, r := range g.all {
		_ = r.client.Close()
	}
	var group sync.WaitGroup
	given := make(chan string, 300)
	for _, r := range g.all {
		for range 100 {
			group.Go(func() {
				_, c, err := r.RetrieveToken(t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject)
				if err != nil {
					given <- err.Error()
					return
				}
				given <- c.Access.Reveal()
			})
		}
	}
	group.Wait()
	close(given)
	answers := make(map[string]int)
	for answer := range given {
		answers[answer]++
	}
	if len(answers) != 1 || answers["acme-access-canary-2"] != 300 {
		t.Errorf("answers: %v", answers)
	}
	if calls := g.provider.Calls(); len(calls) != 1 {
		t.Errorf("the provider was asked %d times", len(calls))
	}
	g.onceEach()
	g.want("ACTIVE v2")
	if n := g.audited(chat.VaultTokenRefreshed); n != 1 {
		t.Errorf("%d refreshes are on record", n)
	}
	if got := storetest.Value[string](t, g.store, `SELECT string_agg(outcome, ' ') FROM cloakroom.vault_token_refreshes`); got != "REFRESHED" {
		t.Errorf("refreshes: %s", got)
	}
	if n := g.counted("cloakroom_vault_refreshes_total", "") + g.all[1].counted("cloakroom_vault_refreshes_total", "") + g.all[2].counted("cloakroom_vault_refreshes_total", ""); n != 1 {
		t.Errorf("%v refreshes are counted", n)
	}
}

// TestRefreshedInTheMargin: what is good still is given at once, and refreshed behind the answer.
func TestRefreshedInTheMargin(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, 5*time.Minute)
	release := make(chan struct{})
	g.provider.Script(providertest.Hang(release))
	for range 20 {
		if got := g.retrieves(g.stored); got != "acme-access-canary-1" {
			t.Fatalf("while it is refreshed: %s", got)
		}
	}
	close(release)
	g.Settle()
	if got := g.retrieves(g.stored); got != "acme-access-canary-2" {
		t.Errorf("after it: %s", got)
	}
	row := g.row()
	left, margin := time.Until(*row.ExpiresAt), row.ExpiresAt.Sub(*row.RefreshAfter)
	if left < 59*time.Minute || left > time.Hour || margin < 5*time.Minute || margin > 7*time.Minute {
		t.Errorf("the new one expires in %v and is due %v before that", left, margin)
	}
	if len(row.Scopes) != 2 || row.Scopes[1] != "write" {
		t.Errorf("scopes: %v", row.Scopes)
	}
	g.onceEach()
	fresh := newGrantTest(t, 1, time.Hour)
	if got := fresh.retrieves(fresh.stored); got != "acme-access-canary-1" || len(fresh.provider.Calls()) > 0 {
		t.Errorf("one that is not due: %s, asked %d times", got, len(fresh.provider.Calls()))
	}
}

// TestRefreshedForYears refreshes one grant over and over: each answer is asked with what the one before gave.
func TestRefreshedForYears(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 2, -time.Minute)
	for n := range 12 {
		if n%4 == 3 {
			g.provider.Script(providertest.SameRefreshToken())
		}
		token, err := g.all[n%2].RefreshToken(t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject)
		if err != nil || token.Version != int64(n+2) || token.State != chat.TokenActive {
			t.Fatalf("refresh %d: %+v, %v", n+1, token, err)
		}
	}
	if n := g.provider.Reused(); n > 0 {
		t.Errorf("%d spent refresh tokens were presented", n)
	}
	if n := g.audited(chat.VaultTokenAsked); n != 12 {
		t.Errorf("%d of twelve requests are on record", n)
	}
}
