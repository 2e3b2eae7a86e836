package keyring

import (
	"bytes"
	"errors"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// The fuzz targets hold the decoders to one rule: nothing but what was sealed opens, nothing panics, and
// everything else is chat.ErrUnreadable.

func FuzzEnvelope(f *testing.F) {
	v, k := loadVectors(f)
	a := mustAccount(f, k, 1)
	s, err := a.Subject(v.Subjects[0].Contact, v.Subjects[0].ID, v.Subjects[0].Wrapped)
	if err != nil {
		f.Fatal(err)
	}
	var known [][]byte
	for _, c := range v.Envelopes {
		f.Add(c.Sealed)
		known = append(known, c.Sealed)
	}
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, sealed []byte) {
		for _, way := range ways(a, s, emailPlace) {
			fuzzOpen(t, known, sealed, way.open)
		}
		if h, id, ok := parseEnvelope(sealed); ok {
			again := slices.Clone(sealed)
			putEnvelope(again, h, int64(id))
			if !bytes.Equal(again, sealed) {
				t.Errorf("the head of %x reads as that of %x", sealed, again)
			}
		}
	})
}

func FuzzWrappedKey(f *testing.F) {
	v, k := loadVectors(f)
	a := mustAccount(f, k, 1)
	var known [][]byte
	for _, c := range v.Subjects {
		f.Add(c.Wrapped, c.ID)
		known = append(known, c.Wrapped)
	}
	f.Fuzz(func(t *testing.T, wrapped []byte, id int64) {
		fuzzOpen(t, known, wrapped, asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, id, b) }))
	})
}

func FuzzCursor(f *testing.F) {
	v, k := loadVectors(f)
	a := mustAccount(f, k, 1)
	var known [][]byte
	for _, c := range slices.Concat(v.Cursors, v.Tokens) {
		f.Add([]byte(c.Context), c.Sealed)
		known = append(known, c.Sealed)
	}
	f.Fuzz(func(t *testing.T, context, sealed []byte) {
		fuzzOpen(t, known, sealed, func(b []byte) ([]byte, error) { return a.OpenCursor(context, b) })
		fuzzOpen(t, known, sealed, func(b []byte) ([]byte, error) { return openVaultContext(a, string(context), b) })
	})
}

func fuzzOpen(t *testing.T, known [][]byte, sealed []byte, open func([]byte) ([]byte, error)) {
	t.Helper()
	before := slices.Clone(sealed)
	b, err := open(sealed)
	switch {
	case err != nil && (!errors.Is(err, chat.ErrUnreadable) || b != nil):
		t.Errorf("%x gave %d bytes and error %v", sealed, len(b), err)
	case err == nil && !slices.ContainsFunc(known, func(k []byte) bool { return bytes.Equal(k, sealed) }):
		t.Errorf("%x opened, and nobody sealed it", sealed)
	}
	if !bytes.Equal(before, sealed) {
		t.Error("opening changed what was sealed")
	}
}
