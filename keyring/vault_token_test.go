package keyring

import (
	"encoding/binary"
	"encoding/hex"
	"path/filepath"
	"testing"
	"time"

	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"

	"github.com/cloakroom/cloakroom/chat"
)

var shopPlace = TokenPlace{Row: 7, Version: 2, Provider: "shopify", Subject: "acme.myshopify.com", Kind: chat.OAuth2Token,
	ExpiresAt: time.Date(2026, 3, 1, 12, 0, 0, 500_000, time.UTC), RotatedAt: time.Date(2026, 3, 1, 11, 0, 0, 1000, time.UTC)}

// openVaultContext opens what was frozen before tokens had a place: nothing was ever kept so, but the layout is the same.
func openVaultContext(a *Account, context string, sealed []byte) ([]byte, error) {
	return a.openShort(a.vault, kindToken, Place{}, 0, []byte(context), sealed)
}

// otherPlaces are what a credential must not open as: every part of its place changed on its own, and texts that run
// into one another.
func otherPlaces() map[string]TokenPlace {
	places := make(map[string]TokenPlace)
	for name, change := range map[string]func(p *TokenPlace){
		"row":                         func(p *TokenPlace) { p.Row = 8 },
		"row, highest byte":           func(p *TokenPlace) { p.Row |= 1 << 56 },
		"earlier version":             func(p *TokenPlace) { p.Version = 1 },
		"later version":               func(p *TokenPlace) { p.Version = 3 },
		"provider":                    func(p *TokenPlace) { p.Provider = "slack" },
		"no provider":                 func(p *TokenPlace) { p.Provider = "" },
		"subject":                     func(p *TokenPlace) { p.Subject = "other.myshopify.com" },
		"provider longer by a letter": func(p *TokenPlace) { p.Provider, p.Subject = "shopifya", "cme.myshopify.com" },
		"kind":                        func(p *TokenPlace) { p.Kind = chat.StaticToken },
		"subject longer by the kind":  func(p *TokenPlace) { p.Subject, p.Kind = "acme.myshopify.comOAUTH2", "" },
		"later expiry":                func(p *TokenPlace) { p.ExpiresAt = p.ExpiresAt.Add(time.Microsecond) },
		"no expiry":                   func(p *TokenPlace) { p.ExpiresAt = time.Time{} },
		"earlier rotation":            func(p *TokenPlace) { p.RotatedAt = p.RotatedAt.Add(-time.Microsecond) },
		"no rotation":                 func(p *TokenPlace) { p.RotatedAt = time.Time{} },
		"times that have changed places": func(p *TokenPlace) {
			p.ExpiresAt, p.RotatedAt = p.RotatedAt, p.ExpiresAt
		},
		"one time in place of the other": func(p *TokenPlace) { p.ExpiresAt, p.RotatedAt = time.Time{}, p.ExpiresAt },
	} {
		p := shopPlace
		change(&p)
		places[name] = p
	}
	return places
}

