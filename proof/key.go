package proof

import (
	"crypto/ed25519"
	"crypto/rand"
	"encoding/base64"
	"errors"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/cloakroom/cloakroom/chat"
)

// NewKey makes a key that signs checkpoints: what is to be kept in a file, and its public half.
func NewKey() (private chat.Secret, verifier string, err error) {
	secret, verifier, err := note.GenerateKey(rand.Reader, KeyName)
	if err != nil {
		return "", "", errors.New("make a key that signs checkpoints: no randomness")
	}
	return chat.Secret(secret), verifier, nil
}

// verifierOf gives the public half of a key that note has read already: PRIVATE+KEY+name+hash+key, where the key is a
// byte for its kind and the seed.
func verifierOf(private chat.Secret) (string, error) {
	parts := strings.SplitN(strings.TrimSpace(private.Reveal()), "+", 5)
	seed, err := base64.StdEncoding.DecodeString(parts[len(parts)-1])
	if err != nil || len(parts) != 5 || len(seed) != 1+ed25519.SeedSize {
		return "", errors.New("read the key that signs checkpoints: it has another form than its name says")
	}
	public, ok := ed25519.NewKeyFromSeed(seed[1:]).Public().(ed25519.PublicKey)
	if !ok {
		return "", errors.New("read the key that signs checkpoints: it is not of Ed25519")
	}
	verifier, err := note.NewEd25519VerifierKey(parts[2], public)
	if err != nil {
		return "", errors.New("read the key that signs checkpoints: its public half cannot be written")
	}
	return verifier, nil
}
