package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Labels names the labels of an account's contacts in one order: those of one generation.
type Labels struct {
	AccountID  int64
	Field      chat.ContactOrderField
	Generation int
}

// LabelRow is a contact's label, and what the contact is ordered by.
type LabelRow struct {
	OrderValue
	Label int64
}

const lockOrdering = `SELECT pg_advisory_xact_lock(hashtextextended('cloakroom order ' || $1::int8 || ' ' || $2::text, 0))`

// LockOrdering keeps everybody else from writing labels of an order until the transaction ends. Who takes several orders
// takes them in that of their names.
func (s *Store) LockOrdering(ctx context.Context, accountID int64, f chat.ContactOrderField) error {
	if _, err := s.db.Exec(ctx, lockOrdering, accountID, f); err != nil {
		return fmt.Errorf("lock the order of the contacts of account %d by %s: %w", accountID, f, err)
	}
	return nil
}

const (
	labelsOf    = ` FROM cloakroom.contact_labels l WHERE l.account_id = $1 AND l.field = $2 AND l.generation = $3`
	labelsRange = labelsOf + ` AND l.label >= $4 AND l.label < $5`
)

// labelRow gives the columns of a label l, and labelValue what they are read from. A label may outlive its contact for the
// length of a transaction; the row then has no value, which does not open.
func labelRow(f chat.ContactOrderField) string {
	return "SELECT COALESCE(l.label, 0), " + strings.Replace(orderValue(f), "ct.id", "l.contact_id", 1)
}

func labelValue(f chat.ContactOrderField) string {
	const sealed = ` LEFT JOIN cloakroom.contacts s ON s.account_id = l.account_id AND s.contact_id = l.contact_id
 LEFT JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id`
	if _, opened := f.Source(); opened {
		return sealed
	}
	return sealed + ` LEFT JOIN contacts ct ON ct.account_id = l.account_id AND ct.id = l.contact_id`
}

func (s *Store) labelRows(ctx context.Context, sql string, args ...any) ([]LabelRow, error) {
	return collect(ctx, s.db, scanLabelRow, sql, args...)
}

func scanLabelRow(rows pgx.Rows) (r LabelRow, err error) {
	return r, rows.Scan(append([]any{&r.Label}, r.targets()...)...)
}

func probeLabels(f chat.ContactOrderField) string {
	return labelRow(f) + ` FROM (SELECT DISTINCT ON (p.label) p.* FROM unnest($4::int8[]) q(at) CROSS JOIN LATERAL
 (SELECT l.*` + labelsOf + ` AND l.label >= q.at AND l.label < $5 ORDER BY l.label LIMIT 1) p) l` + labelValue(f) + ` ORDER BY l.label`
}

