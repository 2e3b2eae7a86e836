package proof

import (
	"encoding/hex"
	"testing"
)

// The leaves and roots that implementations of RFC 6962 have published for their tests.
var (
	publishedLeaves = []string{"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f"}
	publishedRoots  = []string{
		"e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

// TestPublishedRoots, once with a tree that grows and once with one that is put away and opened again before each leaf.
func TestPublishedRoots(t *testing.T) {
	t.Parallel()
	grown, opened := NewTree(), NewTree()
	for size, want := range publishedRoots {
		for name, tree := range map[string]*Tree{"grown": grown, "opened": opened} {
			root, err := tree.Root()
			if err != nil || hex.EncodeToString(root[:]) != want || tree.Size() != int64(size) {
				t.Errorf("%s, %d leaves: %x, %v", name, size, root, err)
			}
		}
		if size == len(publishedLeaves) {
			return
		}
		data, err := hex.DecodeString(publishedLeaves[size])
		if err != nil {
			t.Fatal(err)
		}
		if opened, err = OpenTree(opened.Size(), opened.Hashes()); err != nil {
			t.Fatal(err)
		}
		for _, tree := range []*Tree{grown, opened} {
			if err := tree.Append(leafHash(data)); err != nil {
				t.Fatal(err)
			}
		}
	}
}

func TestOpenTreeRefuses(t *testing.T) {
	t.Parallel()
	hash := make([]byte, 32)
	for name, c := range map[string]struct {
		size   int64
		hashes [][]byte
	}{"too few hashes": {3, [][]byte{hash}}, "too many": {2, [][]byte{hash, hash}}, "a short one": {1, [][]byte{hash[:31]}}, "less than nothing": {-1, nil}} {
		if _, err := OpenTree(c.size, c.hashes); err == nil {
			t.Errorf("%s: a tree was opened", name)
		}
	}
}
