package outbox

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// directory keeps a file for each checkpoint. A file gets its name when it is whole and on the disk, and only where none
// has it: that is what a hard link does, and a rename does not.
func directory(path string) *Destination {
	return &Destination{Name: "file://" + path, Directory: path, put: func(_ context.Context, name string, text []byte) error {
		at := filepath.Join(path, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(at), 0o755); err != nil {
			return plain("make its folder", err)
		}
		err := link(at, text)
		if errors.Is(err, fs.ErrExist) {
			return compare(at, text)
		}
		return err
	}}
}

func link(at string, text []byte) error {
	folder := filepath.Dir(at)
	file, err := os.CreateTemp(folder, ".checkpoint-*")
	if err != nil {
		return plain("write a file", err)
	}
	defer func() { _ = os.Remove(file.Name()) }() // its other name stays
	_, err = file.Write(text)
	if err = errors.Join(err, file.Chmod(0o444), file.Sync(), file.Close()); err != nil {
		return plain("write a file", err)
	}
	if err := os.Link(file.Name(), at); err != nil {
		return plain("name a file", err)
	}
	opened, err := os.Open(folder)
	if err != nil {
		return plain("see to the folder", err)
	}
	return errors.Join(opened.Sync(), opened.Close())
}

func compare(at string, text []byte) error {
	there, err := os.ReadFile(at)
	if err != nil {
		return plain("read what lies there", err)
	}
	if !bytes.Equal(there, text) {
		return ErrOther
	}
	return nil
}

// plain leaves out the path, which the destination's name says.
func plain(what string, err error) error {
	var path *fs.PathError
	var link *os.LinkError
	switch {
	case errors.As(err, &path):
		err = path.Err
	case errors.As(err, &link):
		err = link.Err
	}
	return fmt.Errorf("%s: %w", what, err)
}
