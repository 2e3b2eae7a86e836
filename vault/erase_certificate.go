package vault

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

const certificateVersion = 1

// CertifyErasure gives the certificate of a contact's erasure as of now. chat.ErrNotFound when it was not erased.
func (v *Vault) CertifyErasure(ctx context.Context, accountID, contactID int64, epochs chat.Epochs, now time.Time) (*chat.Certificate, error) {
	e, err := v.store.FindErasure(ctx, accountID, contactID)
	if err != nil {
		return nil, err
	}
	c := &chat.Certificate{Version: certificateVersion, AccountID: chat.ID(accountID), ContactID: chat.ID(contactID), ErasureID: chat.ID(e.ID),
		By: e.Actor.Kind + " " + e.Actor.ID, ErasedAt: e.ErasedAt.UTC(), SubjectKeyIDs: publicIDs(e.SubjectKeyIDs), Rows: e.Counts, Verified: e.Proven(),
		Leftovers: e.Leftovers, Epoch: e.Epoch, IssuedAt: now.UTC().Truncate(time.Second)}
	if c.Verified {
		c.VerifiedAt = e.VerifiedAt.UTC()
	}
	if c.Backups, err = v.backups(ctx, e, epochs); err != nil {
		return nil, err
	}
	if c.LeftToOthers, err = v.leftToOthers(ctx, e); err != nil {
		return nil, err
	}
	return c, v.sign(ctx, c)
}

func publicIDs(list []int64) []chat.ID {
	out := make([]chat.ID, len(list))
	for i, id := range list {
		out[i] = chat.ID(id)
	}
	return out
}

const (
	noEpochs = "The contact's keys were wrapped by no epoch key: a backup of before the erasure brings the contact back for as long as it is kept, unless the ledger of erasures is replayed."
	noKey    = "No key of the contact's was in use when it was erased: a backup brings back what it holds in clear for as long as it is kept, unless the ledger of erasures is replayed."
	plainToo = " What Chatwoot's own columns held in clear when a backup was taken is in that backup for as long as it is kept."
)

// backups says when the last key dies that could open the contact's keys in a backup: its epoch is followed by another
// within the length of one, and destroyed a retention later.
func (v *Vault) backups(ctx context.Context, e *chat.Erasure, epochs chat.Epochs) (chat.Backups, error) {
	switch {
	case e.Counts["cloakroom.subject_keys"] == 0 && e.Epoch == 0:
		return chat.Backups{Statement: noKey}, nil
	case e.Epoch == 0:
		return chat.Backups{Statement: noEpochs + plainToo}, nil
	}
	epoch, ok, err := v.store.FindErasedEpoch(ctx, e.Epoch)
	if err != nil {
		return chat.Backups{}, err
	}
	switch {
	case !ok:
		return chat.Backups{Statement: fmt.Sprintf("Epoch %d is not on record: nothing can be said of backups.", e.Epoch)}, nil
	case epoch.State == chat.KeysetDestroyed:
		at := epoch.DestroyedAt.UTC()
		return chat.Backups{UnreadableAfter: at, Statement: fmt.Sprintf("The key of epoch %d was destroyed: no backup opens what the contact's keys sealed.", e.Epoch) + plainToo}, nil
	}
	at := epoch.ActivatedAt.Add(epochs.Length + epochs.Retention)
	if !epoch.RetiredAt.IsZero() {
		at = epoch.RetiredAt.Add(epochs.Retention)
	}
	if epoch.RetiredAt.IsZero() && epochs.Length == 0 {
		return chat.Backups{Statement: fmt.Sprintf("Epoch %d is in use and no other will follow: epochs are switched off, and backups open for as long as they are kept.", e.Epoch) + plainToo}, nil
	}
	return chat.Backups{UnreadableAfter: at.UTC(), Statement: fmt.Sprintf("The key of epoch %d is destroyed on that day; the key service may keep it for a time of its own after that. From then on no backup opens what the contact's keys sealed.", e.Epoch) + plainToo}, nil
}

func (v *Vault) leftToOthers(ctx context.Context, e *chat.Erasure) (chat.LeftToOthers, error) {
	attachments, avatar, err := v.store.ListErasedFiles(ctx, e.AccountID, e.ContactID)
	if err != nil {
		return chat.LeftToOthers{}, err
	}
	return chat.LeftToOthers{AttachmentIDs: publicIDs(attachments), Avatar: avatar, Statement: "Files in Chatwoot's storage, its Redis and search index, " +
		"and what was sent to other systems are not Cloakroom's to erase; these files are Chatwoot's to delete."}, nil
}

// sign fills in hash and tag.
func (v *Vault) sign(ctx context.Context, c *chat.Certificate) error {
	sum, tag, err := v.certificateTag(ctx, *c)
	if err != nil {
		return err
	}
	c.SHA256, c.Tag = hex.EncodeToString(sum), base64.StdEncoding.EncodeToString(tag)
	return nil
}

// certificateTag gives the hash of a certificate's canonical form, which is its JSON without hash and tag, members in the order of
// their declaration, and the tag of that.
func (v *Vault) certificateTag(ctx context.Context, c chat.Certificate) (sum, tag []byte, err error) {
	c.SHA256, c.Tag = "", ""
	text, err := json.Marshal(c)
	if err != nil {
		return nil, nil, fmt.Errorf("encode a certificate: %w", err)
	}
	keys, err := v.keys.Account(ctx, 0)
	if err != nil {
		return nil, nil, err
	}
	hash := sha256.Sum256(text)
	tag, err = keys.Certify(hash[:])
	return hash[:], tag, err
}

// CheckCertificate says whether this installation wrote a certificate, byte for byte in what it says; chat.Invalid when not.
func (v *Vault) CheckCertificate(ctx context.Context, text []byte) (*chat.Certificate, error) {
	c := new(chat.Certificate)
	var compact bytes.Buffer
	if json.Unmarshal(text, c) != nil || json.Compact(&compact, text) != nil {
		return nil, chat.Errorf(chat.Invalid, "this is no certificate of an erasure")
	}
	if c.Version != certificateVersion {
		return nil, chat.Errorf(chat.Invalid, "this certificate is of version %d, which this program does not know", c.Version)
	}
	sum, tag, err := v.certificateTag(ctx, *c)
	if err != nil {
		return nil, err
	}
	// Text that says a thing twice, or says more, is read by others in another way.
	again, err := json.Marshal(c)
	if err != nil || !bytes.Equal(again, compact.Bytes()) {
		return nil, chat.Errorf(chat.Invalid, "this certificate is not in the form in which it was written")
	}
	given, err := base64.StdEncoding.DecodeString(c.Tag)
	if err != nil || c.SHA256 != hex.EncodeToString(sum) || !hmac.Equal(given, tag) {
		return nil, chat.Errorf(chat.Invalid, "this installation did not write this certificate, or somebody has changed it")
	}
	return c, nil
}
