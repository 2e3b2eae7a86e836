package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const localFile = "local-file://"

// OpenMasterKey opens the key that wraps every keyset. uri is local-file://PATH, where PATH is absolute
// (three slashes) or relative to the working directory: a Tink AES256-GCM keyset as JSON, in clear, which
// nobody but its owner may read (mode 0600). With create, a file that is missing is made; two processes
// that start together end up with the same one. Errors say what to do and hold no key.
func OpenMasterKey(ctx context.Context, uri string, create bool) (tink.AEADWithContext, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("open the master key: %w", err)
	}
	path, ok := strings.CutPrefix(uri, localFile)
	if !ok {
		scheme, _, found := strings.Cut(uri, "://")
		if !found {
			return nil, fmt.Errorf("open the master key: its URI has no scheme: write %sPATH", localFile)
		}
		return nil, fmt.Errorf("open the master key: scheme %q is not supported: write %sPATH", scheme, localFile)
	}
	if path == "" {
		return nil, fmt.Errorf("open the master key: %s names no file", localFile)
	}
	master, err := readMaster(path)
	if errors.Is(err, fs.ErrNotExist) {
		if !create {
			return nil, fmt.Errorf("open the master key: there is no file %s: restore it from where you keep it; "+
				"without it nothing that was sealed can be opened", path)
		}
		if err := writeMaster(path); err != nil {
			return nil, fmt.Errorf("make the master key %s: %w", path, err)
		}
		master, err = readMaster(path)
	}
	if err != nil {
		return nil, fmt.Errorf("open the master key %s: %w", path, err)
	}
	return master, nil
}

// readMaster checks the file that is open, not its name, so that it cannot be exchanged in between.
func readMaster(path string) (tink.AEADWithContext, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }() // read only: closing can lose nothing
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errors.New("it is not a regular file")
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("its mode is %04o, so others may read it: run chmod 600 on it", mode)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(f))
	if err != nil {
		return nil, errors.New("it is not a Tink keyset in JSON") // the parser's error may quote the file
	}
	primary, err := handle.Primary()
	if err != nil {
		return nil, fmt.Errorf("find its primary key: %w", err)
	}
	if params, ok := primary.Key().Parameters().(*aesgcm.Parameters); !ok || params.KeySizeInBytes() != 32 {
		return nil, errors.New("its primary key is not AES256-GCM")
	}
	primitive, err := aead.New(handle)
	if err != nil {
		return nil, fmt.Errorf("prepare it: %w", err)
	}
	return localMaster{primitive}, nil
}

// writeMaster makes a master key under a temporary name, brings it to disk, and links it to path: a
// crash leaves a whole key or none, and a key that is there already is never replaced.
func writeMaster(path string) (err error) {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	handle, err := keyset.NewHandle(aead.AES256GCMKeyTemplate())
	if err != nil {
		return err
	}
	var clearKey bytes.Buffer
	defer func() { clear(clearKey.Bytes()) }()
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&clearKey)); err != nil {
		return err
	}
	tmp, err := os.CreateTemp(dir, ".master-key-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(tmp.Name())) }()
	_, err = tmp.Write(clearKey.Bytes())
	if err := errors.Join(err, tmp.Sync(), tmp.Close()); err != nil {
		return err
	}
	if err := os.Link(tmp.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return syncDir(dir)
}

// syncDir brings a new name to disk.
func syncDir(dir string) error {
	d, err := os.Open(dir)
	if err != nil {
		return err
	}
	return errors.Join(d.Sync(), d.Close())
}

// localMaster gives a key in memory the shape of a key service.
type localMaster struct{ aead tink.AEAD }

func (m localMaster) EncryptWithContext(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return m.aead.Encrypt(plaintext, associatedData)
}

func (m localMaster) DecryptWithContext(_ context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return m.aead.Decrypt(ciphertext, associatedData)
}
