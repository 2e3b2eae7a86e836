package keyring

import (
	"bytes"
	"compress/zlib"
	"crypto/aes"
	"crypto/cipher"
	"crypto/pbkdf2"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"hash"
	"io"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
)

// RailsKeys open what Active Record Encryption has written into columns of Chatwoot's: they open, and seal nothing. nil
// opens nothing.
type RailsKeys struct{ ciphers []cipher.AEAD }

// ErrNoRailsKeys is a value that Rails has sealed, where there are no keys of Rails'.
var ErrNoRailsKeys = errors.New("sealed by Rails, and RAILS_ENCRYPTION_KEYS names no keys")

// The parameters of Rails: https://guides.rubyonrails.org/active_record_encryption.html and ActiveSupport::KeyGenerator.
const (
	railsIterations = 1 << 16
	railsKeySize    = 32
	railsTagSize    = 16
	railsNonceSize  = 12
)

// maxRailsText bounds what a compressed message becomes, and what is read of one: more than any credential has.
const maxRailsText = 1 << 20

// Rails before 7.1 derived keys with SHA-1 alone, and Chatwoot has kept its settings of then.
var railsDigests = map[string]func() hash.Hash{"SHA1": sha1.New, "SHA256": sha256.New}

// railsSettings are Rails' own, by its names.
type railsSettings struct {
	PrimaryKey        railsPasswords `json:"primary_key"`
	DeterministicKey  string         `json:"deterministic_key"`
	KeyDerivationSalt string         `json:"key_derivation_salt"`
	HashDigest        string         `json:"hash_digest"`
}

// railsPasswords is one, or a list of those that came one after the other.
type railsPasswords []string

// UnmarshalJSON reads either.
func (p *railsPasswords) UnmarshalJSON(b []byte) error {
	var one string
	if json.Unmarshal(b, &one) == nil {
		*p = railsPasswords{one}
		return nil
	}
	return json.Unmarshal(b, (*[]string)(p))
}

// OpenRailsKeys reads keys from a file that nobody but its owner may read: a JSON object with primary_key, which is a text
// or a list of texts, deterministic_key, key_derivation_salt, and hash_digest, SHA1 or SHA256, both of which are tried when
// it is left out. Without a path it gives nil. Its error names the file and the field, and no value.
func OpenRailsKeys(path string) (*RailsKeys, error) {
	if path == "" {
		return nil, nil
	}
	text, err := readPrivate(path)
	if err != nil {
		return nil, fmt.Errorf("read the keys of Rails: %w", err)
	}
	k, err := readRailsKeys(text)
	if err != nil {
		return nil, fmt.Errorf("read the keys of Rails: %s: %w", path, err)
	}
	return k, nil
}

func readRailsKeys(text []byte) (*RailsKeys, error) {
	var s railsSettings
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	if decoder.Decode(&s) != nil || decoder.More() { // the decoder's error may quote the file
		return nil, errors.New("it is no JSON object of primary_key, deterministic_key, key_derivation_salt and hash_digest alone")
	}
	passwords := append([]string{s.DeterministicKey}, s.PrimaryKey...)
	if s.DeterministicKey == "" {
		passwords = s.PrimaryKey
	}
	switch _, known := railsDigests[s.HashDigest]; {
	case s.KeyDerivationSalt == "":
		return nil, errors.New("key_derivation_salt is missing")
	case len(passwords) == 0:
		return nil, errors.New("primary_key and deterministic_key are both missing")
	case s.HashDigest != "" && !known:
		return nil, errors.New("hash_digest must be SHA1 or SHA256")
	}
	k := new(RailsKeys)
	for _, password := range passwords {
		if password == "" {
			return nil, errors.New("primary_key holds an empty one")
		}
		for name, digest := range railsDigests {
			if s.HashDigest != "" && s.HashDigest != name {
				continue
			}
			aead, err := railsCipher(digest, password, s.KeyDerivationSalt)
			if err != nil {
				return nil, err
			}
			k.ciphers = append(k.ciphers, aead)
		}
	}
	return k, nil
}

func railsCipher(digest func() hash.Hash, password, salt string) (cipher.AEAD, error) {
	key, err := pbkdf2.Key(digest, password, []byte(salt), railsIterations, railsKeySize)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	defer clear(key)
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("derive a key: %w", err)
	}
	return cipher.NewGCM(block)
}

// railsMessage is what Active Record Encryption writes: JSON in which every text is in Base64.
type railsMessage struct {
	Payload *string `json:"p"`
	Headers *struct {
		Nonce      string          `json:"iv"`
		Tag        string          `json:"at"`
		Compressed bool            `json:"c"`
		DataKey    json.RawMessage `json:"k"` // of envelopes, which Chatwoot does not use
	} `json:"h"`
}

// RailsSealed says that a text is a message of Active Record Encryption's, whether it opens or not.
func RailsSealed(text string) bool {
	if len(text) == 0 || text[0] != '{' {
		return false
	}
	var m struct {
		Payload *json.RawMessage            `json:"p"`
		Headers *map[string]json.RawMessage `json:"h"`
	}
	return json.Unmarshal([]byte(text), &m) == nil && m.Payload != nil && m.Headers != nil
}

// Open gives what a column of Chatwoot's holds: a text that Rails has not sealed as it is. Its error wraps ErrNoRailsKeys
// without keys, and chat.ErrUnreadable whatever else the cause.
func (k *RailsKeys) Open(text chat.Secret) (chat.Secret, error) {
	if !RailsSealed(text.Reveal()) {
		return text, nil
	}
	if k == nil {
		return "", ErrNoRailsKeys
	}
	if len(text) > maxRailsText {
		return "", chat.ErrUnreadable
	}
	var m railsMessage
	if json.Unmarshal([]byte(text.Reveal()), &m) != nil || m.Headers == nil || m.Payload == nil || m.Headers.DataKey != nil {
		return "", chat.ErrUnreadable
	}
	nonce, sealed, ok := m.parts()
	if !ok {
		return "", chat.ErrUnreadable
	}
	for _, c := range k.ciphers {
		if plaintext, err := c.Open(nil, nonce, sealed, nil); err == nil {
			return railsText(plaintext, m.Headers.Compressed)
		}
	}
	return "", chat.ErrUnreadable
}

// parts gives the nonce, and the ciphertext with the tag behind it, as Go's GCM wants them.
func (m *railsMessage) parts() (nonce, sealed []byte, ok bool) {
	nonce, err := base64.StdEncoding.Strict().DecodeString(m.Headers.Nonce)
	tag, tagErr := base64.StdEncoding.Strict().DecodeString(m.Headers.Tag)
	sealed, payloadErr := base64.StdEncoding.Strict().DecodeString(*m.Payload)
	ok = err == nil && tagErr == nil && payloadErr == nil && len(nonce) == railsNonceSize && len(tag) == railsTagSize
	return nonce, append(sealed, tag...), ok
}

func railsText(plaintext []byte, compressed bool) (chat.Secret, error) {
	if compressed {
		from, err := zlib.NewReader(bytes.NewReader(plaintext))
		if err != nil {
			return "", chat.ErrUnreadable
		}
		if plaintext, err = io.ReadAll(io.LimitReader(from, maxRailsText+1)); err != nil || len(plaintext) > maxRailsText {
			return "", chat.ErrUnreadable
		}
	}
	if !utf8.Valid(plaintext) {
		return "", chat.ErrUnreadable
	}
	return chat.Secret(plaintext), nil
}
