package vault

import (
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// asking has a replica refresh the grant and gives what waits for the end of that.
func (g *grantTest) asking(r *replica) (ended func()) {
	g.t.Helper()
	row, err := g.store.FindVaultToken(g.t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject)
	if err != nil {
		g.t.Fatal(err)
	}
	f := r.startRefresh(g.t.Context(), row)
	return func() { <-f.over }
}

// holdAnswer has the next answer wait after the provider has rotated; asked is closed once it has.
func (g *grantTest) holdAnswer() (asked <-chan struct{}, release func()) {
	rotated, held := make(chan struct{}), make(chan struct{})
	var once sync.Once
	g.provider.AfterRotation(func(chat.Secret) {
		first := false
		once.Do(func() { first = true })
		if first {
			close(rotated)
			<-held
		}
	})
	return rotated, sync.OnceFunc(func() { close(held) })
}

// TestAnswerAfterTheLease: the provider has rotated and takes longer with its answer than the lease. Another process asks
// with the spent token and has the grant voided; what the first was given is kept all the same when it comes, since
// the row holds what it was asked with.
func TestAnswerAfterTheLease(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 2, 5*time.Minute)
	rotated, release := g.holdAnswer()
	defer release()
	ended := g.asking(g.all[0])
	<-rotated
	g.timePasses()
	g.asking(g.all[1])()
	g.want("REAUTH_REQUIRED v1 RESPONSE_LOST INVALID_GRANT")
	release()
	ended()
	g.want("ACTIVE v2")
	if got := g.retrieves(g.stored); got != "acme-access-canary-2" {
		t.Errorf("what was given in the end: %s", got)
	}
	storetest.Exec(t, g.store, `UPDATE cloakroom.vault_tokens SET refresh_after = now() - interval '1 second'`)
	g.tends()
	g.want("REAUTH_REQUIRED v2 REVOKED_OR_REUSED INVALID_GRANT")
}

// TestQuestionAfterTheLease: the first question is still on its way when another process asks and is answered. The first
// is refused then, and uses what the other was given.
func TestQuestionAfterTheLease(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 2, 5*time.Minute)
	held := make(chan struct{})
	release := sync.OnceFunc(func() { close(held) })
	defer release()
	g.provider.Script(providertest.Hang(held))
	ended := g.asking(g.all[0])
	g.eventually("the first has asked", func() bool {
		return storetest.Value[int64](t, g.store, `SELECT count(*) FROM cloakroom.vault_token_refreshes`) == 1
	})
	g.eventually("the other has refreshed it", func() bool {
		g.timePasses()
		g.asking(g.all[1])()
		return g.row().Version == 2
	})
	release()
	ended()
	g.want("ACTIVE v2")
	if n := g.audited(chat.VaultTokenReauth); n != 0 {
		t.Errorf("it was given up %d times", n)
	}
}

// TestMeanwhile: what a person does while a provider is asked stands, and what the provider gives then is not lost sight of.
func TestMeanwhile(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		do      func(g *grantTest)
		stands  string
		revoked bool // the grant that nobody keeps
	}{
		"stored anew": {func(g *grantTest) { g.stores(g.stored) }, "ACTIVE v2", false},
		"revoked": {func(g *grantTest) {
			storetest.Exec(g.t, g.store, `UPDATE cloakroom.vault_tokens SET state = 'REVOKED', key_id = 0, token_sealed = '', lineage = ''`)
		}, "REVOKED v1", true},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newGrantTest(t, 1, 5*time.Minute)
			rotated, release := g.holdAnswer()
			defer release()
			ended := g.asking(g.replica)
			<-rotated
			c.do(g)
			release()
			ended()
			g.want(c.stands)
			if got := storetest.Value[string](t, g.store, `SELECT string_agg(outcome, ' ') FROM cloakroom.vault_token_refreshes`); got != store.RefreshSuperseded {
				t.Errorf("outcome: %s", got)
			}
			if n := g.audited(chat.VaultTokenRefreshed); n != 1 {
				t.Errorf("%d entries say what became of the answer", n)
			}
			if revoked := g.provider.Revoked(); (len(revoked) == 1 && revoked[0].Reveal() == "acme-refresh-canary-2") != c.revoked {
				t.Errorf("revoked at the provider: %d", len(revoked))
			}
		})
	}
}

