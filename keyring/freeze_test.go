package keyring

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

func vectorKeyring(t testing.TB, v *vectors) *Keyring {
	t.Helper()
	k, err := New(masterOver(readMasterV2(t, v.Master), v.MasterURI), &memory{rows: v.Keysets})
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// makeVectors makes accounts 0, 1 and 2; account 1 has rotated its data and index keys once, and what it
// sealed before is among the envelopes.
func makeVectors(t *testing.T) *vectors {
	t.Helper()
	_, clear := newMasterV2(t)
	v := &vectors{Master: clear, MasterURI: "local-file:///frozen"}
	sets := &memory{}
	newYear := func() time.Time { return time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC) }
	k, err := New(masterOver(readMasterV2(t, clear), v.MasterURI), sets, WithClock(newYear), WithoutEpochs())
	if err != nil {
		t.Fatal(err)
	}
	v.fill(t, k, 0, 0)
	v.fill(t, k, 1, 8)
	rotate(t, k, sets, 1, chat.KeysetData)
	rotate(t, k, sets, 1, chat.KeysetIndex)
	v.fill(t, k, 1, 9)
	v.fill(t, k, 2, 8)
	v.Keysets = sets.rows
	v.Generation = mustAccount(t, k, 1).Generation()
	return v
}

// fill seals and derives one of everything in an account; 0 has no subjects.
func (v *vectors) fill(t *testing.T, k *Keyring, account, subjectKey int64) {
	t.Helper()
	a := mustAccount(t, k, account)
	var s *Subject
	if subjectKey > 0 {
		var wrapped []byte
		var err error
		if s, wrapped, err = a.NewSubject(42, subjectKey); err != nil {
			t.Fatal(err)
		}
		v.Subjects = append(v.Subjects, subjectCase{account, 42, subjectKey, wrapped})
	}
	known := make([]Field, 0, len(fields))
	for f := range fields {
		known = append(known, f)
	}
	slices.Sort(known)
	for i, f := range known {
		p := Place{f.Table(), f, 100 + int64(i), int64(i % 3)}
		v.envelope(t, a, s, p, "the "+f.String())
		if f.Table() == TableContacts {
			v.tags(t, a, f, "ann@example.com")
		}
	}
	v.envelope(t, a, s, emailPlace, "")
	v.context(t, a, "viewer 7", "after 100")
	v.context(t, a, "", "")
	for _, contact := range []int64{1, 2, 1 << 40} {
		alias, err := a.Alias(contact)
		if err != nil {
			t.Fatal(err)
		}
		v.Aliases = append(v.Aliases, aliasCase{account, contact, alias})
	}
}

func (v *vectors) envelope(t *testing.T, a *Account, s *Subject, p Place, plaintext string) {
	t.Helper()
	add := func(k kind, subjectKey int64, sealed []byte, err error) {
		if err != nil {
			t.Fatal(err)
		}
		v.Envelopes = append(v.Envelopes, envelopeCase{k, a.id, len(v.Subjects) - 1, p, plaintext, sealed})
		b := make([]byte, aadLen)
		h := newHead(uint16(a.Generation()))
		putAAD(b, k, a.id, p, subjectKey, h)
		v.AADs = append(v.AADs, aadCase{k, a.id, p, subjectKey, h.generation, hex.EncodeToString(b)})
	}
	if p.Table == TableAuditEntries {
		sealed, err := a.SealAudit(p, []byte(plaintext))
		add(kindAudit, 0, sealed, err)
	}
	if s != nil {
		sealed, err := s.Seal(p, []byte(plaintext))
		add(kindSubjectValue, s.id, sealed, err)
	}
	sealed, err := a.Seal(p, []byte(plaintext))
	add(kindAccountValue, 0, sealed, err)
}

func (v *vectors) tags(t *testing.T, a *Account, f Field, value string) {
	t.Helper()
	tags, err := a.Tags(f, []byte(value))
	if err != nil {
		t.Fatal(err)
	}
	for _, tag := range tags {
		v.Tags = append(v.Tags, tagCase{a.id, f, value, tag.Generation, hex.EncodeToString(tag.Value)})
	}
}

func (v *vectors) context(t *testing.T, a *Account, context, plaintext string) {
	t.Helper()
	cursor, err := a.SealCursor([]byte(context), []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	token, err := a.sealShort(a.vault, kindToken, Place{}, 0, []byte(context), []byte(plaintext))
	if err != nil {
		t.Fatal(err)
	}
	v.Cursors = append(v.Cursors, contextCase{a.id, context, plaintext, cursor})
	v.Tokens = append(v.Tokens, contextCase{a.id, context, plaintext, token})
}

// rotate adds the next generation of a purpose, makes it the active one, and lets the keyring see it.
func rotate(t testing.TB, k *Keyring, sets *memory, account int64, p chat.KeysetPurpose) {
	t.Helper()
	next := 1
	for sets.find(account, p, next) != nil {
		next++
	}
	ks, err := k.makeKeyset(t.Context(), account, p, next, chat.KeysetActive)
	if err != nil {
		t.Fatal(err)
	}
	sets.change(func(m *memory) {
		m.find(account, p, next-1).State = chat.KeysetRetired
		m.rows = append(m.rows, ks)
	})
	k.Forget(account)
}
