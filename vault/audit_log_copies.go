package vault

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"strings"

	"github.com/cloakroom/cloakroom/proof"
)

const maxCheckpointFile = 4096 // bytes; what is larger is none

// ReadAuditCopies reads the checkpoints that lie in a folder, at any depth, as a destination writes them. What no trusted
// key has signed, or lies in the folder of another account, is told as a finding and not gone by; its account is -1.
func ReadAuditCopies(folder fs.FS, place string, trusted proof.Trusted) (copies []AuditCopy, wrong []proof.Finding, err error) {
	err = fs.WalkDir(folder, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || path.Ext(name) != ".checkpoint" {
			return err
		}
		at := path.Join(place, name)
		c, err := readCopy(folder, name, trusted)
		if bad := (*badCopy)(nil); errors.As(err, &bad) {
			wrong = append(wrong, proof.Finding{AccountID: -1, Kind: proof.CopyRejected, Text: at + ": " + bad.Error()})
			return nil
		}
		if err != nil {
			return fmt.Errorf("read %s: %w", at, err)
		}
		copies = append(copies, AuditCopy{c, at})
		return nil
	})
	if err != nil {
		return nil, nil, fmt.Errorf("read the copies of checkpoints: %w", err)
	}
	return copies, wrong, nil
}

// badCopy says why a file is not gone by.
type badCopy struct{ text string }

func (b *badCopy) Error() string { return b.text }

func readCopy(folder fs.FS, name string, trusted proof.Trusted) (proof.Checkpoint, error) {
	info, err := fs.Stat(folder, name)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	if info.Size() > maxCheckpointFile {
		return proof.Checkpoint{}, &badCopy{"it is no checkpoint"}
	}
	text, err := fs.ReadFile(folder, name)
	if err != nil {
		return proof.Checkpoint{}, err
	}
	c, err := proof.OpenCheckpoint(string(text), trusted)
	switch {
	case errors.Is(err, proof.ErrUntrusted):
		return c, &badCopy{"no trusted key has signed it"}
	case err != nil:
		return c, &badCopy{"it is no checkpoint"}
	}
	if in := path.Base(path.Dir(name)); strings.HasPrefix(in, "account-") && in != fmt.Sprintf("account-%d", c.AccountID) {
		return c, &badCopy{fmt.Sprintf("it is one of account %d", c.AccountID)}
	}
	return c, nil
}