// TestWhereAGrantBelongs: the place of what it was asked with is its own, and so is that of an older answer to the same
// question; any other credential stays.
func TestWhereAGrantBelongs(t *testing.T) {
	t.Parallel()
	now := time.Now()
	g := &grant{Parent: []byte("parent"), IssuedAt: now}
	row := func(state chat.VaultTokenState, lineage, parent string, rotated time.Duration) *store.VaultTokenRow {
		return &store.VaultTokenRow{VaultToken: chat.VaultToken{State: state, RotatedAt: now.Add(rotated)}, Lineage: []byte(lineage), Parent: []byte(parent)}
	}
	for name, c := range map[string]struct {
		row  *store.VaultTokenRow
		want bool
	}{
		"what it was asked with":                 {row(chat.TokenActive, "parent", "", -time.Hour), true},
		"what it was asked with, given up since": {row(chat.TokenReauth, "parent", "", -time.Hour), true},
		"an older answer":                        {row(chat.TokenActive, "child", "parent", -time.Second), true},
		"a later answer":                         {row(chat.TokenActive, "child", "parent", time.Second), false},
		"an answer of the same moment":           {row(chat.TokenActive, "child", "parent", 0), false},
		"what the answer was asked with since":   {row(chat.TokenActive, "grandchild", "child", -time.Second), false},
		"what was stored since":                  {row(chat.TokenActive, "other", "", -time.Second), false},
		"what was revoked":                       {row(chat.TokenGone, "", "", -time.Second), false},
		"what was revoked by an older release":   {row(chat.TokenGone, "parent", "", -time.Second), false},
	} {
		if got := g.belongs(c.row); got != c.want {
			t.Errorf("%s: %v", name, got)
		}
	}
	if (&grant{IssuedAt: now}).belongs(row(chat.TokenActive, "other", "", -time.Second)) {
		t.Error("a grant of no parent goes where a credential was stored")
	}
}

// TestClocksDoNotMatter puts the database's clock two minutes before this machine's, and behind: replicas differ by as
// much, and what is expired, due, leased or to rest is what the database says.
func TestClocksDoNotMatter(t *testing.T) {
	t.Parallel()
	for _, skew := range []string{"2 minutes", "-2 minutes"} {
		t.Run(skew, func(t *testing.T) {
			t.Parallel()
			g := &grantTest{provider: providertest.New(t)}
			for _, s := range storetest.WithClock(t, skew, 2) {
				r := newReplica(t, s, nil)
				r.Providers = g.provider.Providers()
				g.all = append(g.all, r)
			}
			g.replica = g.all[0]
			g.stored = TokenStored{AccountID: 1, Provider: providertest.Name, Subject: "hook/5", Kind: chat.OAuth2Token, Credential: g.provider.Grant()}
			g.storeFor(time.Minute) // expired or not by this machine's clock
			g.provider.Script(providertest.Limited("60"))
			if got := g.retrieves(g.stored); got != "acme-access-canary-1" {
				t.Errorf("a minute before it expires: %s", got)
			}
			g.Settle()
			if rest := g.rest(); rest > time.Minute || rest < 40*time.Second {
				t.Errorf("it rests for %v, want a minute", rest)
			}
			g.all[1].retrieves(g.stored)
			g.all[1].Settle()
			if n := len(g.provider.Calls()); n != 1 {
				t.Errorf("asked %d times before the minute was over", n)
			}
			g.timePasses()
			g.asking(g.all[1])()
			g.want("ACTIVE v2")
			if left := time.Duration(storetest.Value[float64](t, g.store, `SELECT extract(epoch FROM expires_at - clock_timestamp())::float8 FROM cloakroom.vault_tokens`) * 1e9); left > time.Hour || left < 59*time.Minute {
				t.Errorf("the new token expires in %v by the database's clock", left)
			}
		})
	}
}

// TestStopping: the end of a process waits for the answer that is under way, and no other is asked for.
func TestStopping(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, 5*time.Minute)
	rotated, release := g.holdAnswer()
	defer release()
	ctx, gone := context.WithCancel(t.Context())
	row, err := g.store.FindVaultToken(ctx, g.stored.AccountID, g.stored.Provider, g.stored.Subject)
	if err != nil {
		t.Fatal(err)
	}
	f := g.startRefresh(ctx, row)
	<-rotated
	gone() // and with it whoever has asked first
	g.StopRefreshing()
	settled := make(chan struct{})
	go func() { g.Settle(); close(settled) }()
	release()
	<-settled
	if f.err != nil {
		t.Error(f.err)
	}
	g.want("ACTIVE v2")
	if _, err := g.RefreshToken(t.Context(), g.stored.AccountID, g.stored.Provider, g.stored.Subject); chat.CodeOf(err) != chat.Conflict || strings.Contains(err.Error(), "canary") {
		t.Errorf("after it: %v", err)
	}
	g.onceEach()
}
