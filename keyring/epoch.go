package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/tink"
	"golang.org/x/sync/errgroup"
)

// epochKeys are the keys of the epochs, ready for use; they do not change after they were made.
type epochKeys struct {
	ring[tink.AEAD]
	reading uint64       // a later reading has a higher number
	rows    []chat.Epoch // those that are live, as they were read
	gone    []int        // those of them whose key the key service does not have any more

	children map[epochPlace]MasterKey // what wraps them: opening one tries it first, which is not needed at each reading
}

// epochPlace says beside which master key a key of an epoch lies.
type epochPlace struct{ master, name string }

// epochName is what a key of an epoch may be called: the name comes from the database, and goes into a key service's
// paths.
var epochName = regexp.MustCompile(`^epoch-[a-z2-7]{16}$`)

func newEpochName() string { return "epoch-" + strings.ToLower(rand.Text()[:16]) }

// epochContext binds a wrapped epoch to its number and to its key's name, each behind its length as u32.
func epochContext(e *chat.Epoch) []byte {
	b := appendPrefixed(nil, "epoch")
	b = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(b, 2), uint16(e.Number))
	return appendPrefixed(b, e.Name)
}

// NewEpoch makes an epoch, pending, and its key in the key service, beside the master key that wraps now. It is not
// stored: whoever does not store it must give it to DestroyEpoch.
func (k *Keyring) NewEpoch(ctx context.Context, number int) (chat.Epoch, error) {
	if number < 1 || number > maxGeneration {
		return chat.Epoch{}, fmt.Errorf("make epoch %d: its number is not between 1 and %d", number, maxGeneration)
	}
	if err := k.Follow(ctx); err != nil {
		return chat.Epoch{}, err
	}
	head := k.head()
	e := chat.Epoch{Number: number, Name: newEpochName(), MasterKey: head.URI(), State: chat.KeysetPending, CreatedAt: k.now()}
	child, err := head.Child(ctx, e.Name, true)
	if err != nil {
		err = fmt.Errorf("make the key of epoch %d beside master key %q: %w (let this program make keys there, or do without epochs: EPOCH_LENGTH=0)",
			number, e.MasterKey, err)
		return e, errors.Join(err, k.discard(ctx, e)) // it may have been made, and not been there in time
	}
	if e.Wrapped, err = k.wrapNew(ctx, child, aead.AES256GCMKeyTemplate(), epochContext(&e)); err != nil {
		return e, errors.Join(fmt.Errorf("make epoch %d: %w", number, err), k.discard(ctx, e))
	}
	return e, nil
}

// DestroyEpoch destroys the key of an epoch in its key service; nil when it is gone already. Every subject key that is
// wrapped under it is then lost, in every copy: rewrap first those that are to live.
func (k *Keyring) DestroyEpoch(ctx context.Context, e chat.Epoch) error {
	child, known, err := k.epochKey(ctx, &e)
	if k.goneAlready(&e, known, err) {
		return nil
	}
	if err == nil {
		err = child.Destroy(ctx)
	}
	if err != nil {
		return fmt.Errorf("destroy the key of epoch %d, %s beside master key %q: %w", e.Number, e.Name, e.MasterKey, err)
	}
	return nil
}

// FindEpoch says whether the key of an epoch can be destroyed from here: nil when it is there, or is known to be gone.
func (k *Keyring) FindEpoch(ctx context.Context, e chat.Epoch) error {
	if _, known, err := k.epochKey(ctx, &e); err != nil && !k.goneAlready(&e, known, err) {
		return fmt.Errorf("the key of epoch %d cannot be destroyed from here, and backups of its time still open: %w; run `cloakroom rotate retire --wait` "+
			"once with the MASTER_KEY of then", e.Number, err)
	}
	return nil
}

// goneAlready says that an epoch's key was destroyed: it is not where it was made, beside a master key of the chain or
// beside the configured one under its former name.
func (k *Keyring) goneAlready(e *chat.Epoch, known bool, err error) bool {
	return known && errors.Is(err, ErrNoKey) || errors.Is(err, errElsewhere) && k.wasCalled(e.MasterKey)
}

// discard destroys the key of an epoch that nothing was wrapped under, also when the caller has given up.
func (k *Keyring) discard(ctx context.Context, e chat.Epoch) error {
	long, cancel := context.WithTimeout(context.WithoutCancel(ctx), loadTimeout)
	defer cancel()
	if err := k.DestroyEpoch(long, e); err != nil {
		return fmt.Errorf("take back a key that is not needed (nothing is wrapped under it; it can be destroyed by hand): %w", err)
	}
	return nil
}

// errElsewhere is an epoch of a master key that the chain does not lead to: whether its key exists nobody here can say.
var errElsewhere = errors.New("beside a master key that this process does not know")

// epochKey opens the key of an epoch in its key service. As with keysets, a master key that the chain does not know can
// be the configured one under a former name.
func (k *Keyring) epochKey(ctx context.Context, e *chat.Epoch) (child MasterKey, known bool, err error) {
	if e.Number < 1 || e.Number > maxGeneration || !epochName.MatchString(e.Name) {
		return nil, false, errors.New("the number or the name in its row is not one that Cloakroom gives")
	}
	if err := k.meet(ctx, e.MasterKey); err != nil {
		return nil, false, err
	}
	master, known := k.masterOf(e.MasterKey)
	child, err = master.Child(ctx, e.Name, false)
	if !known && errors.Is(err, ErrNoKey) {
		return nil, false, fmt.Errorf("its key %s lies %w %q, and MASTER_KEY is %q", e.Name, errElsewhere, e.MasterKey, master.URI())
	}
	if err != nil {
		return nil, known, fmt.Errorf("open its key %s%s: master key %q: %w", e.Name, otherMaster(e.MasterKey, master, known), master.URI(), err)
	}
	return child, known, nil
}

