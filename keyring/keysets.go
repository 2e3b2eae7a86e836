package keyring

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/prf/hmacprf"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Keysets is where wrapped keysets are kept; the store implements it.
type Keysets interface {
	// ListKeysets gives every keyset of the account in any order, those out of use included; none is an
	// empty list.
	ListKeysets(ctx context.Context, accountID int64) ([]chat.Keyset, error)
	// CreateKeysets inserts those whose account, purpose and generation are not there yet and leaves
	// existing ones alone: two replicas may race, and the caller lists again to see who won.
	CreateKeysets(ctx context.Context, sets []chat.Keyset) error
}

const maxGeneration = 1<<16 - 1 // two bytes in the envelope

// template says which key a purpose has. A keyset of another sort is refused on reading, whoever wrote it.
func template(p chat.KeysetPurpose) *tinkpb.KeyTemplate {
	if p == chat.KeysetIndex || p == chat.KeysetAlias {
		return prf.HMACSHA256PRFKeyTemplate()
	}
	return aead.AES256GCMKeyTemplate()
}

// wrapContext binds a wrapped keyset to its row: purpose, account and generation, each behind its length
// as u32. Without it a row could be copied to another account.
func wrapContext(ks *chat.Keyset) []byte {
	b := appendPrefixed(nil, string(ks.Purpose))
	b = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(b, 8), uint64(ks.AccountID))
	return binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), uint16(ks.Generation))
}

// makeKeyset makes and wraps a new active keyset.
func (k *Keyring) makeKeyset(ctx context.Context, accountID int64, p chat.KeysetPurpose, generation int) (chat.Keyset, error) {
	now := k.now()
	ks := chat.Keyset{
		AccountID: accountID, Purpose: p, Generation: generation, MasterKey: k.masterURI,
		State: chat.KeysetActive, CreatedAt: now, ActivatedAt: now,
	}
	return k.wrap(ctx, ks, template(p))
}

// wrap makes a key and wraps it for the row ks.
func (k *Keyring) wrap(ctx context.Context, ks chat.Keyset, key *tinkpb.KeyTemplate) (chat.Keyset, error) {
	handle, err := keyset.NewHandle(key)
	if err != nil {
		return ks, fmt.Errorf("make %s keyset of account %d: %w", ks.Purpose, ks.AccountID, err)
	}
	var wrapped bytes.Buffer
	master := &witness{AEADWithContext: k.master}
	err = handle.WriteWithContext(ctx, keyset.NewBinaryWriter(&wrapped), master, wrapContext(&ks))
	if err = cmp.Or(master.err, err); err != nil {
		return ks, fmt.Errorf("wrap %s keyset of account %d: %w", ks.Purpose, ks.AccountID, err)
	}
	ks.Wrapped = wrapped.Bytes()
	return ks, nil
}

// openKeyset unwraps a keyset: one call to the master key. Values are never sealed with a call each.
func (k *Keyring) openKeyset(ctx context.Context, ks chat.Keyset) (opened, error) {
	master := &witness{AEADWithContext: k.master}
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(ks.Wrapped)), master, wrapContext(&ks))
	if err = cmp.Or(master.err, err); err != nil {
		return opened{}, fmt.Errorf("unwrap %s keyset, generation %d%s: %w", ks.Purpose, ks.Generation, k.otherMaster(&ks), err)
	}
	if err := checkKey(handle, ks.Purpose); err != nil {
		return opened{}, fmt.Errorf("%s keyset, generation %d: %w", ks.Purpose, ks.Generation, err)
	}
	return opened{row: ks, handle: handle}, nil
}

// witness keeps the master key's own error, which Tink turns into text: a caller must be able to tell a
// deadline from a refusal.
type witness struct {
	tink.AEADWithContext
	err error
}

func (w *witness) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) (b []byte, err error) {
	b, w.err = w.AEADWithContext.EncryptWithContext(ctx, plaintext, associatedData)
	return b, w.err
}

func (w *witness) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) (b []byte, err error) {
	b, w.err = w.AEADWithContext.DecryptWithContext(ctx, ciphertext, associatedData)
	return b, w.err
}

// otherMaster adds the likeliest cause to an error. The name is only a hint: the same key may have moved.
func (k *Keyring) otherMaster(ks *chat.Keyset) string {
	if ks.MasterKey == k.masterURI {
		return ""
	}
	return fmt.Sprintf(" (wrapped by master key %q, not by %q)", ks.MasterKey, k.masterURI)
}

// checkKey refuses a keyset that is not exactly what template makes: one key, of that sort and size.
func checkKey(handle *keyset.Handle, p chat.KeysetPurpose) error {
	if handle.Len() != 1 {
		return fmt.Errorf("it has %d keys, want 1", handle.Len())
	}
	primary, err := handle.Primary()
	if err != nil {
		return fmt.Errorf("find its key: %w", err)
	}
	switch params := primary.Key().Parameters().(type) {
	case *aesgcm.Parameters:
		if template(p).TypeUrl == aead.AES256GCMKeyTemplate().TypeUrl && params.KeySizeInBytes() == 32 && params.Variant() == aesgcm.VariantTink {
			return nil
		}
	case *hmacprf.Parameters:
		if template(p).TypeUrl == prf.HMACSHA256PRFKeyTemplate().TypeUrl && params.HashType() == hmacprf.SHA256 && params.KeySizeInBytes() >= 32 {
			return nil
		}
	}
	return fmt.Errorf("its key is not of the sort this purpose uses")
}
