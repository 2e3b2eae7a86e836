package keyring

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"sync/atomic"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
)

const localFile = "local-file://"

// localKey is a file: a Tink AES256-GCM keyset as JSON, in clear, which nobody but its owner may read (mode 0600).
type localKey struct {
	path string
	aead atomic.Pointer[tink.AEAD] // nil before the file is read and after it is destroyed
}

// parseLocal takes a path that is absolute (three slashes in the URI) or relative to the working directory.
func parseLocal(_ context.Context, _ KeyServices, path string) (service, error) {
	if path == "" {
		return nil, fmt.Errorf("%s names no file", localFile)
	}
	return &localKey{path: path}, nil
}

// URI names the file.
func (k *localKey) URI() string { return localFile + k.path }

func (k *localKey) child(name string) service { return &localKey{path: k.path + "-" + name} }

// open reads the key once; it is in memory from then on.
func (k *localKey) open(context.Context) error {
	primitive, err := readMaster(k.path)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no such file: %w", ErrNoKey)
	}
	if err != nil {
		return err
	}
	k.aead.Store(&primitive)
	return nil
}

func (k *localKey) create(context.Context) error { return writeMaster(k.path) }

func (k *localKey) EncryptWithContext(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	primitive := k.aead.Load()
	if primitive == nil {
		return nil, ErrNoKey
	}
	return (*primitive).Encrypt(plaintext, associatedData)
}

func (k *localKey) DecryptWithContext(_ context.Context, wrapped, associatedData []byte) ([]byte, error) {
	primitive := k.aead.Load()
	if primitive == nil {
		return nil, ErrNoKey
	}
	plaintext, err := (*primitive).Decrypt(wrapped, associatedData)
	if err != nil {
		return nil, ErrRefused
	}
	return plaintext, nil
}

// destroy writes over the file before it takes its name away, so that what is left of it, under a second name or on
// the disk, is no key. File systems that write elsewhere (snapshots, flash) keep the old blocks: destroy those too.
func (k *localKey) destroy(context.Context) error {
	k.aead.Store(nil)
	f, err := os.OpenFile(k.path, os.O_WRONLY, 0)
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	if err != nil {
		return err
	}
	info, err := f.Stat()
	if err == nil {
		_, err = f.Write(make([]byte, info.Size()))
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	if err := os.Remove(k.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return syncDir(filepath.Dir(k.path))
}

// readPrivate reads a file that nobody but its owner may read. It checks the file that is open, not its name, so that it
// cannot be exchanged in between.
func readPrivate(path string) ([]byte, error) {
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
	return io.ReadAll(f)
}

func readMaster(path string) (tink.AEAD, error) {
	text, err := readPrivate(path)
	if err != nil {
		return nil, err
	}
	defer clear(text)
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
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
	return primitive, nil
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
