package provider_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider"
	"github.com/cloakroom/cloakroom/provider/providertest"
)

func refresh(t *testing.T, p *provider.Providers, token chat.Secret) (*provider.Grant, *provider.Failure) {
	t.Helper()
	grant, err := p.Refresh(t.Context(), providertest.Name, "user/7", token)
	var failure *provider.Failure
	if err != nil && !errors.As(err, &failure) {
		t.Fatalf("an error of type %T came", err)
	}
	if (grant == nil) == (failure == nil) {
		t.Fatalf("grant %v and failure %v", grant, failure)
	}
	if failure != nil && strings.Contains(fmt.Sprintf("%v %+v %#v", failure, failure, failure), "canary") {
		t.Errorf("an error holds what the provider said: %v", failure)
	}
	return grant, failure
}

func TestTokensAreRotated(t *testing.T) {
	t.Parallel()
	server := providertest.New(t)
	p := server.Providers()
	first := server.Grant()
	grant, failure := refresh(t, p, first.Refresh)
	if failure != nil {
		t.Fatal(failure)
	}
	if !server.Good(grant.Access) || grant.Refresh == "" || grant.Refresh == first.Refresh || grant.Refresh != server.Current(first.Refresh) {
		t.Error("the grant is not what the server gave")
	}
	if grant.TokenType != "Bearer" || grant.ExpiresIn != time.Hour || !cmp.Equal(grant.Scopes, []string{"read", "write"}) {
		t.Errorf("the grant has type %s, scopes %v and lives for %s", grant.TokenType, grant.Scopes, grant.ExpiresIn)
	}
	if _, failure = refresh(t, p, first.Refresh); failure == nil || failure.Reason != provider.InvalidGrant || failure.Status != 400 || !failure.Sent {
		t.Errorf("a spent token: %v", failure)
	}
	if server.Good(grant.Access) || server.Current(grant.Refresh) != "" || server.Reused() != 1 {
		t.Error("the server has not voided a grant whose token was presented twice")
	}
}