// firstEpoch makes the first epoch, active at once because nothing is wrapped under another one, and lists again:
// where two replicas race the first one stands, and the other takes its key back.
func (k *Keyring) firstEpoch(ctx context.Context) ([]chat.Epoch, error) {
	e, err := k.NewEpoch(ctx, 1)
	if err != nil {
		return nil, err
	}
	e.State, e.ActivatedAt = chat.KeysetActive, e.CreatedAt
	if err := k.sets.CreateEpoch(ctx, e); err != nil {
		// Whether it was written is not known, so its key stays: one too many in the key service harms nothing.
		return nil, fmt.Errorf("store epoch 1, whose key is %s beside master key %q: %w", e.Name, e.MasterKey, err)
	}
	rows, err := k.sets.ListEpochs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the epochs: %w", err)
	}
	if slices.ContainsFunc(rows, func(row chat.Epoch) bool { return row.Name == e.Name }) {
		return rows, nil
	}
	return rows, k.discard(ctx, e)
}

// loadEpochs reads the epochs, makes the first one when there is none, and unwraps the live ones. When nothing is new
// it gives known, so that accounts keep what they unwrapped under it.
func (k *Keyring) loadEpochs(ctx context.Context, known *epochKeys) (*epochKeys, error) {
	rows, err := k.sets.ListEpochs(ctx)
	if err != nil {
		return nil, fmt.Errorf("list the epochs: %w", err)
	}
	if len(rows) == 0 && !k.noEpochs {
		if rows, err = k.firstEpoch(ctx); err != nil {
			return nil, err
		}
	}
	e, err := k.openEpochs(ctx, rows, known)
	if err != nil {
		return nil, err
	}
	if known != nil && slices.Equal(known.gone, e.gone) && slices.EqualFunc(known.rows, e.rows, sameEpoch) {
		return known, nil
	}
	e.reading = k.readings.Add(1)
	return e, nil
}

func sameEpoch(x, y chat.Epoch) bool {
	return x.Number == y.Number && x.Name == y.Name && x.MasterKey == y.MasterKey && x.State == y.State && bytes.Equal(x.Wrapped, y.Wrapped)
}

// openEpochs unwraps the live epochs, all at once. One whose key is gone opens nothing any more, and does not stop the
// others: that is what its destruction was for.
func (k *Keyring) openEpochs(ctx context.Context, rows []chat.Epoch, known *epochKeys) (*epochKeys, error) {
	e := &epochKeys{children: map[epochPlace]MasterKey{}}
	for _, row := range rows {
		switch row.State {
		case chat.KeysetPending, chat.KeysetActive, chat.KeysetRetired:
			e.rows = append(e.rows, row)
		case chat.KeysetDestroyed:
		default:
			return nil, fmt.Errorf("epoch %d is in an unknown state", row.Number)
		}
	}
	slices.SortFunc(e.rows, func(x, y chat.Epoch) int { return x.Number - y.Number })
	keys, children := make([]tink.AEAD, len(e.rows)), make([]MasterKey, len(e.rows))
	for i, row := range e.rows {
		if known != nil {
			children[i] = known.children[beside(row)]
		}
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(8)
	for i := range e.rows {
		group.Go(func() (err error) {
			keys[i], children[i], err = k.openEpoch(ctx, &e.rows[i], children[i])
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	for i, row := range e.rows {
		if keys[i] == nil {
			e.gone = append(e.gone, row.Number)
			continue
		}
		e.children[beside(row)] = children[i]
		g := generation[tink.AEAD]{number: uint16(row.Number), primitive: keys[i]}
		e.live = append(e.live, g)
		if row.State == chat.KeysetActive {
			e.active = g
		}
	}
	return e, nil
}

func beside(row chat.Epoch) epochPlace { return epochPlace{row.MasterKey, row.Name} }

// openEpoch unwraps an epoch's keyset; no key and no error when its key is gone from the key service. child is that key
// when it was opened before.
func (k *Keyring) openEpoch(ctx context.Context, row *chat.Epoch, child MasterKey) (tink.AEAD, MasterKey, error) {
	_, known := k.masterOf(row.MasterKey)
	var err error
	if child == nil {
		child, known, err = k.epochKey(ctx, row)
	}
	if err == nil {
		var handle *keyset.Handle
		if handle, err = k.unwrap(ctx, child, row.Wrapped, epochContext(row)); err == nil {
			if err = checkKey(handle, aead.AES256GCMKeyTemplate()); err == nil {
				key, err := aead.New(handle)
				return key, child, err
			}
		}
	}
	switch {
	case known && errors.Is(err, ErrNoKey):
		return nil, nil, nil
	case errors.Is(err, errElsewhere) && row.State == chat.KeysetRetired: // MASTER_KEY has moved on, and no subject key needs it
		return nil, nil, nil
	}
	return nil, nil, fmt.Errorf("unwrap epoch %d: %w", row.Number, err)
}

// sealing is the epoch that subject keys are wrapped under now; its number is 0 when there is none.
func (e *epochKeys) sealing() (generation[tink.AEAD], error) {
	if e.active.number == 0 {
		for _, row := range e.rows {
			if row.State == chat.KeysetActive {
				return e.active, fmt.Errorf("the key of epoch %d, %s beside master key %q, is gone from the key service: "+
					"nothing can be wrapped under it; rotate the epoch", row.Number, row.Name, row.MasterKey)
			}
		}
	}
	return e.active, nil
}
