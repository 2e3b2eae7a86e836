package vault

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// limitOf keeps a batch of a job with a rate to a quarter of a second's rows, so that its pace is even and a pause
// is felt at once.
func limitOf(job *chat.Job) int {
	if rate := job.Arguments.Rate; rate > 0 {
		return min(max(rate/4, 1), jobBatch)
	}
	return jobBatch
}

// pace gives how long a job with a rate must rest after a batch.
func (w *worker) pace(start time.Time, rows int64) time.Duration {
	rate := w.job.Arguments.Rate
	if rate <= 0 {
		return 0
	}
	return max(0, time.Until(start.Add(time.Duration(rows)*time.Second/time.Duration(rate))))
}

func pause(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}
