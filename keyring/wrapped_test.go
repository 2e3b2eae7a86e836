package keyring

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// twoForms gives accounts with a subject key in each form, and the keyring they come from.
func twoForms(t testing.TB) (k *Keyring, sets *memory, once, twice []byte) {
	t.Helper()
	sets = &memory{}
	master := newMaster(t)
	without, err := New(master, sets, WithoutEpochs())
	if err != nil {
		t.Fatal(err)
	}
	if _, once, err = mustAccount(t, without, 1).NewSubject(42, 5); err != nil {
		t.Fatal(err)
	}
	if k, err = New(master, sets); err != nil {
		t.Fatal(err)
	}
	if twice, err = mustAccount(t, k, 1).Rewrap(42, 5, once); err != nil {
		t.Fatal(err)
	}
	return k, sets, once, twice
}

func TestWrappedMutations(t *testing.T) {
	t.Parallel()
	k, _, once, twice := twoForms(t)
	a := mustAccount(t, k, 1)
	if len(once) != 68 || len(twice) != 103 || once[0] != 1 || twice[0] != 2 {
		t.Errorf("wrapped once a key has %d bytes, wrapped twice %d", len(once), len(twice))
	}
	for _, wrapped := range [][]byte{once, twice} {
		for range 2 { // the second round meets the cache
			refuseEveryMutation(t, wrapped, asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) }))
			if _, err := a.Subject(42, 5, wrapped); err != nil {
				t.Fatal(err)
			}
		}
		refuseEveryMutation(t, wrapped, func(b []byte) ([]byte, error) { return a.Rewrap(42, 5, b) })
	}
}

// TestWrappedHeadMatters gives a wrapped key every other head that it could be given, with bodies that fit: the layers
// of one wrap cannot be taken apart, nor put together with those of another.
func TestWrappedHeadMatters(t *testing.T) {
	t.Parallel()
	k, sets, once, twice := twoForms(t)
	turnEpoch(t, k, sets)
	rotate(t, k, sets, 1, chat.KeysetData)
	a := mustAccount(t, k, 1)
	newest, err := a.Rewrap(42, 5, twice)
	if err != nil {
		t.Fatal(err)
	}
	first, _ := a.epochs.find(1)
	h, _ := parseWrapped(twice)
	inner, err := first.Decrypt(twice[wrappedTwiceHead:], h.aad(kindWrappedKey, 1, 42, 5))
	if err != nil {
		t.Fatal(err)
	}
	head := func(version byte, generation, epoch uint16) []byte {
		return wrappedHead{version, generation, epoch}.put(nil)
	}
	open := asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) })
	for name, body := range map[string][]byte{"once": once[shortHead:], "twice": twice[wrappedTwiceHead:], "newest": newest[wrappedTwiceHead:], "inner layer": inner} {
		for _, version := range []byte{0, 1, 2, 3} {
			for generation := range uint16(4) {
				for epoch := range uint16(4) {
					b := append(head(version, generation, epoch), body...)
					if !bytes.Equal(b, once) && !bytes.Equal(b, twice) && !bytes.Equal(b, newest) {
						refuse(t, name+" under the head "+hex.EncodeToString(b[:wrappedTwiceHead]), b, open)
					}
				}
			}
		}
	}
	// What the epoch's key seals by another account's, contact's or key's name is no layer of this one.
	for name, ids := range map[string][3]int64{"account": {2, 42, 5}, "contact": {1, 43, 5}, "id": {1, 42, 6}} {
		outer, err := first.Encrypt(inner, h.aad(kindWrappedKey, ids[0], ids[1], ids[2]))
		if err != nil {
			t.Fatal(err)
		}
		refuse(t, "an outer layer of another "+name, append(head(2, 1, 1), outer...), open)
	}
	outer, err := first.Encrypt(inner, h.aad(kindSubjectKey, 1, 42, 5))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, "an outer layer of another kind", append(head(2, 1, 1), outer...), open)
}

// TestWrappedSwaps opens every wrapped key in every other place.
func TestWrappedSwaps(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	type place struct{ account, contact, id int64 }
	wraps := map[place][]byte{}
	for account := int64(1); account <= 2; account++ {
		for contact := int64(42); contact <= 43; contact++ {
			for id := int64(5); id <= 6; id++ {
				_, wrapped, err := mustAccount(t, k, account).NewSubject(contact, id)
				if err != nil {
					t.Fatal(err)
				}
				wraps[place{account, contact, id}] = wrapped
			}
		}
	}
	for here := range wraps {
		for there, wrapped := range wraps {
			open := asBytes(func(b []byte) (*Subject, error) {
				return mustAccount(t, k, here.account).Subject(here.contact, here.id, b)
			})
			if here != there {
				refuse(t, "the key of another place", wrapped, open)
			} else if _, err := open(wrapped); err != nil {
				t.Error(err)
			}
		}
	}
}

