package keyring

import (
	"errors"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// Account holds an account's keys, ready for use. It does not change after it was made, and is safe for
// concurrent use; the Keyring replaces it when its time is over, so ask anew for every request.
type Account struct {
	*keys
	epochs   *epochKeys
	subjects *subjectCache
}

// keys are an account's own keys.
type keys struct {
	id                         int64
	data, vault, cursor, audit ring[tink.AEAD]
	index, alias               ring[*prf.Set]
	sets                       []opened // what they were built from
}

// ID is the account's id, 0 for the installation.
func (a *Account) ID() int64 { return a.id }

// Generation is the generation that seals data now: what rows store as key_id.
func (a *Account) Generation() int { return int(a.data.active.number) }

// Epoch is the epoch that subject keys are wrapped under now: what their rows store as epoch; 0 is none.
func (a *Account) Epoch() int { return int(a.epochs.active.number) }

// Generations are those that seal now, by purpose.
func (a *Account) Generations() map[chat.KeysetPurpose]int {
	return map[chat.KeysetPurpose]int{
		chat.KeysetData: int(a.data.active.number), chat.KeysetIndex: int(a.index.active.number),
		chat.KeysetVault: int(a.vault.active.number), chat.KeysetCursor: int(a.cursor.active.number),
		chat.KeysetAlias: int(a.alias.active.number), chat.KeysetAudit: int(a.audit.active.number),
	}
}

// ring is one purpose's keys: one generation seals, every live one opens.
type ring[P any] struct {
	active generation[P]
	live   []generation[P] // pending, active and retired, by number
}

type generation[P any] struct {
	number    uint16
	primitive P
}

// find gives the primitive of a live generation. There are one or two, so a scan beats a map.
func (r *ring[P]) find(number uint16) (primitive P, ok bool) {
	for i := range r.live {
		if r.live[i].number == number {
			return r.live[i].primitive, true
		}
	}
	return primitive, false
}

// errNoActive is a purpose that has keysets but none that may seal. Unlike a key service that is down it
// is a decision, so cached keys are not used to get round it.
var errNoActive = errors.New("no active keyset")

// opened is a keyset after unwrapping.
type opened struct {
	row    chat.Keyset
	handle *keyset.Handle
}

// newAccount builds the primitives of an account from its opened keysets.
func newAccount(id int64, sets []opened, b *budget) (*Account, error) {
	a := &Account{keys: &keys{id: id, sets: sets}, subjects: newSubjectCache(b)}
	var errs [6]error
	a.data, errs[0] = newRing(sets, chat.KeysetData, aead.New)
	a.vault, errs[1] = newRing(sets, chat.KeysetVault, aead.New)
	a.cursor, errs[2] = newRing(sets, chat.KeysetCursor, aead.New)
	a.audit, errs[3] = newRing(sets, chat.KeysetAudit, aead.New)
	a.index, errs[4] = newRing(sets, chat.KeysetIndex, prf.NewPRFSet)
	a.alias, errs[5] = newRing(sets, chat.KeysetAlias, prf.NewPRFSet)
	if err := errors.Join(errs[:]...); err != nil {
		return nil, err
	}
	return a, nil
}

// newRing gathers the generations of one purpose. Two active ones can only be an interrupted rotation:
// the newer one seals, and both open.
func newRing[P any](sets []opened, purpose chat.KeysetPurpose, build func(*keyset.Handle) (P, error)) (ring[P], error) {
	var r ring[P]
	for _, s := range sets {
		if s.row.Purpose != purpose {
			continue
		}
		primitive, err := build(s.handle)
		if err != nil {
			return r, fmt.Errorf("prepare %s keyset, generation %d: %w", purpose, s.row.Generation, err)
		}
		g := generation[P]{number: uint16(s.row.Generation), primitive: primitive}
		r.live = append(r.live, g)
		if s.row.State == chat.KeysetActive && g.number > r.active.number {
			r.active = g
		}
	}
	if r.active.number == 0 {
		return r, fmt.Errorf("%s: %w", purpose, errNoActive)
	}
	slices.SortFunc(r.live, func(x, y generation[P]) int { return int(x.number) - int(y.number) })
	return r, nil
}
