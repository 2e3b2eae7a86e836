package proof

import (
	"bytes"
	"errors"
	"testing"
)

func TestDisclosedSaysWhatTheLeafDoes(t *testing.T) {
	t.Parallel()
	leaf := example()
	data := leaf.Encode()
	d, err := ReadDisclosed(data)
	if err != nil || d.Hash() != leaf.Hash() || !bytes.Equal(d.Encode(), data) {
		t.Fatalf("%+v, %v", d, err)
	}
	if !d.OccurredAt.Equal(leaf.OccurredAt) || d.Actor != leaf.Actor || d.Action != leaf.Action || d.EntityType != leaf.EntityType || d.EntityID != leaf.EntityID ||
		d.RequestID != leaf.RequestID || d.Seq != leaf.Seq || d.ID != leaf.ID || d.AccountID != leaf.AccountID || d.Transaction != leaf.Transaction || d.KeyID != leaf.KeyID {
		t.Errorf("%+v was read as %+v", leaf, d)
	}
	for n := range data {
		if got, err := ReadDisclosed(data[:n]); err == nil {
			t.Errorf("%d bytes of %d are a leaf: %+v", n, len(data), got)
		}
	}
	if _, err := ReadDisclosed(append(data, 0)); err == nil {
		t.Error("a byte more is a leaf")
	}
}

// FuzzDisclosed: whatever is read is written the same again, and nothing panics.
func FuzzDisclosed(f *testing.F) {
	f.Add(example().Encode())
	f.Add([]byte{1, 0xff, 0xff, 0xff, 0xff, 0})
	f.Fuzz(func(t *testing.T, data []byte) {
		if d, err := ReadDisclosed(data); err == nil && !bytes.Equal(d.Encode(), data) {
			t.Errorf("%x is written as %x", data, d.Encode())
		}
	})
}

// TestSpans: a tree comes to the same root whatever stretches of it are known by their subtrees alone.
func TestSpans(t *testing.T) {
	t.Parallel()
	const size = 21
	grown := NewTree()
	for i := range size {
		if err := grown.Append(Hash{byte(i)}); err != nil {
			t.Fatal(err)
		}
	}
	want, err := grown.Root()
	if err != nil {
		t.Fatal(err)
	}
	for from := range size {
		for to := from + 1; to <= size; to++ {
			tree := NewTree()
			for i := 0; i < size; i++ {
				if i != from {
					if err := tree.Append(Hash{byte(i)}); err != nil {
						t.Fatal(err)
					}
					continue
				}
				span := NewSpan(int64(from))
				for ; i < to; i++ {
					if err := span.Append(Hash{byte(i)}); err != nil {
						t.Fatal(err)
					}
				}
				i--
				if err := tree.AppendSpan(span.Size(), span.Hashes()); err != nil {
					t.Fatal(err)
				}
			}
			if got, err := tree.Root(); err != nil || got != want || tree.Size() != size {
				t.Errorf("%d to %d: %x, %v", from, to, got, err)
			}
		}
	}
	hash := make([]byte, 32)
	for size, hashes := range map[int64][][]byte{0: nil, -1: {hash}, 1: {hash[:31]}, 2: {hash, hash, hash}, 1<<63 - 1: {hash}} {
		if err := grown.AppendSpan(size, hashes); err == nil {
			t.Errorf("%d leaves of %d hashes were added", size, len(hashes))
		}
	}
}

func TestReportsAreSigned(t *testing.T) {
	t.Parallel()
	key, trusted := newSigner(t)
	_, others := newSigner(t)
	note, err := key.SignReport(7, Hash{1})
	if err != nil {
		t.Fatal(err)
	}
	if err := CheckReport(note, 7, Hash{1}, trusted); err != nil {
		t.Error(err)
	}
	checkpoint, err := key.Sign(exampleCheckpoint())
	if err != nil {
		t.Fatal(err)
	}
	for name, err := range map[string]error{
		"another account": CheckReport(note, 8, Hash{1}, trusted), "another digest": CheckReport(note, 7, Hash{2}, trusted),
		"a checkpoint": CheckReport(checkpoint, 7, Hash{1}, trusted), "no note": CheckReport("note", 7, Hash{1}, trusted),
		"a long one": CheckReport(string(make([]byte, maxNote+1)), 7, Hash{1}, trusted),
	} {
		if err == nil || errors.Is(err, ErrUntrusted) {
			t.Errorf("%s: %v", name, err)
		}
	}
	if err := CheckReport(note, 7, Hash{1}, others); !errors.Is(err, ErrUntrusted) {
		t.Errorf("somebody else's key: %v", err)
	}
	if _, err := OpenCheckpoint(note, trusted); err == nil {
		t.Error("what is signed of a report is a checkpoint")
	}
	if line, err := SignerOf(checkpoint, "# old\n\n"+key.Verifier()+"\n"); err != nil || line != key.Verifier() {
		t.Errorf("signer: %q, %v", line, err)
	}
	if _, err := SignerOf(note, key.Verifier()); !errors.Is(err, ErrUntrusted) {
		t.Errorf("signer of what is no checkpoint: %v", err)
	}
}
