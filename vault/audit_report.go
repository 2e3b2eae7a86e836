package vault

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// AuditQuestion is what somebody wants to see of the audit trail.
type AuditQuestion struct {
	AccountID int64 // 0 is the installation
	Filter    chat.AuditFilter
	Purpose   string // what for; without one details are masked
	MayOpen   bool   // whoever asks may see details that hold values, such as the address a request came from
}

// Opens says that all details are given.
func (q AuditQuestion) Opens() bool { return q.Purpose != "" && q.MayOpen }

// AuditPage reads a page of the audit trail, the newest entries first, and puts that on record before it gives anything.
// Where the question has no purpose, what a service says of its request is one.
func (v *Vault) AuditPage(ctx context.Context, q AuditQuestion, page chat.Page) (*chat.AuditEntryConnection, error) {
	if q.Purpose == "" {
		q.Purpose, _ = ctx.Value(purposeKey{}).(string)
	}
	rows, err := v.store.PageAuditEntries(ctx, q.AccountID, q.Filter, page)
	if err != nil {
		return nil, err
	}
	rows, info := chat.Slice(rows, page, func(r store.AuditRow) *chat.Position { return &chat.Position{Time: &r.OccurredAt, ID: r.ID} })
	opening, err := v.openingAudit(ctx, v.store, q.AccountID, q.Opens())
	if err != nil {
		return nil, err
	}
	defer opening.done()
	nodes := make([]*chat.ShownEntry, len(rows))
	for i := range rows {
		nodes[i] = opening.show(&rows[i])
	}
	if err := v.recordReport(ctx, q, "page", map[string]any{"rows": len(rows)}); err != nil {
		return nil, err
	}
	cursors := v.AuditCursors(q.AccountID)
	info.Seal = func(at *chat.Position) (string, error) { return cursors.Seal(ctx, at) }
	return &chat.AuditEntryConnection{Nodes: nodes, PageInfo: &info,
		Position: func(e *chat.ShownEntry) *chat.Position { return &chat.Position{Time: &e.OccurredAt, ID: e.ID} }}, nil
}

// AuditCursors are the cursors of an account's audit trail.
func (v *Vault) AuditCursors(accountID int64) Cursors { return v.Cursors(accountID, "audit") }

// recordReport puts on record that somebody was shown a part of the audit trail; what is the SHA-256 of a file, or "page".
func (v *Vault) recordReport(ctx context.Context, q AuditQuestion, what string, details map[string]any) error {
	if q.Purpose != "" {
		ctx = WithPurpose(ctx, q.Purpose)
	}
	details["filter"], details["masked"] = q.Filter, !q.Opens()
	entry := chat.AuditEntry{AccountID: q.AccountID, Actor: ActorFrom(ctx), Action: chat.AuditReported, EntityType: "audit_report", EntityID: what, Details: details}
	if err := v.Record(ctx, entry); err != nil {
		return fmt.Errorf("put a report on the audit trail of account %d on record: %w", q.AccountID, err)
	}
	return nil
}

// plainDetails are the details that hold no value: names of fields, states, numbers and ids. Whatever is not among them is
// masked, so that a new one is until somebody has thought about it.
var plainDetails = map[string]bool{
	"before": true, "budget": true, "by": true, "count": true, "dropped": true, "enabled": true, "erasure": true, "expires_at": true,
	"field": true, "fields": true, "flag": true, "dataset": true, "job": true, "kind": true, "labels": true, "left": true, "masked": true,
	"mended": true, "mergee": true, "mode": true, "model": true, "mutation": true, "personal": true, "phase": true, "refreshable": true,
	"result": true, "rows": true, "shown": true, "version": true,
}

// openingAudit is what opens details of entries.
type openingAudit struct {
	open func(*store.AuditRow) (map[string]any, error)
	gone []int64 // generations of keys
	all  bool
	done func()
}

// openingAudit gives what opens an account's entries until done is called, which must be soon: a change of keys waits.
func (v *Vault) openingAudit(ctx context.Context, s *store.Store, accountID int64, all bool) (*openingAudit, error) {
	done := v.Enter()
	gone, err := s.ListGoneAuditKeys(ctx, accountID)
	if err != nil {
		done()
		return nil, err
	}
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		done()
		return nil, fmt.Errorf("open audit entries: %w", err)
	}
	return &openingAudit{gone: gone, all: all, done: done,
		open: func(r *store.AuditRow) (map[string]any, error) { return openDetails(keys, r) }}, nil
}

// details gives what may be shown of an entry's details, and of all the names; both nil where they do not open.
func (o *openingAudit) details(r *store.AuditRow) (shown map[string]any, names []string, state chat.AuditDetailsState) {
	whole, err := o.open(r)
	switch {
	case err != nil && errors.Is(err, chat.ErrUnreadable) && slices.Contains(o.gone, int64(r.KeyID)):
		return nil, nil, chat.DetailsErased
	case err != nil:
		return nil, nil, chat.DetailsUnreadable
	}
	names = slices.Sorted(maps.Keys(whole))
	if o.all {
		return whole, names, chat.DetailsOpen
	}
	maps.DeleteFunc(whole, func(name string, _ any) bool { return !plainDetails[name] })
	return whole, names, chat.DetailsMasked
}

func (o *openingAudit) show(r *store.AuditRow) *chat.ShownEntry {
	details, names, state := o.details(r)
	e := &chat.ShownEntry{AuditEntry: r.AuditEntry, DetailsState: state, Details: []*chat.AuditDetail{}}
	for _, name := range names {
		d := &chat.AuditDetail{Name: name}
		if value, shown := details[name]; shown {
			text, err := json.Marshal(value)
			if err != nil { // it was JSON a moment ago
				continue
			}
			d.Value = new(string)
			*d.Value = string(text)
		}
		e.Details = append(e.Details, d)
	}
	return e
}
