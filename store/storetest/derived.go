package storetest

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"testing"

	"github.com/cloakroom/cloakroom/store"
)

// Derived is a template that a test process makes for itself from the demo's rows, such as with an account sealed
// under keys that only this process has. It is made at its first use; Drop takes it away.
type Derived struct {
	Build func(ctx context.Context, s *store.Store) error

	made once
}

// once remembers the outcome of making a template, under the lock of all templates.
type once struct {
	name string
	err  error
}

// Clone gives a store on a database of its own that is like the template.
func (d *Derived) Clone(t testing.TB) *store.Store {
	t.Helper()
	return open(t, clone(t, d.template))
}

func (d *Derived) template(ctx context.Context, srv server) (string, error) {
	demo, err := demoTemplate(ctx, srv)
	if err != nil {
		return "", err
	}
	templates.Lock()
	defer templates.Unlock()
	if d.made.name == "" && d.made.err == nil {
		d.made.name, d.made.err = d.make(ctx, srv, demo)
	}
	return d.made.name, d.made.err
}

func (d *Derived) make(ctx context.Context, srv server, from string) (string, error) {
	var random [8]byte
	_, _ = rand.Read(random[:]) // never fails (crypto/rand)
	name := "cloakroom_derived_" + hex.EncodeToString(random[:])
	if err := srv.exec(ctx, "CREATE DATABASE %s TEMPLATE %s STRATEGY file_copy", name, from); err != nil {
		return "", err
	}
	s, err := store.Open(ctx, srv.url(name))
	if err != nil {
		return name, err
	}
	defer s.Close() // a template is cloned only while nobody is connected to it
	return name, d.Build(ctx, s)
}

// Drop removes the template; for TestMain, when every test is done.
func (d *Derived) Drop() error {
	if d.made.name == "" {
		return nil
	}
	srv, err := theServer()
	if err != nil {
		return err
	}
	return srv.exec(context.Background(), "DROP DATABASE IF EXISTS %s WITH (FORCE)", d.made.name)
}
