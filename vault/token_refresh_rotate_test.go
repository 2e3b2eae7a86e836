package vault

import (
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/provider/providertest"
)

// TestRotationDuringARefresh rotates an account's keys while a provider is asked: the rotation does not wait for the
// answer, and what is given then is sealed under the new keys.
func TestRotationDuringARefresh(t *testing.T) {
	t.Parallel()
	g := &grantTest{replica: newRotating(t), provider: providertest.New(t)}
	g.Providers = g.provider.Providers()
	g.stored = TokenStored{AccountID: schema.Acme, Provider: providertest.Name, Subject: "hook/5", Kind: chat.OAuth2Token, Credential: g.provider.Grant()}
	g.storeFor(5 * time.Minute)
	rotated, release := g.holdAnswer()
	defer release()
	ended := g.asking(g.replica)
	<-rotated
	if job := g.finish(g.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true})); job.State != chat.JobDone {
		t.Errorf("the job is %s", job.State)
	}
	if got := g.wrong(vaultSets); !strings.HasSuffix(got, "vault/2 is active") {
		t.Errorf("keysets are\n%s", got)
	}
	release()
	ended()
	g.want("ACTIVE v2")
	if got := g.retrieves(g.stored); got != "acme-access-canary-2" || g.vaultRows(2) != 1 {
		t.Errorf("after it: %s; %d rows name generation 2", got, g.vaultRows(2))
	}
	g.onceEach()
}
