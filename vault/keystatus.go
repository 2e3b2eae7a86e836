package vault

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// KeyStatus is where the keys of an installation stand.
type KeyStatus struct {
	MasterKey string // the URI that new keysets are wrapped by
	Keysets   []KeysetStatus
	Epochs    []EpochStatus
	Replicas  []store.Replica // that hold keys now
	Jobs      []*chat.Job     // that are open
}

// KeysetStatus is one generation, with the rows that name it; -1 is not counted. NextRotation is zero for generations
// that are not in force and for keys that are not rotated by schedule.
type KeysetStatus struct {
	chat.Keyset
	Rows         int64
	NextRotation time.Time
	Overdue      bool
}

// EpochStatus is one epoch, with the active subject keys that are wrapped under it. Unreadable is when its key is
// gone, and every backup of its time with it; zero while that is not known.
type EpochStatus struct {
	chat.Epoch
	Rows         int64
	NextRotation time.Time
	Overdue      bool
	Unreadable   time.Time
}

// KeyStatus reads where the keys of one account stand, or with -1 of all. Counting rows reads every sealed table once.
func (v *Vault) KeyStatus(ctx context.Context, accountID int64, countRows bool) (*KeyStatus, error) {
	status := &KeyStatus{MasterKey: v.keys.MasterURI()}
	var err error
	if status.Keysets, err = v.keysetStatus(ctx, accountID, countRows); err != nil {
		return nil, err
	}
	if status.Epochs, err = v.epochStatus(ctx, countRows); err != nil {
		return nil, err
	}
	if status.Replicas, err = v.store.ListReplicas(ctx); err != nil {
		return nil, err
	}
	status.Jobs, err = v.store.ListJobs(ctx, false)
	return status, err
}

type generationKey struct {
	accountID  int64
	purpose    chat.KeysetPurpose
	generation int
}

func (v *Vault) keysetStatus(ctx context.Context, accountID int64, countRows bool) ([]KeysetStatus, error) {
	sets, err := v.store.ListAllKeysets(ctx, accountID)
	if err != nil {
		return nil, err
	}
	rows := make(map[generationKey]int64)
	if countRows {
		counted, err := v.store.CountGenerations(ctx, accountID)
		if err != nil {
			return nil, err
		}
		for _, c := range counted {
			rows[generationKey{c.AccountID, c.Purpose, c.Generation}] = c.Rows
		}
	}
	list := make([]KeysetStatus, len(sets))
	for i, ks := range sets {
		list[i] = KeysetStatus{Keyset: ks, Rows: -1}
		if countRows {
			list[i].Rows = rows[generationKey{ks.AccountID, ks.Purpose, ks.Generation}]
		}
		if ks.State == chat.KeysetActive && rotatedBySchedule(ks.Purpose) {
			list[i].NextRotation, list[i].Overdue = v.Schedule.next(ks.ActivatedAt, v.Schedule.Rotation)
		}
	}
	return list, nil
}

func (v *Vault) epochStatus(ctx context.Context, countRows bool) ([]EpochStatus, error) {
	epochs, err := v.store.ListEpochs(ctx)
	if err != nil {
		return nil, err
	}
	rows := make(map[int]int64)
	if countRows {
		if rows, err = v.store.CountEpochs(ctx); err != nil {
			return nil, err
		}
	}
	list := make([]EpochStatus, len(epochs))
	for i, e := range epochs {
		list[i] = EpochStatus{Epoch: e, Rows: -1}
		if countRows {
			list[i].Rows = rows[e.Number]
		}
		switch e.State {
		case chat.KeysetActive:
			list[i].NextRotation, list[i].Overdue = v.Schedule.next(e.ActivatedAt, v.Schedule.EpochLength)
		case chat.KeysetRetired:
			list[i].Unreadable = e.RetiredAt.Add(v.Schedule.EpochRetention)
		case chat.KeysetDestroyed:
			list[i].Unreadable = e.DestroyedAt
		}
	}
	return list, nil
}

// overdueAfter is how long past its day a rotation may be before somebody should look.
const overdueAfter = 7 * 24 * time.Hour

// next says when a key that is in force since a time is to be rotated, and whether that is long past. Without an
// interval there is no such day.
func (s Schedule) next(since time.Time, interval time.Duration) (day time.Time, overdue bool) {
	if interval <= 0 || since.IsZero() {
		return time.Time{}, false
	}
	day = since.Add(interval)
	return day, time.Now().After(day.Add(overdueAfter))
}
