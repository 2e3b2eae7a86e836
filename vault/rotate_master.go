package vault

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// A batch of keysets is short because each takes calls to the key service, and shorter where that is slow.
const (
	keysetBatch     = 50
	keysetBatchTime = 2 * time.Second
)

// rotateMaster puts another master key in force: named by the one before, so that every replica follows without a
// restart; then every keyset is wrapped under it, and a new epoch begun beside it.
var rotateMaster = append([]step{
	{name: "announce", batch: announceMaster},
	settle("await followers"),
	{name: "rewrap keysets", count: countKeysets, batch: rewrapKeysets},
	{name: "verify keysets", batch: verifyKeysets},
}, epochSteps...)

// announceMaster has the present master key name its successor. One that is in force already, because an earlier job was
// cancelled, is gone on with.
func announceMaster(ctx context.Context, b *batch) (outcome, error) {
	if err := b.keys.Follow(ctx); err != nil {
		return outcome{}, err
	}
	before := b.keys.MasterURI()
	s, err := b.keys.Succeed(ctx, b.job.Arguments.To)
	var refused *chat.Error
	switch {
	case errors.As(err, &refused) && s.Successor == before && before != "":
		return over(0), b.changed(ctx, 0)
	case err != nil:
		return outcome{}, err
	}
	if err := b.tx.CreateSuccession(ctx, s); err != nil {
		return outcome{}, err
	}
	details := map[string]any{"before": s.MasterKey, "master_key": s.Successor}
	if err := b.put(ctx, chat.MasterKeyFollowed, "job", b.job.ID, details); err != nil {
		return outcome{}, err
	}
	b.after = append(b.after, b.followMaster)
	return over(0), b.changed(ctx, 0)
}

// followMaster takes the new master key into use in this process; when that fails, the next batch tries it again.
func (b *batch) followMaster(ctx context.Context) {
	if err := b.keys.Follow(ctx); err != nil {
		b.log.WarnContext(ctx, "the new master key is not in use here yet", "error", err.Error())
	}
}

// head gives the master key that keysets must lie under: the one that was asked for, or one that has followed since.
func (b *batch) head(ctx context.Context) (string, error) {
	if err := b.keys.Follow(ctx); err != nil {
		return "", err
	}
	return b.keys.MasterURI(), nil
}

func countKeysets(ctx context.Context, b *batch) (int64, error) {
	head, err := b.head(ctx)
	if err != nil {
		return 0, err
	}
	if b.job.Arguments.DryRun {
		head = ""
	}
	return b.tx.CountKeysetsNotUnder(ctx, head)
}

func rewrapKeysets(ctx context.Context, b *batch) (outcome, error) {
	head, err := b.head(ctx)
	if err != nil {
		return outcome{}, err
	}
	limit := min(b.limit, keysetBatch)
	sets, err := b.tx.ListKeysetsNotUnder(ctx, head, -1, "", 0, limit)
	if err != nil {
		return outcome{}, err
	}
	start, n := time.Now(), 0
	for n < len(sets) && (n == 0 || time.Since(start) < keysetBatchTime) {
		before := sets[n]
		after, err := b.keys.Rewrap(ctx, before)
		if err != nil {
			return outcome{}, err
		}
		if _, err := b.tx.ReplaceKeyset(ctx, before, after); err != nil { // one that was destroyed meanwhile stays so
			return outcome{}, err
		}
		n++
	}
	// The keys are the same, so nobody need forget them; but a replica that reads one from now on must know the new
	// master key, and it does: all have acknowledged it.
	return outcome{rows: int64(n), done: n == len(sets) && n < limit}, nil
}

func verifyKeysets(ctx context.Context, b *batch) (outcome, error) {
	head, err := b.head(ctx)
	if err != nil {
		return outcome{}, err
	}
	left, err := b.tx.CountKeysetsNotUnder(ctx, head)
	if err != nil {
		return outcome{}, err
	}
	if left > 0 {
		return outcome{back: "rewrap keysets", wait: passAgain, waitingFor: fmt.Sprintf("%d keysets that were made meanwhile", left)}, nil
	}
	return over(0), b.put(ctx, chat.KeysetsRewrapped, "job", b.job.ID, map[string]any{"master_key": head})
}
