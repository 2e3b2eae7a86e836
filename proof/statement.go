package proof

import (
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/mod/sumdb/note"
)

// statementPrefix is another than that of checkpoints: a signature of one is none of the other.
const statementPrefix = "cloakroom-report/"

func statementText(accountID int64, digest Hash) string {
	return fmt.Sprintf("%s%d\n%s\n", statementPrefix, accountID, base64.StdEncoding.EncodeToString(digest[:]))
}

// SignReport gives a note which says that a report of an account, and what proves it, are as this digest says.
func (k *Key) SignReport(accountID int64, digest Hash) (string, error) {
	signed, err := note.Sign(&note.Note{Text: statementText(accountID, digest)}, k.signer)
	if err != nil {
		return "", fmt.Errorf("sign a report of account %d: %w", accountID, err)
	}
	return string(signed), nil
}

// CheckReport says whether a trusted key has signed this very digest; ErrUntrusted when none has.
func CheckReport(text string, accountID int64, digest Hash, trusted Trusted) error {
	if len(text) > maxNote {
		return fmt.Errorf("read what was signed of a report: %d bytes are too many", len(text))
	}
	opened, err := note.Open([]byte(text), trusted)
	var unverified *note.UnverifiedNoteError
	var invalid *note.InvalidSignatureError
	switch {
	case errors.As(err, &unverified) || errors.As(err, &invalid):
		return ErrUntrusted
	case err != nil:
		return errors.New("read what was signed of a report: it is no signed note")
	case opened.Text != statementText(accountID, digest):
		return errors.New("read what was signed of a report: it is another report's")
	}
	return nil
}

// SignerOf gives the line of a list of trusted keys whose key has signed a checkpoint; ErrUntrusted when none has.
func SignerOf(checkpoint, list string) (string, error) {
	for line := range strings.Lines(list) {
		line = strings.TrimSpace(line)
		one, err := ParseTrusted(line)
		if err != nil { // a remark, or an empty line
			continue
		}
		if _, err := OpenCheckpoint(checkpoint, one); err == nil {
			return line, nil
		}
	}
	return "", ErrUntrusted
}