func TestTokensAreBoundToTheirPlace(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	a, other := mustAccount(t, k, 1), mustAccount(t, k, 2)
	sealed, err := a.SealToken(shopPlace, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	same := shopPlace
	same.ExpiresAt, same.RotatedAt = same.ExpiresAt.In(time.FixedZone("", 7200)), same.RotatedAt.Add(999) // what is less than a microsecond is not kept
	if got, err := a.OpenToken(same, sealed); err != nil || string(got) != "secret" {
		t.Errorf("at the same place: %q, %v", got, err)
	}
	for name, p := range otherPlaces() {
		refuse(t, "another place, "+name, sealed, func(b []byte) ([]byte, error) { return a.OpenToken(p, b) })
	}
	refuse(t, "another account", sealed, func(b []byte) ([]byte, error) { return other.OpenToken(shopPlace, b) })
	refuse(t, "a value", sealed, func(b []byte) ([]byte, error) { return a.Open(emailPlace, b) })
	never := shopPlace
	never.ExpiresAt = time.Time{}
	if sealed, err = a.SealToken(never, []byte("secret")); err != nil {
		t.Fatal(err)
	}
	if got, err := a.OpenToken(never, sealed); err != nil || string(got) != "secret" {
		t.Errorf("without an expiry: %q, %v", got, err)
	}
	refuse(t, "an expiry that it had not", sealed, func(b []byte) ([]byte, error) { return a.OpenToken(shopPlace, b) })
}

func TestSealTokenRefusesPlacesThatCannotBe(t *testing.T) {
	t.Parallel()
	a := mustAccount(t, newKeyring(t, &memory{}), 1)
	for name, change := range map[string]func(p *TokenPlace){
		"no row": func(p *TokenPlace) { p.Row = 0 }, "no version": func(p *TokenPlace) { p.Version = 0 }, "no provider": func(p *TokenPlace) { p.Provider = "" },
		"no subject": func(p *TokenPlace) { p.Subject = "" }, "no kind": func(p *TokenPlace) { p.Kind = "" }, "no time": func(p *TokenPlace) { p.RotatedAt = time.Time{} },
	} {
		p := shopPlace
		change(&p)
		if b, err := a.SealToken(p, []byte("x")); err == nil || b != nil {
			t.Errorf("%s: sealed", name)
		}
	}
}

// vaultCase is one frozen credential, under the keysets of vectors.json.
type vaultCase struct {
	Account   int64
	Place     TokenPlace
	Plaintext string
	AAD       string // of generation 1, in hexadecimal
	Sealed    []byte
}

func makeVaultCases(t *testing.T, k *Keyring) (cases []vaultCase) {
	t.Helper()
	static := TokenPlace{Row: 1, Version: 1, Provider: "openai", Subject: "hook/5", Kind: chat.StaticToken, RotatedAt: shopPlace.RotatedAt}
	for _, account := range []int64{1, 2} {
		a := mustAccount(t, k, account)
		for _, p := range []TokenPlace{shopPlace, static} {
			for _, plaintext := range []string{"", `{"access":"at-1","refresh":"rt-1"}`} {
				sealed, err := a.SealToken(p, []byte(plaintext))
				if err != nil {
					t.Fatal(err)
				}
				aad := hex.EncodeToString(a.shortAAD(kindToken, p.place(), 0, newHead(1), p.context()))
				cases = append(cases, vaultCase{account, p, plaintext, aad, sealed})
			}
		}
	}
	return cases
}

// TestVaultTokenVectors: whatever the code becomes, credentials that were sealed before open; also by the standard
// library alone, with associated data that is written out by hand.
func TestVaultTokenVectors(t *testing.T) {
	v, k := loadVectors(t)
	path := filepath.Join("testdata", "vaulttokens.json")
	if *freeze {
		writeOnce(t, path, makeVaultCases(t, k))
	}
	var cases []vaultCase
	readJSON(t, path, &cases)
	if len(cases) != 8 {
		t.Errorf("%d cases are frozen", len(cases))
	}
	for i, c := range cases {
		a := mustAccount(t, k, c.Account)
		got, err := a.OpenToken(c.Place, c.Sealed)
		if err != nil || string(got) != c.Plaintext {
			t.Errorf("credential %d: opened to %d bytes, error %v", i, len(got), err)
		}
		if aad := hex.EncodeToString(a.shortAAD(kindToken, c.Place.place(), 0, newHead(1), c.Place.context())); aad != c.AAD {
			t.Errorf("associated data %d is\n%s, want\n%s", i, aad, c.AAD)
		}
		refuseEveryMutation(t, c.Sealed, func(b []byte) ([]byte, error) { return a.OpenToken(c.Place, b) })
	}
	c := cases[1]
	aad := handAAD(kindToken, Place{TableVaultTokens, 0, 7, 2}, 0, 1)
	aad = append(aad, "\x00\x00\x00\x43\x00\x00\x00\x07shopify\x00\x00\x00\x12acme.myshopify.com\x00\x00\x00\x06OAUTH2"...)
	aad = binary.BigEndian.AppendUint64(append(aad, 0, 0, 0, 8), 1_772_366_400_000_500)
	aad = binary.BigEndian.AppendUint64(append(aad, 0, 0, 0, 8), 1_772_362_800_000_001)
	for _, ks := range v.Keysets {
		if ks.AccountID != 1 || ks.Purpose != chat.KeysetVault {
			continue
		}
		o, err := k.openKeyset(t.Context(), ks)
		if err != nil {
			t.Fatal(err)
		}
		entry, err := o.handle.Primary()
		if err != nil {
			t.Fatal(err)
		}
		key := entry.Key().(*aesgcm.Key).KeyBytes().Data(insecuresecretdataaccess.Token{})
		if got := openGCM(t, key, c.Sealed[shortHead+5:], aad); string(got) != c.Plaintext {
			t.Error("a credential opened to something else")
		}
	}
}

func FuzzVaultToken(f *testing.F) {
	_, k := loadVectors(f)
	a := mustAccount(f, k, 1)
	var cases []vaultCase
	readJSON(f, filepath.Join("testdata", "vaulttokens.json"), &cases)
	known := make(map[TokenPlace][][]byte)
	for _, c := range cases {
		p := c.Place
		f.Add(p.Row, p.Version, p.Provider, p.Subject, string(p.Kind), micros(p.ExpiresAt), p.RotatedAt.UnixMicro(), c.Sealed)
		if c.Account == 1 {
			known[p] = append(known[p], c.Sealed)
		}
	}
	f.Fuzz(func(t *testing.T, row, version int64, provider, subject, kind string, expires []byte, rotated int64, sealed []byte) {
		p := TokenPlace{Row: row, Version: version, Provider: provider, Subject: subject, Kind: chat.VaultTokenKind(kind), RotatedAt: time.UnixMicro(rotated).UTC()}
		if len(expires) == 8 {
			p.ExpiresAt = time.UnixMicro(int64(binary.BigEndian.Uint64(expires))).UTC()
		}
		fuzzOpen(t, known[p], sealed, func(b []byte) ([]byte, error) { return a.OpenToken(p, b) })
	})
}