// TestWrappedLayout writes the format out by hand.
func TestWrappedLayout(t *testing.T) {
	t.Parallel()
	h := wrappedHead{wrappedTwice, 0x3132, 0x4142}
	if got := hex.EncodeToString(h.put(nil)); got != "0231324142" {
		t.Errorf("the head is %s", got)
	}
	common := "0102030405060708" + "0007" + "1112131415161718" + "0000" + "0000000000000000" + "0001" + "2122232425262728"
	for k, want := range map[kind]string{
		kindSubjectKey: "636c6f616b" + "01" + "04" + common + "0200" + "3132" + "00000002" + "4142",
		kindWrappedKey: "636c6f616b" + "01" + "07" + common + "0200" + "3132" + "00000002" + "4142",
	} {
		if got := hex.EncodeToString(h.aad(k, 0x0102030405060708, 0x1112131415161718, 0x2122232425262728)); got != want {
			t.Errorf("associated data is\n%s, want\n%s", got, want)
		}
	}
	h = wrappedHead{version: envelopeVersion, generation: 0x3132}
	if got, want := hex.EncodeToString(h.aad(kindSubjectKey, 0x0102030405060708, 0x1112131415161718, 0x2122232425262728)),
		"636c6f616b"+"01"+"04"+common+"0100"+"3132"+"00000000"; got != want {
		t.Errorf("associated data of a key wrapped once is\n%s, want\n%s", got, want)
	}
	e := chat.Epoch{Number: 0x0102, Name: "epoch-x"}
	if got, want := hex.EncodeToString(epochContext(&e)), "00000005"+hex.EncodeToString([]byte("epoch"))+"00000002"+"0102"+"00000007"+hex.EncodeToString([]byte("epoch-x")); got != want {
		t.Errorf("context of an epoch is %s, want %s", got, want)
	}
	if got, want := string(successionContext("a", "bc")), "\x00\x00\x00\x19succession of master keys\x00\x00\x00\x01a\x00\x00\x00\x02bc"; got != want {
		t.Errorf("context of a succession is %q, want %q", got, want)
	}
}

// TestWrappedUnder reads heads, and refuses what has none.
func TestWrappedUnder(t *testing.T) {
	t.Parallel()
	k, _, once, twice := twoForms(t)
	a := mustAccount(t, k, 1)
	for _, c := range []struct {
		wrapped           []byte
		generation, epoch int
		ok                bool
	}{
		{once, 1, 0, true}, {twice, 1, 1, true}, {nil, 0, 0, false}, {[]byte{1}, 0, 0, false}, {[]byte{2, 0, 1, 0}, 0, 0, false},
		{[]byte{2, 0, 1, 0, 0}, 1, 0, false}, {[]byte{3, 0, 1, 0, 1}, 0, 0, false}, {[]byte{2, 1, 2, 3, 4}, 258, 772, true},
	} {
		if g, e, ok := a.WrappedUnder(c.wrapped); ok != c.ok || ok && (g != c.generation || e != c.epoch) {
			t.Errorf("%x: generation %d, epoch %d, %v", c.wrapped[:min(5, len(c.wrapped))], g, e, ok)
		}
	}
}

// TestWrappedKeysetMutations changes every bit of a wrapped keyset and of a wrapped epoch.
func TestWrappedKeysetMutations(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	mustAccount(t, k, 1)
	row := *sets.find(1, chat.KeysetData, 1)
	eachMutation(row.Wrapped, func(changed []byte) {
		ks := row
		ks.Wrapped = changed
		if _, err := k.openKeyset(t.Context(), ks); err == nil {
			t.Errorf("a keyset of %d bytes, changed, gave keys", len(changed))
		}
	})
	epoch := sets.epochs[0]
	eachMutation(epoch.Wrapped, func(changed []byte) {
		e := epoch
		e.Wrapped = changed
		if key, _, err := k.openEpoch(t.Context(), &e, nil); err == nil || key != nil {
			t.Errorf("an epoch of %d bytes, changed, gave a key", len(changed))
		}
	})
	for name, other := range map[string]chat.Keyset{
		"account":    {AccountID: 2, Purpose: row.Purpose, Generation: 1},
		"purpose":    {AccountID: 1, Purpose: chat.KeysetVault, Generation: 1},
		"generation": {AccountID: 1, Purpose: row.Purpose, Generation: 2},
	} {
		other.Wrapped, other.MasterKey = row.Wrapped, row.MasterKey
		if _, err := k.openKeyset(t.Context(), other); err == nil {
			t.Errorf("a keyset opened with another %s", name)
		}
	}
}

// TestRollback puts the head of a live generation on what a refused one sealed.
func TestRollback(t *testing.T) {
	t.Parallel()
	sets := &memory{}
	k := newKeyring(t, sets)
	a := mustAccount(t, k, 1)
	s, wrapped, err := a.NewSubject(42, 5)
	if err != nil {
		t.Fatal(err)
	}
	sealed := map[string][]byte{"wrapped key": wrapped}
	for way, pair := range ways(a, s, emailPlace) {
		if sealed[way], err = pair.seal([]byte("x")); err != nil {
			t.Fatal(err)
		}
	}
	rotate(t, k, sets, 1, chat.KeysetData)
	rotate(t, k, sets, 1, chat.KeysetAudit)
	again, err := mustAccount(t, k, 1).Rewrap(42, 5, wrapped)
	if err != nil {
		t.Fatal(err)
	}
	sets.change(func(m *memory) {
		m.find(1, chat.KeysetData, 1).State = chat.KeysetRefused
		m.find(1, chat.KeysetAudit, 1).State = chat.KeysetRefused
	})
	k.Forget(1)
	a = mustAccount(t, k, 1)
	if s, err = a.Subject(42, 5, again); err != nil {
		t.Fatal(err)
	}
	for way, pair := range ways(a, s, emailPlace) {
		refuse(t, way, sealed[way], pair.open)
		binary.BigEndian.PutUint16(sealed[way][2:], 2)
		refuse(t, way+" under a live head", sealed[way], pair.open)
	}
	open := asBytes(func(b []byte) (*Subject, error) { return a.Subject(42, 5, b) })
	refuse(t, "a wrapped key", wrapped, open)
	binary.BigEndian.PutUint16(wrapped[1:], 2)
	refuse(t, "a wrapped key under a live head", wrapped, open)
}
