package vault

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

const (
	spoolAfter  = 5 * time.Second // that a grant cannot be written, before it is laid in the spool
	spoolEvery  = 15 * time.Second
	spoolSuffix = ".grant"
	spoolLog    = time.Hour // how often what cannot be replayed is logged
)

// spooled is a file of the spool. What it holds in clear are numbers.
type spooled struct {
	AccountID int64  `json:"account_id"`
	TokenID   int64  `json:"vault_token_id"`
	RefreshID int64  `json:"refresh_id"`
	Sealed    []byte `json:"sealed"`
}

// OpenSpool says where grants are laid, sealed, that cannot be written into the database: a directory of this machine's that
// nobody else may read, made if need be. Without one they are kept in memory for a quarter of an hour.
func (v *Vault) OpenSpool(directory string) error {
	if err := os.MkdirAll(directory, 0o700); err != nil {
		return fmt.Errorf("make the spool of grants: %w", err)
	}
	info, err := os.Stat(directory)
	if err != nil {
		return fmt.Errorf("look at the spool of grants: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return fmt.Errorf("the spool of grants: %s is open to others (mode %04o): chmod 700", directory, info.Mode().Perm())
	}
	v.spoolDir = directory
	return nil
}

// spool lays a grant in the spool and says whether it lies there.
func (v *Vault) spool(ctx context.Context, g *grant) bool {
	if v.spoolDir == "" {
		return false
	}
	if err := v.writeSpool(ctx, g); err != nil {
		v.log.ErrorContext(ctx, "a grant could not be laid in the spool", "account", g.accountID, "id", g.tokenID, "error", store.Redact(err))
		return false
	}
	v.metrics.refreshes.WithLabelValues(g.provider, "SPOOLED").Inc()
	v.log.WarnContext(ctx, "a grant that could not be written lies in the spool", "account", g.accountID, "id", g.tokenID)
	return true
}

func (v *Vault) writeSpool(ctx context.Context, g *grant) error {
	plaintext, err := json.Marshal(g)
	if err != nil {
		return fmt.Errorf("encode a grant: %w", err)
	}
	leave := v.Enter()
	defer leave()
	keys, err := v.keys.Account(ctx, g.accountID)
	if err != nil {
		return err
	}
	file := spooled{AccountID: g.accountID, TokenID: g.tokenID, RefreshID: g.refreshID}
	if file.Sealed, err = keys.SealGrant(keyring.GrantPlace{Row: g.tokenID, Refresh: g.refreshID}, plaintext); err != nil {
		return err
	}
	text, err := json.Marshal(file)
	if err != nil {
		return fmt.Errorf("encode a file of the spool: %w", err)
	}
	return writeWhole(filepath.Join(v.spoolDir, rand.Text()+spoolSuffix), text)
}

// writeWhole writes a file that is there whole, on the disk, or not at all.
func writeWhole(path string, text []byte) error {
	file, err := os.OpenFile(path+".new", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return fmt.Errorf("write a file of the spool: %w", err)
	}
	_, err = file.Write(text)
	if err = errors.Join(err, file.Sync(), file.Close()); err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		return errors.Join(fmt.Errorf("write a file of the spool: %w", err), os.Remove(path+".new"))
	}
	directory, err := os.Open(filepath.Dir(path))
	if err != nil {
		return fmt.Errorf("write the spool: %w", err)
	}
	return errors.Join(directory.Sync(), directory.Close())
}

// KeepSpool writes what lies in the spool into the database, at once and then every so often until ctx ends. Each process
// has its own spool.
func (v *Vault) KeepSpool(ctx context.Context) {
	if v.spoolDir == "" {
		return
	}
	var quiet recent[string]
	tick := time.NewTicker(spoolEvery)
	defer tick.Stop()
	for {
		if err := v.ReplaySpool(ctx); err != nil && ctx.Err() == nil && quiet.first("", spoolLog, time.Now()) {
			v.log.ErrorContext(ctx, "grants lie in the spool that cannot be written", "error", store.Redact(err))
		}
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
	}
}

// ReplaySpool writes each grant of the spool into the database and takes away those that are written. What cannot be stays.
func (v *Vault) ReplaySpool(ctx context.Context) error {
	paths, err := filepath.Glob(filepath.Join(v.spoolDir, "*"+spoolSuffix))
	if err != nil {
		return fmt.Errorf("look into the spool: %w", err)
	}
	ctx = WithActor(ctx, Scheduler)
	var errs []error
	for _, path := range paths {
		if err := v.replay(ctx, path); err != nil {
			errs = append(errs, fmt.Errorf("%s: %w", filepath.Base(path), err))
		}
	}
	return errors.Join(errs...)
}

func (v *Vault) replay(ctx context.Context, path string) error {
	text, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return nil // another process has the same spool
	}
	if err != nil {
		return fmt.Errorf("read it: %w", err)
	}
	g, err := v.openSpooled(ctx, text)
	if err == nil {
		err = v.keepOnce(ctx, g)
	}
	if err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("take it away: %w", err)
	}
	return nil
}

func (v *Vault) openSpooled(ctx context.Context, text []byte) (*grant, error) {
	var file spooled
	if json.Unmarshal(text, &file) != nil {
		return nil, fmt.Errorf("%w: it is no file of this release", chat.ErrUnreadable)
	}
	defer v.Enter()()
	keys, err := v.keys.Account(ctx, file.AccountID)
	if err != nil {
		return nil, err
	}
	plaintext, err := keys.OpenGrant(keyring.GrantPlace{Row: file.TokenID, Refresh: file.RefreshID}, file.Sealed)
	if err != nil {
		return nil, err
	}
	g := &grant{accountID: file.AccountID, tokenID: file.TokenID, refreshID: file.RefreshID}
	if json.Unmarshal(plaintext, g) != nil {
		return nil, fmt.Errorf("%w: it is no grant of this release", chat.ErrUnreadable)
	}
	return g, nil
}
