package vault

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store"
)

// AuditReport is a report on an account's audit trail that is streamed, in the order of numbers. Its functions are called
// one after the other.
type AuditReport struct {
	AuditQuestion
	Proven bool // only what the newest checkpoint signs, and all leaves, such that a bundle can be made

	Begin    func(AuditReportHead) error // with what is to be reported; of a report that is not proven it is not called
	Each     func(AuditReportItem) error
	Progress func(done, all int64) // entries that were looked at
}

// AuditReportHead is what a proven report goes up to.
type AuditReportHead struct {
	Note        string // of the newest checkpoint; "" where there is none
	First, Last int64  // the numbers between which nothing that is wanted is left out; none where Last is less
}

// AuditReportItem is a row of a report, or a leaf that is none.
type AuditReportItem struct {
	Hash    proof.Hash  // of the leaf as it was kept
	Leaf    *proof.Leaf // nil where nothing is shown of the entry
	Row     bool        // it is in the report
	Number  int64       // -1 has none yet
	State   chat.AuditDetailsState
	Details json.RawMessage // nil where they do not open
}

// AuditReportEnd says what became of a report.
type AuditReportEnd struct {
	Rows    int64
	Changed []int64 // ids of entries that are not what they were when they were numbered, at most 20
	Gone    int64   // entries that are not there any more, within the numbers between which nothing may be left out
}

// reporting is one run.
type reporting struct {
	AuditReport
	AuditReportEnd
	vault     *Vault
	snapshot  *store.Store
	stretch   store.AuditStretch
	done, all int64 // all is the number after the last
}

const maxChanged = 20

// ReportAudit streams a report; it holds a page of entries at a time. Put it on record with RecordReport before anybody
// is given it.
func (v *Vault) ReportAudit(ctx context.Context, a AuditReport) (end AuditReportEnd, err error) {
	err = v.store.InSnapshot(ctx, func(snapshot *store.Store) error {
		r := reporting{AuditReport: a, vault: v, snapshot: snapshot, stretch: store.AuditStretch{Last: -1}}
		if err := r.begin(ctx); err != nil {
			return err
		}
		if err := r.numbered(ctx); err != nil {
			return err
		}
		if !a.Proven {
			if err := r.unnumbered(ctx); err != nil {
				return err
			}
		}
		end = r.AuditReportEnd
		return nil
	})
	if err != nil {
		return end, fmt.Errorf("report on the audit trail of account %d: %w", a.AccountID, err)
	}
	return end, nil
}

// RecordReport puts a report on record whose file has this SHA-256, in hexadecimal.
func (v *Vault) RecordReport(ctx context.Context, a AuditReport, end AuditReportEnd, sha256 string) error {
	return v.recordReport(ctx, a.AuditQuestion, sha256, map[string]any{"rows": end.Rows, "proven": a.Proven})
}

// begin finds out how far the report goes and what it may not leave out.
func (r *reporting) begin(ctx context.Context) (err error) {
	if !r.Proven {
		tree, err := r.snapshot.ReadAuditTree(ctx, r.AccountID)
		r.all = tree.Size
		return err
	}
	newest, err := r.snapshot.FindNewestCheckpoint(ctx, r.AccountID)
	if err != nil {
		return err
	}
	r.all = newest.Size
	if r.Filter.OnlyByTime() {
		if r.stretch, err = r.whole(ctx); err != nil {
			return err
		}
	}
	return r.Begin(AuditReportHead{Note: newest.Note, First: r.stretch.First, Last: r.stretch.Last})
}

// whole gives the numbers between which the bundle shows every entry.
func (r *reporting) whole(ctx context.Context) (store.AuditStretch, error) {
	all := store.AuditStretch{Last: r.all - 1}
	if r.Filter.From == nil && r.Filter.To == nil {
		return all, nil
	}
	found, err := r.snapshot.FindStretch(ctx, r.AccountID, r.all, r.Filter)
	if err != nil || found.Last < found.First {
		return found, err
	}
	if r.Filter.From == nil {
		found.First = all.First
	}
	if r.Filter.To == nil {
		found.Last = all.Last
	}
	return found, nil
}

func (r *reporting) numbered(ctx context.Context) error {
	for r.done < r.all {
		list, err := r.snapshot.ListReported(ctx, r.AccountID, r.done-1, r.Filter, r.stretch, int(min(r.all-r.done, verifyPage)))
		if err != nil {
			return err
		}
		if len(list) == 0 {
			return fmt.Errorf("entries from number %d on have no leaf: run `cloakroom audit verify`", r.done)
		}
		if err := r.page(ctx, list); err != nil {
			return err
		}
		if r.Progress != nil {
			r.Progress(r.done, r.all)
		}
	}
	return nil
}

func (r *reporting) page(ctx context.Context, list []store.ReportedLeaf) error {
	opening, err := r.vault.openingAudit(ctx, r.snapshot, r.AccountID, r.Opens())
	if err != nil {
		return err
	}
	defer opening.done()
	for _, l := range list {
		if l.Seq != r.done && r.Proven {
			return fmt.Errorf("the leaf of number %d is gone: run `cloakroom audit verify`", r.done)
		}
		if err := r.leaf(opening, l); err != nil {
			return err
		}
		r.done = l.Seq + 1
	}
	return nil
}

func (r *reporting) leaf(opening *openingAudit, l store.ReportedLeaf) error {
	i := AuditReportItem{Hash: proof.Hash(l.Hash), Number: l.Seq}
	if l.Entry == nil {
		if l.Seq >= r.stretch.First && l.Seq <= r.stretch.Last {
			r.Gone++
		}
		if !r.Proven {
			return nil
		}
		return r.Each(i)
	}
	leaf := leafOf(l.Seq, *l.Entry)
	if i.Leaf = &leaf; leaf.Hash() != i.Hash && len(r.Changed) < maxChanged {
		r.Changed = append(r.Changed, leaf.ID)
	}
	return r.entry(opening, i, &l.Entry.AuditRow)
}

// entry gives an entry out, with its details where it is wanted.
func (r *reporting) entry(opening *openingAudit, i AuditReportItem, row *store.AuditRow) (err error) {
	if i.Row = r.Filter.Matches(&row.AuditEntry); i.Row {
		r.Rows++
		var details map[string]any
		if details, _, i.State = opening.details(row); details != nil {
			if i.Details, err = json.Marshal(details); err != nil {
				return fmt.Errorf("encode the details of entry %d: %w", row.ID, err)
			}
		}
	}
	return r.Each(i)
}

// unnumbered reports what has no number yet.
func (r *reporting) unnumbered(ctx context.Context) error {
	for after := (store.NumberlessEntry{}); ; {
		list, err := r.snapshot.ListReportedUnnumbered(ctx, r.AccountID, after.Transaction, after.ID, r.Filter, verifyPage)
		if err != nil || len(list) == 0 {
			return err
		}
		opening, err := r.vault.openingAudit(ctx, r.snapshot, r.AccountID, r.Opens())
		if err != nil {
			return err
		}
		for _, e := range list {
			leaf := leafOf(-1, e)
			if err := r.entry(opening, AuditReportItem{Leaf: &leaf, Number: -1}, &e.AuditRow); err != nil {
				opening.done()
				return err
			}
		}
		opening.done()
		after = list[len(list)-1]
	}
}
