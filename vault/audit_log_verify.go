package vault

import (
	"context"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store"
)

const verifyPage = 1000

// AuditVerification is what the audit trail is held against.
type AuditVerification struct {
	AccountID int64 // -1 is every account
	Trusted   proof.Trusted
	Copies    []AuditCopy // which must have been read before
	Progress  func(done, all int64)
}

// AuditCopy is a checkpoint from outside the database, which a trusted key has signed.
type AuditCopy struct {
	proof.Checkpoint
	Place string
}

// VerifyAudit recomputes every leaf and root of the trail as it is now and says, account by account, how it stands. It
// needs no vault, because it needs no keys, and changes nothing.
func VerifyAudit(ctx context.Context, s *store.Store, a AuditVerification) (verdicts []proof.Verdict, err error) {
	err = s.InSnapshot(ctx, func(snapshot *store.Store) error {
		accounts, err := snapshot.ListAuditAccounts(ctx)
		if err != nil {
			return err
		}
		for _, c := range a.Copies { // all of an account may be gone but these
			accounts = append(accounts, c.AccountID)
		}
		slices.Sort(accounts)
		run := verifying{AuditVerification: a, snapshot: snapshot}
		if run.all, err = snapshot.CountLeaves(ctx, a.AccountID); err != nil {
			return err
		}
		for _, account := range slices.Compact(accounts) {
			if a.AccountID >= 0 && account != a.AccountID {
				continue
			}
			verdict, err := run.account(ctx, account)
			if err != nil {
				return fmt.Errorf("verify the audit trail of account %d: %w", account, err)
			}
			verdicts = append(verdicts, verdict)
		}
		return nil
	})
	return verdicts, err
}

// verifying is one run over the trail.
type verifying struct {
	AuditVerification
	snapshot  *store.Store
	done, all int64
}

func (r *verifying) account(ctx context.Context, accountID int64) (verdict proof.Verdict, err error) {
	check := proof.NewVerification(accountID, r.Trusted)
	if err := r.checkpoints(ctx, check); err != nil {
		return verdict, err
	}
	for _, c := range r.Copies {
		if c.AccountID == accountID {
			check.Copy(c.Checkpoint, c.Place)
		}
	}
	if err := r.leaves(ctx, check); err != nil {
		return verdict, err
	}
	tree, err := r.snapshot.ReadAuditTree(ctx, accountID)
	if err != nil {
		return verdict, err
	}
	left, err := r.snapshot.FindNumberless(ctx, accountID)
	if err != nil {
		return verdict, err
	}
	return check.Finish(proof.Standing{Size: tree.Size, Hashes: tree.Hashes, Waiting: left.Waiting, Missed: left.Missed, Ahead: left.Ahead}), nil
}

func (r *verifying) checkpoints(ctx context.Context, check *proof.Verification) error {
	for after := int64(0); ; {
		list, err := r.snapshot.ListCheckpoints(ctx, check.AccountID, after, verifyPage)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, c := range list {
			check.Kept(proof.Kept{Number: c.Number, Size: c.Size, Root: c.Root, SignedAt: c.SignedAt, Note: c.Note})
		}
		after = list[len(list)-1].Number
	}
}

func (r *verifying) leaves(ctx context.Context, check *proof.Verification) error {
	for after := int64(-1); ; {
		list, err := r.snapshot.ListNumbered(ctx, check.AccountID, after, verifyPage)
		if err != nil || len(list) == 0 {
			return err
		}
		for _, n := range list {
			numbered := proof.Numbered{Seq: n.Seq, EntryID: n.EntryID, Hash: n.Hash, Marks: n.Marks}
			if n.Entry != nil {
				leaf := leafOf(n.Seq, *n.Entry)
				numbered.Entry = &leaf
			}
			if err := check.Leaf(numbered); err != nil {
				return err
			}
		}
		after = list[len(list)-1].Seq
		if r.done += int64(len(list)); r.Progress != nil {
			r.Progress(r.done, r.all)
		}
	}
}
