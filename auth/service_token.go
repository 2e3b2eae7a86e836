package auth

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"hash/crc32"
	"math/big"
	"slices"
	"strings"
	"sync/atomic"
	"time"
	"unicode"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// A service token reads cloak_<env>_svc_<id>_<secret><crc>. The prefix lets secret scanners find it, the
// checksum refuses typing errors and scanner noise before the database is asked.
const (
	tokenPrefix = "cloak_"
	tokenKind   = "_svc_"

	idLength     = 8  // of 0-9 and a-z
	secretLength = 43 // 32 random bytes in base 62
	crcLength    = 6  // CRC-32 (IEEE) of everything before it, in base 62
	tokenLength  = len(tokenPrefix) + 4 + len(tokenKind) + idLength + 1 + secretLength + crcLength
)

// The environments of a token: EnvTest for demo and staging, so that a live one stands out where it leaks.
const (
	EnvLive = "live"
	EnvTest = "test"
)

// Lifetimes of service tokens.
const (
	DefaultLifetime = 90 * 24 * time.Hour
	MaxLifetime     = 365 * 24 * time.Hour
)

const maxTokenName = 100 // bytes

// NewServiceToken makes a token and the row that is kept of it, which holds only a keyed hash of the secret.
// The token is shown once and nowhere kept. lifetime 0 is DefaultLifetime. The error is INVALID and names
// what is wrong with the request.
func NewServiceToken(pepper []byte, env, name string, scopes []chat.Scope, accounts []int64, lifetime time.Duration) (token string, row chat.ServiceToken, err error) {
	if lifetime == 0 {
		lifetime = DefaultLifetime
	}
	if err := checkRequest(env, name, scopes, accounts, lifetime); err != nil {
		return "", chat.ServiceToken{}, err
	}
	var raw [32]byte
	_, _ = rand.Read(raw[:]) // never fails (crypto/rand)
	id, secret := strings.ToLower(rand.Text()[:idLength]), base62(new(big.Int).SetBytes(raw[:]), secretLength)
	now := time.Now().UTC().Truncate(time.Second)
	return formatToken(env, id, secret), chat.ServiceToken{
		ID: id, Name: name, SecretHash: hashSecret(pepper, secret),
		Scopes: unique(scopes), AccountIDs: unique(accounts), CreatedAt: now, ExpiresAt: now.Add(lifetime),
	}, nil
}

func checkRequest(env, name string, scopes []chat.Scope, accounts []int64, lifetime time.Duration) error {
	switch {
	case env != EnvLive && env != EnvTest:
		return chat.InvalidField("env", "must be live or test")
	case strings.TrimSpace(name) == "" || len(name) > maxTokenName || strings.ContainsFunc(name, unicode.IsControl) || !storable(name):
		return chat.InvalidField("name", "must be 1 to %d bytes of text on one line", maxTokenName)
	case len(scopes) == 0:
		return chat.InvalidField("scope", "at least one is needed")
	case slices.ContainsFunc(scopes, func(s chat.Scope) bool { return !slices.Contains(chat.Scopes, s) }):
		return chat.InvalidField("scope", "must be one of %s", joinScopes(chat.Scopes))
	case len(accounts) == 0 || slices.Min(accounts) < 1:
		return chat.InvalidField("account", "at least one is needed, as a number from 1 up")
	case lifetime < time.Minute || lifetime > MaxLifetime:
		return chat.InvalidField("expires", "must lie between a minute and 365 days")
	}
	return nil
}

func joinScopes(scopes []chat.Scope) string {
	words := make([]string, len(scopes))
	for i, s := range scopes {
		words[i] = string(s)
	}
	return strings.Join(words, ", ")
}

// unique keeps the first of each, in order.
func unique[T comparable](list []T) []T {
	var out []T
	for _, v := range list {
		if !slices.Contains(out, v) {
			out = append(out, v)
		}
	}
	return out
}

func formatToken(env, id, secret string) string {
	body := tokenPrefix + env + tokenKind + id + "_" + secret
	return body + checksum(body)
}

