package store

import (
	"fmt"
	"math"
	"time"

	"github.com/jackc/pgx/v5/pgtype"
)

// auditTime reads a time of the audit trail, whatever somebody has put there: one that has no end is the furthest there is,
// which no time of ours is, instead of an error that keeps the whole trail from being read.
type auditTime time.Time

// ScanTimestamptz implements pgtype.TimestamptzScanner.
func (a *auditTime) ScanTimestamptz(v pgtype.Timestamptz) error {
	switch {
	case !v.Valid:
		return fmt.Errorf("read a time of the audit trail: there is none")
	case v.InfinityModifier == pgtype.Infinity:
		*a = auditTime(time.UnixMicro(math.MaxInt64))
	case v.InfinityModifier == pgtype.NegativeInfinity:
		*a = auditTime(time.UnixMicro(math.MinInt64))
	default:
		*a = auditTime(v.Time)
	}
	return nil
}
