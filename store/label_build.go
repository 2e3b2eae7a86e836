package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// Ordering is an account's opt-in to labels, with what its job goes by.
type Ordering struct {
	chat.ContactOrdering
	Due bool // all labels are to be made anew
}

const listOrderings = `SELECT field, live, building, enabled, due FROM cloakroom.contact_orderings WHERE account_id = $1 ORDER BY field`

// ListOrderings reads an account's orderings, by the names of their fields.
func (s *Store) ListOrderings(ctx context.Context, accountID int64) ([]Ordering, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (o Ordering, err error) {
		return o, rows.Scan(&o.Field, &o.Live, &o.Building, &o.Enabled, &o.Due)
	}, listOrderings, accountID)
	if err != nil {
		return nil, fmt.Errorf("list the orderings of account %d: %w", accountID, err)
	}
	return list, nil
}

const (
	enableOrdering = `INSERT INTO cloakroom.contact_orderings AS o (account_id, field) VALUES ($1, $2)
 ON CONFLICT (account_id, field) DO UPDATE SET enabled = true, due = o.due OR NOT o.enabled`
	disableOrdering = `UPDATE cloakroom.contact_orderings SET enabled = false, live = 0, building = 0, due = false WHERE account_id = $1 AND field = $2`
)

// SetOrdering turns labels of an order on, or off: then nobody reads or writes them any more, and a job takes them away.
// Take LockSearchSettings first.
func (s *Store) SetOrdering(ctx context.Context, accountID int64, f chat.ContactOrderField, on bool) error {
	sql := disableOrdering
	if on {
		sql = enableOrdering
	}
	if _, err := s.db.Exec(ctx, sql, accountID, f); err != nil {
		return fmt.Errorf("set the ordering of account %d by %s: %w", accountID, f, err)
	}
	return nil
}

const wantLabels = `UPDATE cloakroom.contact_orderings SET due = true WHERE account_id = $1 AND field = $2 AND NOT due`

// WantLabels has all labels of an order made anew.
func (s *Store) WantLabels(ctx context.Context, accountID int64, f chat.ContactOrderField) error {
	if _, err := s.db.Exec(ctx, wantLabels, accountID, f); err != nil {
		return fmt.Errorf("want new labels of account %d by %s: %w", accountID, f, err)
	}
	return nil
}

// A generation's number is above those of all rows, also of such as a job that was cancelled has left.
const beginLabels = `UPDATE cloakroom.contact_orderings o SET building = 1 + GREATEST(o.live, o.building,
 (SELECT max(l.generation) FROM cloakroom.contact_labels l WHERE l.account_id = $1 AND l.field = $2)), changed = false
 WHERE o.account_id = $1 AND o.field = $2 RETURNING o.building`

// BeginLabels begins a new generation of labels: from the commit on, every writer notes its contacts in it. Take
// LockSearchSettings first.
func (s *Store) BeginLabels(ctx context.Context, accountID int64, f chat.ContactOrderField) (generation int, err error) {
	if err := s.db.QueryRow(ctx, beginLabels, accountID, f).Scan(&generation); err != nil {
		return 0, fmt.Errorf("begin new labels of account %d by %s: %w", accountID, f, err)
	}
	return generation, nil
}

const orderValuesAfter = ` FROM cloakroom.contacts s JOIN contacts ct ON ct.account_id = s.account_id AND ct.id = s.contact_id
 LEFT JOIN cloakroom.subject_keys k ON k.account_id = s.account_id AND k.subject_key_id = s.subject_key_id
 WHERE s.account_id = $1 AND s.contact_id > $2 ORDER BY s.contact_id LIMIT $3`

// OrderValuesAfter reads what sealed contacts after an id are ordered by, in the order of their ids.
func (s *Store) OrderValuesAfter(ctx context.Context, accountID int64, f chat.ContactOrderField, after int64, limit int) ([]OrderValue, error) {
	rows, err := collect(ctx, s.db, scanOrderValue, "SELECT "+orderValue(f)+orderValuesAfter, accountID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read what contacts of account %d are ordered by: %w", accountID, err)
	}
	return rows, nil
}