// parseToken takes a token apart; ok is false unless every character is as NewServiceToken would write it.
func parseToken(token string) (id, secret string, ok bool) {
	if len(token) != tokenLength {
		return "", "", false
	}
	body := token[:tokenLength-crcLength]
	if checksum(body) != token[len(body):] {
		return "", "", false
	}
	env := body[len(tokenPrefix):][:4]
	rest := body[len(tokenPrefix)+len(env):]
	id = rest[len(tokenKind):][:idLength]
	secret = rest[len(tokenKind)+idLength+1:]
	ok = (env == EnvLive || env == EnvTest) && body == tokenPrefix+env+tokenKind+id+"_"+secret &&
		strings.Trim(id, "0123456789abcdefghijklmnopqrstuvwxyz") == "" && strings.Trim(secret, base62Digits) == ""
	return id, secret, ok
}

const base62Digits = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ" // as math/big has them

func base62(n *big.Int, width int) string {
	digits := n.Text(62)
	return strings.Repeat("0", width-len(digits)) + digits
}

func checksum(body string) string {
	return base62(new(big.Int).SetUint64(uint64(crc32.ChecksumIEEE([]byte(body)))), crcLength)
}

func hashSecret(pepper []byte, secret string) []byte {
	mac := hmac.New(sha256.New, pepper)
	mac.Write([]byte(secret))
	return mac.Sum(nil)
}

// service is a token as it is remembered, with the viewer it stands for.
type service struct {
	token   *store.ServiceTokenRow
	viewer  *chat.Viewer
	touched atomic.Bool
}

// service checks a service token. An unknown id costs the same comparison as a wrong secret.
func (a *Authenticator) service(ctx context.Context, token string) (*chat.Viewer, error) {
	id, secret, ok := parseToken(token)
	if !ok {
		a.onRefused(ctx, "")
		return nil, chat.ErrUnauthenticated
	}
	known, err := a.services.get(ctx, id, func(ctx context.Context) (*service, error) { return a.loadService(ctx, id) })
	if err != nil && !errors.Is(err, chat.ErrNotFound) {
		return nil, refusal("look up a service token", err)
	}
	stored := make([]byte, sha256.Size)
	if err == nil {
		stored = known.token.SecretHash
	}
	right := hmac.Equal(hashSecret(a.pepper, secret), stored)
	switch {
	case err != nil:
		a.onRefused(ctx, "")
		return nil, chat.ErrUnauthenticated
	case !right || !known.token.Active(a.now()):
		a.onRefused(ctx, id)
		return nil, chat.ErrUnauthenticated
	}
	a.touch(ctx, known)
	return known.viewer, nil
}

func (a *Authenticator) loadService(ctx context.Context, id string) (*service, error) {
	readAt := a.now()
	row, err := a.store.FindServiceToken(ctx, id)
	if err != nil {
		return nil, err
	}
	accounts := make([]chat.Account, 0, len(row.Accounts))
	ids := make([]int64, 0, len(row.Accounts))
	for _, account := range row.Accounts {
		if account.Active {
			accounts, ids = append(accounts, account.Account), append(ids, account.ID)
		}
	}
	policy, state := a.policy(ctx, 0, ids)
	for i := range accounts {
		accounts[i].Settings = policy.Settings[accounts[i].ID]
	}
	v := &chat.Viewer{
		Service: &chat.Service{TokenID: row.ID, Name: row.Name, Scopes: row.Scopes, Accounts: accounts, Documents: row.Documents},
		Policy:  state, ReadAt: readAt,
	}
	return &service{token: row, viewer: v}, nil
}

// touch notes the minute of use. A token is good even where that cannot be written, such as on a replica
// that only reads.
func (a *Authenticator) touch(ctx context.Context, s *service) {
	minute := a.now().UTC().Truncate(time.Minute)
	if last := s.token.LastUsedAt; last != nil && !last.Before(minute) || !s.touched.CompareAndSwap(false, true) {
		return
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	if err := a.store.TouchServiceToken(ctx, s.token.ID, minute); err != nil {
		a.log.WarnContext(ctx, "the time of a service token's use was not noted", "token", s.token.ID, "error", err)
	}
}
