package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/cloakroom/cloakroom/chat"
)

// Checkpoint says how an account's tree stood: a signed note in the form of C2SP's tlog-checkpoint, with one line more
// for its number and time.
type Checkpoint struct {
	AccountID int64
	Number    int64 // from 1
	Size      int64
	Root      Hash
	SignedAt  time.Time // in seconds
}

const (
	originPrefix = "cloakroom/"
	maxNote      = 4096 // bytes; ours have some 250
)

// Trusted are the public keys whose signatures count.
type Trusted = note.Verifiers

// ErrUntrusted says that a checkpoint bears no signature of a trusted key.
var ErrUntrusted = errors.New("no trusted key has signed it")

// text is what is signed.
func (c Checkpoint) text() string {
	return fmt.Sprintf("%s%d\n%d\n%s\ncheckpoint %d of %s\n", originPrefix, c.AccountID, c.Size,
		base64.StdEncoding.EncodeToString(c.Root[:]), c.Number, c.SignedAt.UTC().Format(time.RFC3339))
}

// Sign gives the note of a checkpoint.
func (k *Key) Sign(c Checkpoint) (string, error) {
	signed, err := note.Sign(&note.Note{Text: c.text()}, k.signer)
	if err != nil {
		return "", fmt.Errorf("sign checkpoint %d of account %d: %w", c.Number, c.AccountID, err)
	}
	return string(signed), nil
}

// OpenCheckpoint reads a note that one of the trusted keys has signed; ErrUntrusted when none has.
func OpenCheckpoint(text string, trusted Trusted) (Checkpoint, error) {
	if len(text) > maxNote {
		return Checkpoint{}, fmt.Errorf("read a checkpoint: %d bytes are no checkpoint", len(text))
	}
	opened, err := note.Open([]byte(text), trusted)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	if errors.As(err, &unverified) || errors.As(err, &invalid) {
		return Checkpoint{}, ErrUntrusted
	}
	if err != nil {
		return Checkpoint{}, errors.New("read a checkpoint: it is no signed note")
	}
	// A base64 text has spare bits at its end, which note.Open passes over: without this, two texts were one signature.
	for _, signature := range slices.Concat(opened.Sigs, opened.UnverifiedSigs) {
		if _, err := base64.StdEncoding.Strict().DecodeString(signature.Base64); err != nil {
			return Checkpoint{}, errors.New("read a checkpoint: its signature is not written as ours are")
		}
	}
	return parseCheckpoint(opened.Text)
}

// parseCheckpoint is strict: what it reads is written the same again.
func parseCheckpoint(text string) (c Checkpoint, err error) {
	lines := strings.Split(text, "\n")
	bad := errors.New("read a checkpoint: it is not written as ours are")
	if len(lines) != 5 || lines[4] != "" {
		return c, bad
	}
	origin, found := strings.CutPrefix(lines[0], originPrefix)
	account, err := strconv.ParseInt(origin, 10, 64)
	if !found || err != nil {
		return c, bad
	}
	size, err := strconv.ParseInt(lines[1], 10, 64)
	if err != nil {
		return c, bad
	}
	root, err := base64.StdEncoding.Strict().DecodeString(lines[2])
	if err != nil || len(root) != len(Hash{}) {
		return c, bad
	}
	numbered, signed, found := strings.Cut(strings.TrimPrefix(lines[3], "checkpoint "), " of ")
	number, err := strconv.ParseInt(numbered, 10, 64)
	if err != nil || !found {
		return c, bad
	}
	at, err := time.Parse(time.RFC3339, signed)
	if err != nil {
		return c, bad
	}
	c = Checkpoint{AccountID: account, Number: number, Size: size, Root: Hash(root), SignedAt: at.UTC()}
	if c.text() != text || account < 0 || size < 1 || number < 1 {
		return Checkpoint{}, bad
	}
	return c, nil
}

// Key signs checkpoints.
type Key struct {
	signer   note.Signer
	verifier string
}

// KeyName stands beside every signature.
const KeyName = "cloakroom-audit"

// ParseKey reads a key as NewKey writes it.
func ParseKey(text chat.Secret) (*Key, error) {
	signer, err := note.NewSigner(strings.TrimSpace(text.Reveal()))
	if err != nil {
		return nil, errors.New("read the key that signs checkpoints: it is no Ed25519 key of a note signer (PRIVATE+KEY+…)")
	}
	verifier, err := verifierOf(text)
	if err != nil {
		return nil, err
	}
	return &Key{signer, verifier}, nil
}

// Verifier gives the public half, as it stands in a file of trusted keys.
func (k *Key) Verifier() string { return k.verifier }

// ParseTrusted reads public keys, one a line; empty lines and those that begin with # are passed over.
func ParseTrusted(text string) (Trusted, error) {
	var list []note.Verifier
	seen := make(map[string]bool)
	n := 0
	for line := range strings.Lines(text) {
		n++
		if line = strings.TrimSpace(line); line == "" || strings.HasPrefix(line, "#") || seen[line] {
			continue
		}
		seen[line] = true
		verifier, err := note.NewVerifier(line)
		if err != nil {
			return nil, fmt.Errorf("read the trusted keys: line %d is no public key of a note (name+hash+key)", n)
		}
		list = append(list, verifier)
	}
	if len(list) == 0 {
		return nil, errors.New("read the trusted keys: there is none")
	}
	return note.VerifierList(list...), nil
}
