package auth

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// TestRefusedTokens: whoever presents a service token that is void is told of by its id, and by none where it was never
// given out; a good one is not.
func TestRefusedTokens(t *testing.T) {
	t.Parallel()
	var told []string
	a, s, c := newRoom(t, OnRefused(func(_ context.Context, id string) { told = append(told, id) }))
	good := createToken(t, s, nil)
	id, _, _ := parseToken(good)
	expired := createToken(t, s, func(r *chat.ServiceToken) { r.ExpiresAt = c.now().Add(-time.Second) })
	expiredID, _, _ := parseToken(expired)
	foreign, _, err := NewServiceToken(pepper, EnvTest, "never kept", []chat.Scope{chat.ScopeAuditRead}, []int64{1}, 0)
	if err != nil {
		t.Fatal(err)
	}
	_, other, _ := parseToken(foreign)
	for _, token := range []string{good, expired, foreign, formatToken(EnvTest, id, other), tokenPrefix + "junk"} {
		isService(t, a, token)
	}
	if want := []string{expiredID, "", id, ""}; !slices.Equal(told, want) {
		t.Errorf("told of %q, want %q", told, want)
	}
}
