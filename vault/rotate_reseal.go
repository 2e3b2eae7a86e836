package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
)

// errSealedWrong stops the job. It is no chat.ErrUnreadable: what lies in the row is sound, what was made of it is not.
var errSealedWrong = errors.New("a value does not open after it was sealed again")

func isUnreadable(err error) bool { return errors.Is(err, chat.ErrUnreadable) }

// resealAccount seals rows again, of one kind after the other, under the generation in force. Versions stay, nothing of
// Chatwoot's is touched, and nobody is told: for whoever reads, nothing has changed.
func resealAccount(ctx context.Context, b *batch) (outcome, error) {
	at := &b.job.Checkpoint
	if !b.job.Arguments.Reseal || at.Table >= len(sealOrder) {
		return over(0), nil
	}
	keys, generation, err := b.target(ctx)
	if err != nil {
		return outcome{}, err
	}
	kind := sealOrder[at.Table]
	rows, err := b.tx.LockStaleRows(ctx, keys.ID(), kind, at.Parent, at.ID, generation, b.limit)
	if err != nil {
		return outcome{}, err
	}
	sealed, err := b.reseal(ctx, keys, kind, rows)
	if err != nil {
		return outcome{}, err
	}
	n, err := b.tx.ResealRows(ctx, keys.ID(), kind, sealed, generation)
	if err == nil && n != int64(len(sealed)) {
		err = fmt.Errorf("re-seal account %d: %d of %d rows that are locked were written", keys.ID(), n, len(sealed))
	}
	if err != nil {
		return outcome{}, err
	}
	if len(rows) == b.limit {
		at.Parent, at.ID = rows[len(rows)-1].Parent, rows[len(rows)-1].ID
	} else {
		at.Table, at.Parent, at.ID = at.Table+1, 0, 0
	}
	return outcome{rows: int64(len(rows)), done: at.Table >= len(sealOrder)}, nil
}

// reseal gives the rows that opened, sealed again and opened once more.
func (b *batch) reseal(ctx context.Context, keys *keyring.Account, kind chat.RecordKind, rows []store.StaleRow) ([]store.StaleRow, error) {
	sealed := make([]store.StaleRow, 0, len(rows))
	again, faults := inParallel(rows, func(row *store.StaleRow) ([][]byte, error) { return resealRow(keys, kind, row) })
	for i := range rows {
		switch err := faults[i]; {
		case isUnreadable(err) || errors.Is(err, errKeyGone):
			b.atFault(ctx, recordNames[kind], keys.ID(), rows[i].ID, err)
		case err != nil:
			return nil, err
		default:
			rows[i].Columns = again[i]
			sealed = append(sealed, rows[i])
		}
	}
	return sealed, nil
}

// subjectOfRow opens the key that seals a row's values; errKeyGone when it was destroyed, as of somebody who was erased.
func subjectOfRow(keys *keyring.Account, contactID, subjectKeyID int64, wrapped []byte) (*keyring.Subject, error) {
	if len(wrapped) == 0 {
		return nil, errKeyGone
	}
	return keys.Subject(contactID, subjectKeyID, wrapped)
}

// resealRow seals a row's values again at their place. A row of somebody who was erased has none.
func resealRow(keys *keyring.Account, kind chat.RecordKind, row *store.StaleRow) ([][]byte, error) {
	columns := make([][]byte, len(row.Columns))
	var subject *keyring.Subject
	for i, f := range sealFields[kind] {
		if row.Columns[i] == nil {
			continue
		}
		var err error
		if subject == nil {
			if subject, err = subjectOfRow(keys, row.KeyContactID, row.SubjectKeyID, row.KeySealed); err != nil {
				return nil, err
			}
		}
		place := keyring.Place{Table: f.Table(), Field: f, Row: row.ID, Version: row.Version}
		if columns[i], err = subject.Reseal(place, row.Columns[i]); err != nil {
			return nil, err
		}
		if _, err := subject.Open(place, columns[i]); err != nil {
			return nil, fmt.Errorf("%w: %s of %s %d", errSealedWrong, f, recordNames[kind], row.ID)
		}
	}
	return columns, nil
}

// inParallel does something to every row, on as many processors as there are; answers and errors are by row.
func inParallel[R, T any](rows []R, do func(*R) (T, error)) ([]T, []error) {
	answers, errs := make([]T, len(rows)), make([]error, len(rows))
	n := runtime.GOMAXPROCS(0)
	chunk := max((len(rows)+n-1)/n, 64)
	var group sync.WaitGroup
	for from := 0; from < len(rows); from += chunk {
		group.Go(func() {
			for i := from; i < min(from+chunk, len(rows)); i++ {
				answers[i], errs[i] = do(&rows[i])
			}
		})
	}
	group.Wait()
	return answers, errs
}
