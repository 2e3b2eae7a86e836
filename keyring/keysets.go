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
)

// Keysets is where wrapped keysets are kept; the store implements it.
type Keysets interface {
	// ListKeysets gives every keyset of the account in any order, those out of use included; none is an
	// empty list.
	ListKeysets(ctx context.Context, accountID int64) ([]chat.Keyset, error)
	// CreateKeysets inserts those whose account, purpose and generation are not there yet and leaves
	// existing ones alone: two replicas may race, and the caller lists again to see who won.
	CreateKeysets(ctx context.Context, sets []chat.Keyset) error
	// ListEpochs gives every epoch, those out of use included; none is an empty list.
	ListEpochs(ctx context.Context) ([]chat.Epoch, error)
	// CreateEpoch inserts an epoch and leaves one of the same number alone, as CreateKeysets does.
	CreateEpoch(ctx context.Context, e chat.Epoch) error
	// ListSuccessions gives every succession of master keys, in any order.
	ListSuccessions(ctx context.Context) ([]chat.Succession, error)
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

// makeKeyset makes a keyset and wraps it under the head of the chain.
func (k *Keyring) makeKeyset(ctx context.Context, accountID int64, p chat.KeysetPurpose, generation int, state string) (chat.Keyset, error) {
	head := k.head()
	ks := chat.Keyset{
		AccountID: accountID, Purpose: p, Generation: generation, MasterKey: head.URI(), State: state, CreatedAt: k.now(),
	}
	if state == chat.KeysetActive {
		ks.ActivatedAt = ks.CreatedAt
	}
	var err error
	if ks.Wrapped, err = k.wrapNew(ctx, head, template(p), wrapContext(&ks)); err != nil {
		return ks, fmt.Errorf("make %s keyset of account %d: %w", p, accountID, err)
	}
	return ks, nil
}

// wrapNew makes a key and wraps it.
func (k *Keyring) wrapNew(ctx context.Context, master MasterKey, key *tinkpb.KeyTemplate, associatedData []byte) ([]byte, error) {
	handle, err := keyset.NewHandle(key)
	if err != nil {
		return nil, fmt.Errorf("make a key: %w", err)
	}
	return k.wrap(ctx, master, handle, associatedData)
}

// wrap wraps a keyset: one call to the key service.
func (k *Keyring) wrap(ctx context.Context, master MasterKey, handle *keyset.Handle, associatedData []byte) ([]byte, error) {
	var wrapped bytes.Buffer
	w := &witness{MasterKey: master, keyring: k}
	err := handle.WriteWithContext(ctx, keyset.NewBinaryWriter(&wrapped), w, associatedData)
	if err = cmp.Or(w.err, err); err != nil {
		return nil, fmt.Errorf("wrap: %w", err)
	}
	return wrapped.Bytes(), nil
}

// unwrap unwraps a keyset: one call to the key service. Values are never sealed with a call each.
func (k *Keyring) unwrap(ctx context.Context, master MasterKey, wrapped, associatedData []byte) (*keyset.Handle, error) {
	w := &witness{MasterKey: master, keyring: k}
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(wrapped)), w, associatedData)
	if err = cmp.Or(w.err, err); err != nil {
		return nil, err
	}
	return handle, nil
}

// openKeyset unwraps a keyset with the master key that its row names. One that the chain does not know can be the
// configured one under the name it had before it was moved: what it opens, it wrapped.
func (k *Keyring) openKeyset(ctx context.Context, ks chat.Keyset) (opened, error) {
	master, known := k.masterOf(ks.MasterKey)
	handle, err := k.unwrap(ctx, master, ks.Wrapped, wrapContext(&ks))
	if err != nil {
		return opened{}, fmt.Errorf("unwrap %s keyset, generation %d%s: %w", ks.Purpose, ks.Generation, otherMaster(ks.MasterKey, master, known), err)
	}
	if err := checkKey(handle, template(ks.Purpose)); err != nil {
		return opened{}, fmt.Errorf("%s keyset, generation %d: %w", ks.Purpose, ks.Generation, err)
	}
	if !known {
		k.remember(ks.MasterKey)
	}
	return opened{row: ks, handle: handle}, nil
}

// witness keeps the key service's own error, which Tink turns into text: a caller must be able to tell a
// deadline from a refusal, and it names the key and says what to do.
type witness struct {
	MasterKey
	keyring *Keyring
	err     error
}

func (w *witness) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) (b []byte, err error) {
	b, w.err = w.MasterKey.EncryptWithContext(ctx, plaintext, associatedData)
	return b, w.err
}

func (w *witness) DecryptWithContext(ctx context.Context, ciphertext, associatedData []byte) (b []byte, err error) {
	b, w.err = w.MasterKey.DecryptWithContext(ctx, ciphertext, associatedData)
	w.keyring.unwrapped(w.err)
	return b, w.err
}

// otherMaster adds the likeliest cause to an error.
func otherMaster(named string, used MasterKey, known bool) string {
	if known {
		return ""
	}
	return fmt.Sprintf(" (wrapped by master key %q, which is not in the chain that begins with %q: set MASTER_KEY to the key "+
		"that wrapped it, or to one from which a succession leads there)", named, used.URI())
}

// checkKey refuses a keyset that is not exactly what its template makes: one key, of that sort and size.
func checkKey(handle *keyset.Handle, want *tinkpb.KeyTemplate) error {
	if handle.Len() != 1 {
		return fmt.Errorf("it has %d keys, want 1", handle.Len())
	}
	primary, err := handle.Primary()
	if err != nil {
		return fmt.Errorf("find its key: %w", err)
	}
	switch params := primary.Key().Parameters().(type) {
	case *aesgcm.Parameters:
		if want.TypeUrl == aead.AES256GCMKeyTemplate().TypeUrl && params.KeySizeInBytes() == 32 && params.Variant() == aesgcm.VariantTink {
			return nil
		}
	case *hmacprf.Parameters:
		if want.TypeUrl == prf.HMACSHA256PRFKeyTemplate().TypeUrl && params.HashType() == hmacprf.SHA256 && params.KeySizeInBytes() >= 32 {
			return nil
		}
	}
	return fmt.Errorf("its key is not of the sort this purpose uses")
}