// BuiltLabel is a label made for a contact as it was in one version; 0 is none, for one without a value or, if it waits,
// one for which there was no room.
type BuiltLabel struct {
	ContactID, Version, Label int64
	Waiting                   bool
}

const writeLabels = `INSERT INTO cloakroom.contact_labels (account_id, field, generation, contact_id, label, waiting)
 SELECT $1, $2, $3, b.id, NULLIF(b.label, 0), b.waiting FROM unnest($4::int8[], $5::int8[], $6::int8[], $7::bool[]) b(id, version, label, waiting)
 JOIN cloakroom.contacts s ON s.account_id = $1 AND s.contact_id = b.id AND s.row_version = b.version
 ON CONFLICT (account_id, field, generation, contact_id) DO UPDATE SET label = excluded.label, waiting = excluded.waiting`

// WriteLabels writes labels of contacts that are as they were when these were made; others their writer has noted. Take
// HoldErasures and LockOrdering first.
func (s *Store) WriteLabels(ctx context.Context, of Labels, built []BuiltLabel) error {
	ids, versions, labels, waiting := make([]int64, len(built)), make([]int64, len(built)), make([]int64, len(built)), make([]bool, len(built))
	for i, b := range built {
		ids[i], versions[i], labels[i], waiting[i] = b.ContactID, b.Version, b.Label, b.Waiting
	}
	if _, err := s.db.Exec(ctx, writeLabels, of.AccountID, of.Field, of.Generation, ids, versions, labels, waiting); err != nil {
		return fmt.Errorf("write labels of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return nil
}

// HaveLabels reads the labels there are, by contact; 0 is that of a contact without a value.
func (s *Store) HaveLabels(ctx context.Context, of Labels) (map[int64]int64, error) {
	have := make(map[int64]int64)
	_, err := collect(ctx, s.db, func(rows pgx.Rows) (id int64, err error) {
		var label int64
		err = rows.Scan(&id, &label)
		have[id] = label
		return id, err
	}, `SELECT l.contact_id, COALESCE(l.label, 0)`+labelsOf+` AND NOT l.waiting`, of.AccountID, of.Field, of.Generation)
	if err != nil {
		return nil, fmt.Errorf("read the labels of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return have, nil
}

const switchLabels = `UPDATE cloakroom.contact_orderings SET live = building, building = 0, due = false, built_at = now()
 WHERE account_id = $1 AND field = $2 AND building = $3`

// SwitchLabels has the generation that was built read and written from the commit on. Take LockSearchSettings first.
func (s *Store) SwitchLabels(ctx context.Context, of Labels) error {
	if _, err := s.db.Exec(ctx, switchLabels, of.AccountID, of.Field, of.Generation); err != nil {
		return fmt.Errorf("switch to new labels of account %d by %s: %w", of.AccountID, of.Field, err)
	}
	return nil
}

// AnalyzeLabels gathers statistics after labels were made: until the planner knows how many there are it reads all of them
// for a page. Where the role may not, PostgreSQL does so by itself in a minute.
func (s *Store) AnalyzeLabels(ctx context.Context) error {
	if _, err := s.db.Exec(ctx, `ANALYZE cloakroom.contact_labels`); err != nil {
		return fmt.Errorf("analyse labels: %w", err)
	}
	return nil
}

const waitingLabels = ` FROM (SELECT l.* FROM cloakroom.contact_labels l WHERE l.account_id = $1 AND l.field = $2 AND l.generation = $3 AND l.waiting
 ORDER BY l.contact_id LIMIT $4) l`

// WaitingContacts reads the first contacts that have a value and no label yet. Take LockOrdering first.
func (s *Store) WaitingContacts(ctx context.Context, of Labels, limit int) ([]LabelRow, error) {
	rows, err := s.labelRows(ctx, labelRow(of.Field)+waitingLabels+labelValue(of.Field)+` ORDER BY l.contact_id`, of.AccountID, of.Field, of.Generation, limit)
	if err != nil {
		return nil, fmt.Errorf("read who of account %d waits for a label by %s: %w", of.AccountID, of.Field, err)
	}
	return rows, nil
}

const dropLabels = `WITH gone AS (SELECT l.ctid FROM cloakroom.contact_labels l WHERE l.account_id = $1 AND NOT EXISTS (
 SELECT 1 FROM cloakroom.contact_orderings o WHERE o.account_id = l.account_id AND o.field = l.field AND l.generation IN (o.live, o.building)) LIMIT $2)
 DELETE FROM cloakroom.contact_labels t USING gone WHERE t.ctid = gone.ctid`

// DropLabels deletes up to limit labels of an account that belong to no generation that is read or built, and says how
// many.
func (s *Store) DropLabels(ctx context.Context, accountID int64, limit int) (int64, error) {
	tag, err := s.db.Exec(ctx, dropLabels, accountID, limit)
	if err != nil {
		return 0, fmt.Errorf("drop old labels of account %d: %w", accountID, err)
	}
	return tag.RowsAffected(), nil
}

const forgetOrderings = `DELETE FROM cloakroom.contact_orderings WHERE account_id = $1 AND NOT enabled`

// ForgetOrderings deletes the orderings of an account that were turned off.
func (s *Store) ForgetOrderings(ctx context.Context, accountID int64) error {
	if _, err := s.db.Exec(ctx, forgetOrderings, accountID); err != nil {
		return fmt.Errorf("forget orderings of account %d: %w", accountID, err)
	}
	return nil
}

const listOrderingsDue = `SELECT DISTINCT o.account_id FROM cloakroom.contact_orderings o
 WHERE (o.due OR NOT o.enabled OR o.changed AND o.built_at < now() - $1::interval)
 AND NOT EXISTS (SELECT 1 FROM cloakroom.jobs j WHERE j.kind = 'build_order' AND j.account_id = o.account_id
  AND (j.state IN ('queued', 'running', 'paused') OR j.state IN ('failed', 'cancelled') AND j.updated_at > now() - $2::interval))
 ORDER BY 1 LIMIT $3`

// ListOrderingsDue reads the accounts that have labels to be made or taken away, or whose labels have changed since they
// were made so long ago, and that have no job about it. One whose job failed or was cancelled is left alone for pause.
func (s *Store) ListOrderingsDue(ctx context.Context, age, pause time.Duration, limit int) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, listOrderingsDue, age, pause, limit)
	if err != nil {
		return nil, fmt.Errorf("look for orderings that are due: %w", err)
	}
	return ids, nil
}

const wantSpread = `UPDATE cloakroom.contact_orderings SET due = true
 WHERE account_id = $1 AND enabled AND NOT due AND changed AND built_at < now() - $2::interval`

// WantSpread has the labels of an account made anew that have changed since they were made so long ago: a label that was
// put between others says that its contact came later.
func (s *Store) WantSpread(ctx context.Context, accountID int64, age time.Duration) error {
	if _, err := s.db.Exec(ctx, wantSpread, accountID, age); err != nil {
		return fmt.Errorf("want the labels of account %d spread anew: %w", accountID, err)
	}
	return nil
}

const orderingsStatus = `SELECT o.field, o.live, o.building, o.enabled, o.due, o.built_at,
 (SELECT count(*) FROM cloakroom.contact_labels l WHERE l.account_id = o.account_id AND l.field = o.field AND l.generation = o.live AND l.label IS NOT NULL),
 (SELECT count(*) FROM cloakroom.contact_labels l WHERE l.account_id = o.account_id AND l.field = o.field AND l.generation = o.live AND l.waiting)
 FROM cloakroom.contact_orderings o WHERE o.account_id = $1 ORDER BY o.field`

// OrderingStatus is an ordering as an operator sees it.
type OrderingStatus struct {
	Ordering
	BuiltAt         time.Time // zero: not yet
	Labels, Waiting int64
}

// ReadOrderingStatus reads how an account's orderings stand.
func (s *Store) ReadOrderingStatus(ctx context.Context, accountID int64) ([]OrderingStatus, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (o OrderingStatus, err error) {
		return o, rows.Scan(&o.Field, &o.Live, &o.Building, &o.Enabled, &o.Due, moment(&o.BuiltAt), &o.Labels, &o.Waiting)
	}, orderingsStatus, accountID)
	if err != nil {
		return nil, fmt.Errorf("read how the orderings of account %d stand: %w", accountID, err)
	}
	return list, nil
}