// ProbeLabels reads, for each of some numbers, the first labelled contact from it on and before a limit, in the order of
// their labels and each once.
func (s *Store) ProbeLabels(ctx context.Context, of Labels, from []int64, before int64) ([]LabelRow, error) {
	rows, err := s.labelRows(ctx, probeLabels(of.Field), of.AccountID, of.Field, of.Generation, from, before)
	if err != nil {
		return nil, fmt.Errorf("probe the order of the contacts of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

// ProbeAround is LabelsAround a contact and ProbeLabels in one round trip.
func (s *Store) ProbeAround(ctx context.Context, of Labels, contactID int64, n int, from []int64, before int64) (around, probed []LabelRow, err error) {
	batch := new(pgx.Batch)
	batch.Queue(labelsAround(of.Field), of.AccountID, of.Field, of.Generation, contactID, n)
	batch.Queue(probeLabels(of.Field), of.AccountID, of.Field, of.Generation, from, before)
	results := s.db.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	if around, err = readBatched(results, scanLabelRow); err == nil {
		probed, err = readBatched(results, scanLabelRow)
	}
	if err != nil {
		return nil, nil, fmt.Errorf("probe the order of the contacts of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return around, probed, nil
}

// labelsBetween hides the labels from the planner and tells it the limit: with what it knew of each range by itself it
// would plan for each anew, which takes longer than to read it.
func labelsBetween(f chat.ContactOrderField, limit int) string {
	return labelRow(f) + ` FROM (SELECT l.*` + labelsOf + ` AND l.label > (SELECT $4::int8) AND l.label < (SELECT $5::int8)
 ORDER BY l.label LIMIT ` + strconv.Itoa(limit) + `) l` + labelValue(f) + ` ORDER BY l.label`
}

// LabelsBetween reads the first labelled contacts between two labels, both left out, in their order.
func (s *Store) LabelsBetween(ctx context.Context, of Labels, from, to int64, limit int) ([]LabelRow, error) {
	rows, err := s.labelRows(ctx, labelsBetween(of.Field, limit), of.AccountID, of.Field, of.Generation, from, to)
	if err != nil {
		return nil, fmt.Errorf("read the order of the contacts of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

// LockLabelsBetween is LockOrdering and LabelsBetween in one round trip: what is read is what is there once nobody else
// writes.
func (s *Store) LockLabelsBetween(ctx context.Context, of Labels, from, to int64, limit int) ([]LabelRow, error) {
	return s.lockLabels(ctx, of, labelsBetween(of.Field, limit), of.AccountID, of.Field, of.Generation, from, to)
}

// LockLabelsAround is LockOrdering and LabelsAround, likewise.
func (s *Store) LockLabelsAround(ctx context.Context, of Labels, contactID int64, n int) ([]LabelRow, error) {
	return s.lockLabels(ctx, of, labelsAround(of.Field), of.AccountID, of.Field, of.Generation, contactID, n)
}

// lockLabels locks in a statement of its own: a statement sees what was committed before it began, and this one's wait is
// over then.
func (s *Store) lockLabels(ctx context.Context, of Labels, sql string, args ...any) (rows []LabelRow, err error) {
	batch := new(pgx.Batch)
	batch.Queue(lockOrdering, of.AccountID, of.Field)
	batch.Queue(sql, args...)
	results := s.db.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }()
	if _, err = results.Exec(); err == nil {
		rows, err = readBatched(results, scanLabelRow)
	}
	if err != nil {
		return nil, fmt.Errorf("lock and read the order of the contacts of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

// LabelsAround reads up to n labelled contacts on either side of a contact's label, maxAround at most, and the contact
// itself, in their order; none where it has no label.
func (s *Store) LabelsAround(ctx context.Context, of Labels, contactID int64, n int) ([]LabelRow, error) {
	rows, err := s.labelRows(ctx, labelsAround(of.Field), of.AccountID, of.Field, of.Generation, contactID, n)
	if err != nil {
		return nil, fmt.Errorf("read the order of the contacts of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

// maxAround is the most that LabelsAround reads on one side.
const maxAround = 4

// labelsAround limits twice: by what is asked for, and by what the planner can go by without planning anew each time.
func labelsAround(f chat.ContactOrderField) string {
	const own = `(SELECT o.label FROM cloakroom.contact_labels o WHERE o.account_id = $1 AND o.field = $2 AND o.generation = $3 AND o.contact_id = $4)`
	limit := ` LIMIT ` + strconv.Itoa(maxAround+1) + `) n`
	return labelRow(f) + ` FROM ((SELECT * FROM (SELECT l.*` + labelsOf + ` AND l.label <= ` + own + ` ORDER BY l.label DESC` + limit + ` LIMIT $5 + 1)
 UNION ALL (SELECT * FROM (SELECT l.*` + labelsOf + ` AND l.label > ` + own + ` ORDER BY l.label` + limit + ` LIMIT $5)) l` + labelValue(f) + ` ORDER BY l.label`
}

const countLabels = `SELECT count(*) FROM (SELECT 1` + labelsRange + ` LIMIT $6) c`

// CountLabels counts the labels of a range, to left out, up to a limit.
func (s *Store) CountLabels(ctx context.Context, of Labels, from, to int64, limit int) (n int, err error) {
	if err := s.db.QueryRow(ctx, countLabels, of.AccountID, of.Field, of.Generation, from, to, limit).Scan(&n); err != nil {
		return 0, fmt.Errorf("count labels of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return n, nil
}

const spreadLabels = `UPDATE cloakroom.contact_labels t SET label = $4 + r.place * $6::int8
 FROM (SELECT l.contact_id, row_number() OVER (ORDER BY l.label) AS place` + labelsRange + `) r
 WHERE t.account_id = $1 AND t.field = $2 AND t.generation = $3 AND t.contact_id = r.contact_id AND t.label IS NOT NULL`

// SpreadLabels gives the contacts of a range, to left out, labels that lie a step apart, from the range's beginning on.
// One that is erased meanwhile, which asks for no lock of the order, stays without.
func (s *Store) SpreadLabels(ctx context.Context, of Labels, from, to, step int64) error {
	if _, err := s.db.Exec(ctx, spreadLabels, of.AccountID, of.Field, of.Generation, from, to, step); err != nil {
		return fmt.Errorf("spread labels of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return nil
}

const putLabel = `WITH changed AS (UPDATE cloakroom.contact_orderings SET changed = true WHERE account_id = $1 AND field = $2 AND NOT changed)
 INSERT INTO cloakroom.contact_labels (account_id, field, generation, contact_id, label) VALUES ($1, $2, $3, $4, $5)
 ON CONFLICT (account_id, field, generation, contact_id) DO UPDATE SET label = excluded.label, waiting = false`

// PutLabel gives a contact a label, in place of the one it has.
func (s *Store) PutLabel(ctx context.Context, of Labels, contactID, label int64) error {
	if _, err := s.db.Exec(ctx, putLabel, of.AccountID, of.Field, of.Generation, contactID, label); err != nil {
		return fmt.Errorf("label contact %d of account %d by %s: %w", contactID, of.AccountID, of.Field, err)
	}
	return nil
}

const clearLabels = `INSERT INTO cloakroom.contact_labels (account_id, field, generation, contact_id, waiting)
 SELECT $1, $2, $3, c.id, c.waiting FROM unnest($4::int8[], $5::bool[]) c(id, waiting)
 ON CONFLICT (account_id, field, generation, contact_id) DO UPDATE SET label = NULL, waiting = excluded.waiting`

// ClearLabels takes contacts' labels away, or notes that they have none: those that wait have a value.
func (s *Store) ClearLabels(ctx context.Context, of Labels, contactIDs []int64, waiting []bool) error {
	if _, err := s.db.Exec(ctx, clearLabels, of.AccountID, of.Field, of.Generation, contactIDs, waiting); err != nil {
		return fmt.Errorf("take labels of account %d by %s away: %w", of.AccountID, of.Field, err)
	}
	return nil
}
