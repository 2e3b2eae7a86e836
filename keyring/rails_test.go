package keyring

import (
	"bytes"
	"compress/zlib"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// railsVectors were made by Rails itself, as the file says: whatever the code becomes, it must go on to open them.
type railsVectors struct {
	PrimaryKey        []string `json:"primary_key"`
	DeterministicKey  string   `json:"deterministic_key"`
	KeyDerivationSalt string   `json:"key_derivation_salt"`
	Cases             []struct {
		Name, Digest, Plaintext, Message string
		Deterministic                    bool
	}
}

func loadRails(t testing.TB) (v railsVectors) {
	t.Helper()
	readJSON(t, filepath.Join("testdata", "rails.json"), &v)
	return v
}

// keys are those of the vectors with some fields replaced; nil takes a field away.
func (v railsVectors) keys(t testing.TB, change map[string]any) *RailsKeys {
	t.Helper()
	k, err := readRailsKeys(v.settings(t, change))
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func (v railsVectors) settings(t testing.TB, change map[string]any) []byte {
	t.Helper()
	fields := map[string]any{"primary_key": v.PrimaryKey, "deterministic_key": v.DeterministicKey, "key_derivation_salt": v.KeyDerivationSalt}
	for name, value := range change {
		fields[name] = value
		if value == nil {
			delete(fields, name)
		}
	}
	text, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestRailsMessagesOpen(t *testing.T) {
	t.Parallel()
	v := loadRails(t)
	whole := v.keys(t, nil)
	byDigest := map[string]*RailsKeys{"SHA1": v.keys(t, map[string]any{"hash_digest": "SHA1"}), "SHA256": v.keys(t, map[string]any{"hash_digest": "SHA256"})}
	first := v.keys(t, map[string]any{"primary_key": v.PrimaryKey[0], "deterministic_key": nil})
	other := v.keys(t, map[string]any{"key_derivation_salt": "another salt"})
	if len(v.Cases) < 40 {
		t.Fatalf("only %d cases", len(v.Cases))
	}
	for _, c := range v.Cases {
		if !RailsSealed(c.Message) {
			t.Errorf("%s, %s: not taken for sealed", c.Name, c.Digest)
		}
		for name, k := range map[string]*RailsKeys{"all keys": whole, "its digest": byDigest[c.Digest]} {
			if got, err := k.Open(chat.Secret(c.Message)); err != nil || got.Reveal() != c.Plaintext {
				t.Errorf("%s, %s, with %s: %q, %v", c.Name, c.Digest, name, got.Reveal(), err)
			}
		}
		wrong := map[string]*RailsKeys{"another salt": other, "the other digest": byDigest[map[string]string{"SHA1": "SHA256", "SHA256": "SHA1"}[c.Digest]]}
		if c.Deterministic || strings.Contains(c.Name, "key 2") {
			wrong["the first primary key"] = first
		}
		for name, k := range wrong {
			if got, err := k.Open(chat.Secret(c.Message)); !errors.Is(err, chat.ErrUnreadable) || got != "" {
				t.Errorf("%s, %s, with %s: %q, %v", c.Name, c.Digest, name, got.Reveal(), err)
			}
		}
		if got, err := (*RailsKeys)(nil).Open(chat.Secret(c.Message)); !errors.Is(err, ErrNoRailsKeys) || got != "" {
			t.Errorf("%s, without keys: %v", c.Name, err)
		}
	}
}

// TestRailsDeterministicNonce holds the frozen messages to what Rails publishes of them: the nonce is a keyed hash of the
// text, so that equal texts are equal when sealed.
func TestRailsDeterministicNonce(t *testing.T) {
	t.Parallel()
	v := loadRails(t)
	for _, c := range v.Cases {
		if !c.Deterministic || c.Digest != "SHA256" || strings.HasPrefix(c.Name, "compressed") {
			continue
		}
		key := railsKey(t, v.DeterministicKey, v.KeyDerivationSalt)
		mac := hmac.New(sha256.New, key)
		mac.Write([]byte(c.Plaintext))
		var m railsMessage
		if err := json.Unmarshal([]byte(c.Message), &m); err != nil {
			t.Fatal(err)
		}
		if want := base64.StdEncoding.EncodeToString(mac.Sum(nil)[:railsNonceSize]); m.Headers.Nonce != want {
			t.Errorf("%s: nonce %s, want %s", c.Name, m.Headers.Nonce, want)
		}
	}
}

func TestRailsMessagesThatDoNotOpen(t *testing.T) {
	t.Parallel()
	v := loadRails(t)
	k := v.keys(t, nil)
	var m map[string]any
	if err := json.Unmarshal([]byte(v.Cases[0].Message), &m); err != nil {
		t.Fatal(err)
	}
	headers, _ := m["h"].(map[string]any)
	written := func(payload any, change map[string]any) string {
		h := map[string]any{"iv": headers["iv"], "at": headers["at"]}
		for name, value := range change {
			h[name] = value
		}
		text, err := json.Marshal(map[string]any{"p": payload, "h": h})
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	if got, err := k.Open(chat.Secret(written(m["p"], nil))); err != nil || got == "" {
		t.Fatalf("as it was: %v", err)
	}
	payload, _ := m["p"].(string)
	for name, text := range map[string]string{
		"another payload":        written("A"+payload[1:], nil),
		"no Base64":              written("?"+payload[1:], nil),
		"a payload of no text":   written(1, nil),
		"no headers":             `{"p":"` + payload + `","h":{}}`,
		"a tag cut short":        written(payload, map[string]any{"at": "bBjS1EPrT6g="}),
		"a nonce cut short":      written(payload, map[string]any{"iv": "1s0k"}),
		"an envelope":            written(payload, map[string]any{"k": map[string]any{"p": "", "h": map[string]any{}}}),
		"compressed, and is not": written(payload, map[string]any{"c": true}),
		"c of another kind":      written(payload, map[string]any{"c": "yes"}),
		"too long":               written(strings.Repeat("A", maxRailsText), nil),
		"nothing but names":      `{"p":1,"h":{"iv":1}}`,
	} {
		if got, err := k.Open(chat.Secret(text)); !errors.Is(err, chat.ErrUnreadable) || got != "" || err.Error() != chat.ErrUnreadable.Error() {
			t.Errorf("%s: %q, %v", name, got.Reveal(), err)
		}
	}
	for _, text := range []string{"", "xoxb-1", `{"p":"x"}`, `{"type":"service_account","private_key":"x"}`, `{"p":`, `["p","h"]`, `{"h":{}}`, " {"} {
		if got, err := k.Open(chat.Secret(text)); err != nil || got.Reveal() != text {
			t.Errorf("%q is no message of Rails', and came back as %q, %v", text, got.Reveal(), err)
		}
	}
}

// sealAsRails makes a message that no Rails would.
func sealAsRails(t testing.TB, v railsVectors, plaintext []byte, compressed bool) chat.Secret {
	t.Helper()
	c, err := railsCipher(sha256.New, v.PrimaryKey[0], v.KeyDerivationSalt)
	if err != nil {
		t.Fatal(err)
	}
	nonce := make([]byte, railsNonceSize)
	_, _ = rand.Read(nonce) // never fails
	sealed := c.Seal(nil, nonce, plaintext, nil)
	body, tag := sealed[:len(plaintext)], sealed[len(plaintext):]
	text, err := json.Marshal(map[string]any{"p": body, "h": map[string]any{"iv": nonce, "at": tag, "c": compressed}})
	if err != nil {
		t.Fatal(err)
	}
	return chat.Secret(text)
}

// TestRailsMessagesAreBounded opens messages that are sealed well and hold what no credential is.
func TestRailsMessagesAreBounded(t *testing.T) {
	t.Parallel()
	v := loadRails(t)
	k := v.keys(t, nil)
	deflated := func(text string) []byte {
		var b bytes.Buffer
		w := zlib.NewWriter(&b)
		_, writeErr := w.Write([]byte(text))
		if err := errors.Join(writeErr, w.Close()); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	most := strings.Repeat("a", maxRailsText)
	if got, err := k.Open(sealAsRails(t, v, deflated(most), true)); err != nil || got.Reveal() != most {
		t.Errorf("as long as may be: %d bytes, %v", len(got), err)
	}
	cut := deflated(most)
	for name, sealed := range map[string]chat.Secret{
		"longer": sealAsRails(t, v, deflated(most+"a"), true), "cut": sealAsRails(t, v, cut[:len(cut)-1], true), "no text": sealAsRails(t, v, []byte{0xff}, false),
	} {
		if got, err := k.Open(sealed); !errors.Is(err, chat.ErrUnreadable) || got != "" {
			t.Errorf("%s: %d bytes, %v", name, len(got), err)
		}
	}
}

func TestRailsKeysAreRead(t *testing.T) {
	t.Parallel()
	v := loadRails(t)
	for name, c := range map[string]struct {
		change map[string]any
		want   string
	}{
		"no salt":              {map[string]any{"key_derivation_salt": nil}, "key_derivation_salt is missing"},
		"no keys":              {map[string]any{"primary_key": nil, "deterministic_key": nil}, "primary_key and deterministic_key are both missing"},
		"an empty key":         {map[string]any{"primary_key": []string{""}}, "primary_key holds an empty one"},
		"an unknown digest":    {map[string]any{"hash_digest": "MD5-canary"}, "hash_digest must be SHA1 or SHA256"},
		"an unknown field":     {map[string]any{"canary_key": "x"}, "it is no JSON object of primary_key, deterministic_key, key_derivation_salt and hash_digest alone"},
		"a key that is no key": {map[string]any{"primary_key": 7}, "it is no JSON object of primary_key, deterministic_key, key_derivation_salt and hash_digest alone"},
	} {
		path := filepath.Join(t.TempDir(), "rails.json")
		if err := os.WriteFile(path, v.settings(t, c.change), 0o600); err != nil {
			t.Fatal(err)
		}
		k, err := OpenRailsKeys(path)
		if want := "read the keys of Rails: " + path + ": " + c.want; k != nil || err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
		if err := os.Chmod(path, 0o640); err != nil {
			t.Fatal(err)
		}
		if k, err := OpenRailsKeys(path); k != nil || err == nil || !strings.Contains(err.Error(), "its mode is 0640") {
			t.Errorf("%s, which others may read: %v", name, err)
		}
	}
	if k, err := OpenRailsKeys(""); k != nil || err != nil {
		t.Errorf("no path: %v, %v", k, err)
	}
	if k, err := OpenRailsKeys(filepath.Join(t.TempDir(), "nowhere")); k != nil || !errors.Is(err, os.ErrNotExist) {
		t.Errorf("no file: %v, %v", k, err)
	}
}

// FuzzRails holds the decoder to this: what it gives is what came in, because Rails did not seal it, or one of the texts
// that Rails has sealed.
func FuzzRails(f *testing.F) {
	v := loadRails(f)
	k := v.keys(f, nil)
	known := make(map[string]bool)
	for _, c := range v.Cases {
		known[c.Plaintext] = true
		f.Add(c.Message)
	}
	f.Add(`{"p":"","h":{"iv":"","at":"","c":true,"e":"QVNDSUk=","i":"MDAwMA=="}}`)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := k.Open(chat.Secret(text))
		switch sealed := RailsSealed(text); {
		case !sealed && (err != nil || got.Reveal() != text):
			t.Errorf("%q, which is not sealed, came back as %q, %v", text, got.Reveal(), err)
		case sealed && err != nil && (!errors.Is(err, chat.ErrUnreadable) || got != ""):
			t.Errorf("%q gave %q and error %v", text, got.Reveal(), err)
		case sealed && err == nil && !known[got.Reveal()]:
			t.Errorf("%q opened, and Rails has not sealed it", text)
		}
	})
}

func railsKey(t *testing.T, password, salt string) []byte {
	t.Helper()
	key, err := pbkdf2.Key(sha256.New, password, []byte(salt), railsIterations, railsKeySize)
	if err != nil {
		t.Fatal(err)
	}
	return key
}
