package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/outbox"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/vault"
)

// auditKey reads the key that signs checkpoints; nil when there is to be none.
func (c Config) auditKey() (*proof.Key, error) {
	if c.AuditKey == "" {
		return nil, nil
	}
	info, err := os.Stat(c.AuditKey)
	if err != nil {
		return nil, fmt.Errorf("read AUDIT_KEY: %w", err)
	}
	if info.Mode().Perm()&0o077 != 0 {
		return nil, fmt.Errorf("AUDIT_KEY: %s can be read by others (mode %04o): chmod 600", c.AuditKey, info.Mode().Perm())
	}
	text, err := os.ReadFile(c.AuditKey)
	if err != nil {
		return nil, fmt.Errorf("read AUDIT_KEY: %w", err)
	}
	key, err := proof.ParseKey(chat.Secret(text))
	if err != nil {
		return nil, fmt.Errorf("AUDIT_KEY: %w", err)
	}
	return key, nil
}

// trustedAuditKeys reads whose signatures count.
func (c Config) trustedAuditKeys() (proof.Trusted, error) {
	list, err := c.trustedAuditKeyList()
	if err != nil {
		return nil, err
	}
	trusted, err := proof.ParseTrusted(list)
	if err != nil {
		return nil, fmt.Errorf("AUDIT_TRUSTED_KEYS: %w", err)
	}
	return trusted, nil
}

// trustedAuditKeyList gives the public keys whose signatures count, one a line: those of AUDIT_TRUSTED_KEYS, or else
// AUDIT_KEY's own.
func (c Config) trustedAuditKeyList() (string, error) {
	if c.AuditTrustedKeys != "" {
		text, err := os.ReadFile(c.AuditTrustedKeys)
		if err != nil {
			return "", fmt.Errorf("read AUDIT_TRUSTED_KEYS: %w", err)
		}
		return string(text), nil
	}
	key, err := c.auditKey()
	if err != nil {
		return "", err
	}
	if key == nil {
		return "", errors.New("AUDIT_TRUSTED_KEYS is not set: it names the file of public keys whose signatures count (`cloakroom audit key show`)")
	}
	return key.Verifier(), nil
}

// createAuditKey makes a key in a file that is not there yet and gives its public half.
func createAuditKey(path string) (public string, err error) {
	private, public, err := proof.NewKey()
	if err != nil {
		return "", err
	}
	file, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if err != nil {
		return "", fmt.Errorf("make a key that signs checkpoints: %w", err)
	}
	_, err = file.WriteString(private.Reveal() + "\n")
	if err = errors.Join(err, file.Sync(), file.Close()); err != nil {
		return "", fmt.Errorf("make a key that signs checkpoints: %w", err)
	}
	return public, nil
}

// keepAuditLog has this replica number, sign and deliver, until what it gives back is called.
func (app *App) keepAuditLog() (stop func(), err error) {
	key, err := app.Config.auditKey()
	if err != nil {
		return nil, err
	}
	if key == nil {
		app.Log.Warn("the audit trail is not signed, and can be rewritten unseen: AUDIT_KEY is not set")
	} else if err := app.ownKeyIsTrusted(key); err != nil {
		return nil, err
	}
	places, err := outbox.Open(app.Context, app.Config.AuditDestinations)
	if err != nil {
		return nil, err
	}
	if key != nil && len(places) == 0 {
		app.Log.Warn("checkpoints of the audit trail stay in the database, which whoever owns it can rewrite: AUDIT_DESTINATIONS is not set")
	}
	app.Vault.AuditLog.Key = key
	for _, d := range places {
		app.Vault.AuditLog.Destinations = append(app.Vault.AuditLog.Destinations, vault.AuditDestination{Name: d.Name, Put: d.Put})
	}
	ctx, end := context.WithCancel(app.Context)
	kept := make(chan struct{})
	go func() {
		defer close(kept)
		app.Vault.KeepAuditLog(ctx)
	}()
	return func() { end(); <-kept }, nil
}

// ownKeyIsTrusted says at the start what verify would say later of every checkpoint.
func (app *App) ownKeyIsTrusted(key *proof.Key) error {
	trusted, err := app.Config.trustedAuditKeys()
	if err != nil {
		return err
	}
	note, err := key.Sign(proof.Checkpoint{Number: 1, Size: 1})
	if err != nil {
		return err
	}
	if _, err := proof.OpenCheckpoint(note, trusted); err != nil {
		return errors.New("AUDIT_TRUSTED_KEYS lacks the public half of AUDIT_KEY: add what `cloakroom audit key show` prints")
	}
	return nil
}

// demoAuditLog has the demo sign its trail with a key of its own, beside the other one.
func (app *App) demoAuditLog() error {
	if app.Config.AuditKey != "" || app.Config.AuditTrustedKeys != "" || app.Config.AuditDestinations != "" {
		return nil
	}
	folder, err := filepath.Abs(demoFolder)
	if err != nil {
		return fmt.Errorf("find the demo's folder: %w", err)
	}
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return fmt.Errorf("make the demo's folder: %w", err)
	}
	app.Config.AuditKey = filepath.Join(folder, "audit.key")
	if !strings.ContainsAny(folder, ",?#%") { // which a list of URLs cannot hold as they are
		app.Config.AuditDestinations = "file://" + filepath.Join(folder, "audit")
	}
	if _, err := createAuditKey(app.Config.AuditKey); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
