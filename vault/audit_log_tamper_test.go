package vault

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/proof"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// proven is a trail with 12 entries in account 1 under checkpoints of 5 and 12, and some in account 2.
func proven(t *testing.T) *trail {
	t.Helper()
	r := newTrail(t)
	r.write(schema.Borealis, 2)
	for _, n := range []int{5, 7} {
		r.write(schema.Acme, n)
		r.prove()
	}
	if found, v := r.verifyAudit(true); found != nil || v[schema.Acme].Entries != 12 || v[schema.Acme].NewestNumber != 2 {
		t.Fatalf("%q, %+v", found, v)
	}
	return r
}

// TestTampering is what somebody who can write the database may do to the trail behind its back, and what is said of it.
// What it is done to is the entry, leaf or checkpoint that is named; {3} stands for the id of entry number 3 of account 1.
func TestTampering(t *testing.T) {
	t.Parallel()
	const entry = ` WHERE account_id = 1 AND entry_id = {3}`
	for name, c := range map[string]struct {
		sql  string
		want []string // each somewhere in what is found, in order; nothing else is found
	}{
		"account":                  {`UPDATE cloakroom.audit_entries SET account_id = 2` + entry, []string{`1 entry_missing entry {3}, number 3`, `2 entry_unnumbered entry {3}`}},
		"entry":                    {`UPDATE cloakroom.audit_entries SET entry_id = DEFAULT` + entry, []string{`1 entry_missing entry {3}, number 3`, `1 entry_unnumbered`}},
		"time":                     {`UPDATE cloakroom.audit_entries SET occurred_at = occurred_at + interval '1 microsecond'` + entry, []string{`entry_changed entry {3}, number 3, is not what it was when it was numbered: [when]`}},
		"a time without end":       {`UPDATE cloakroom.audit_entries SET occurred_at = 'infinity'` + entry, []string{`[when]`}},
		"a time without beginning": {`UPDATE cloakroom.audit_entries SET occurred_at = '-infinity'` + entry, []string{`[when]`}},
		"the latest time there is": {`UPDATE cloakroom.audit_entries SET occurred_at = '294276-12-31 23:59:59.999999'` + entry, []string{`[when]`}},
		"the earliest time":        {`UPDATE cloakroom.audit_entries SET occurred_at = '4713-01-01 BC'` + entry, []string{`[when]`}},
		"a checkpoint of no time":  {`UPDATE cloakroom.audit_checkpoints SET signed_at = 'infinity' WHERE account_id = 1 AND number = 2`, []string{`checkpoint_changed the columns of checkpoint 2`}},
		"transaction":              {`UPDATE cloakroom.audit_entries SET xid = '3'` + entry, []string{`entry_changed entry {3}, number 3, is not what it was when it was numbered: [when]`}},
		"actor kind":               {`UPDATE cloakroom.audit_entries SET actor_kind = 'SERVICE'` + entry, []string{`[who]`}},
		"actor":                    {`UPDATE cloakroom.audit_entries SET actor_id = '77'` + entry, []string{`[who]`}},
		"action":                   {`UPDATE cloakroom.audit_entries SET action = 'signed_in'` + entry, []string{`[what]`}},
		"entity type":              {`UPDATE cloakroom.audit_entries SET entity_type = 'contact'` + entry, []string{`[which]`}},
		"entity":                   {`UPDATE cloakroom.audit_entries SET entity_id = '78'` + entry, []string{`[which]`}},
		"request":                  {`UPDATE cloakroom.audit_entries SET request_id = ''` + entry, []string{`[request]`}},
		"key":                      {`UPDATE cloakroom.audit_entries SET key_id = 9` + entry, []string{`[details]`}},
		"details":                  {`UPDATE cloakroom.audit_entries SET details_sealed = set_byte(details_sealed, 9, get_byte(details_sealed, 9) # 1)` + entry, []string{`[details]`}},
		"two columns":              {`UPDATE cloakroom.audit_entries SET actor_id = '77', action = 'signed_in'` + entry, []string{`[who what]`}},

		"an entry dropped":          {`DELETE FROM cloakroom.audit_entries` + entry, []string{`entry_missing entry {3}, number 3`}},
		"an entry and its leaf":     {`DELETE FROM cloakroom.audit_entries` + entry + `; DELETE FROM cloakroom.audit_leaves` + entry, []string{`numbers_missing the leaves of entries number 3 to 3`, `root_differs checkpoint 1`, `root_differs checkpoint 1 signs`, `root_differs checkpoint 2`, `root_differs checkpoint 2`}},
		"a leaf dropped":            {`DELETE FROM cloakroom.audit_leaves` + entry, []string{`numbers_missing`, `root_differs`, `root_differs`, `root_differs`, `root_differs`, `entry_unnumbered entry {3}`}},
		"two entries swapped":       {`UPDATE cloakroom.audit_entries a SET entity_id = b.entity_id, details_sealed = b.details_sealed, request_id = b.request_id, actor_id = b.actor_id, occurred_at = b.occurred_at, xid = b.xid FROM cloakroom.audit_entries b WHERE a.account_id = 1 AND b.account_id = 1 AND (a.entry_id, b.entry_id) IN (({3}, {4}), ({4}, {3}))`, []string{`entry {3}, number 3, is not what it was when it was numbered: [when who which request details]`, `entry {4}, number 4`}},
		"two numbers swapped":       {`UPDATE cloakroom.audit_leaves SET seq = seq + 100 WHERE account_id = 1 AND seq IN (3, 4); UPDATE cloakroom.audit_leaves SET seq = CASE seq WHEN 103 THEN 4 ELSE 3 END WHERE account_id = 1 AND seq > 100`, []string{`entry {4}, number 3, is not what it was when it was numbered: [number]`, `entry {3}, number 4`, `root_differs entries number 0 to 4`, `copy_differs entries number 0 to 4`, `root_differs entries number 0 to 11`, `copy_differs entries number 0 to 11`, `tree_changed`}},
		"an entry put in":           {`INSERT INTO cloakroom.audit_entries (account_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed, xid) SELECT account_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed, '3' FROM cloakroom.audit_entries` + entry, []string{`entry_unnumbered`}},
		"an entry of the future":    {`INSERT INTO cloakroom.audit_entries (account_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed, xid) SELECT account_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed, '999999999999' FROM cloakroom.audit_entries` + entry, []string{`entry_unnumbered`}},
		"a leaf put in":             {`INSERT INTO cloakroom.audit_leaves SELECT account_id, 12, -1, leaf_hash, marks FROM cloakroom.audit_leaves` + entry, []string{`entry_missing entry -1, number 12`, `tree_changed`}},
		"a leaf changed":            {`UPDATE cloakroom.audit_leaves SET leaf_hash = sha256('')` + entry, []string{`entry {3}, number 3, is not what it was when it was numbered: [number]`, `tree_changed`}},
		"the tree changed":          {`UPDATE cloakroom.audit_trees SET hashes[1] = sha256('') WHERE account_id = 1`, []string{`tree_changed`}},
		"the tree shortened":        {`UPDATE cloakroom.audit_trees SET size = 11 WHERE account_id = 1`, []string{`tree_changed`}},
		"the tree gone":             {`DELETE FROM cloakroom.audit_trees WHERE account_id = 1`, []string{`tree_changed`}},
		"the tail cut":              {`DELETE FROM cloakroom.audit_entries WHERE account_id = 1 AND entry_id = {11}`, []string{`entry_missing entry {11}, number 11`}},
		"a checkpoint's size":       {`UPDATE cloakroom.audit_checkpoints SET size = 11 WHERE account_id = 1 AND number = 2`, []string{`checkpoint_changed the columns of checkpoint 2`}},
		"a checkpoint's root":       {`UPDATE cloakroom.audit_checkpoints SET root_hash = sha256('') WHERE account_id = 1 AND number = 2`, []string{`checkpoint_changed`}},
		"a checkpoint's time":       {`UPDATE cloakroom.audit_checkpoints SET signed_at = signed_at + interval '1 s' WHERE account_id = 1 AND number = 2`, []string{`checkpoint_changed`}},
		"a checkpoint's text":       {`UPDATE cloakroom.audit_checkpoints SET note = replace(note, E'/1\n12', E'/1\n11') WHERE account_id = 1 AND number = 2`, []string{`checkpoint_signer no trusted key has signed checkpoint 2`, `copy_ahead`}},
		"no checkpoint":             {`UPDATE cloakroom.audit_checkpoints SET note = 'signed' WHERE account_id = 1 AND number = 2`, []string{`checkpoint_broken checkpoint 2`, `copy_ahead`}},
		"the first checkpoint gone": {`DELETE FROM cloakroom.audit_checkpoints WHERE account_id = 1 AND number = 1`, []string{`checkpoint_missing checkpoints 1 to 1`, `copy_ahead`}},
		"the last checkpoint gone":  {`DELETE FROM cloakroom.audit_checkpoints WHERE account_id = 1 AND number = 2`, []string{`copy_ahead copies/account-1/000000000002.checkpoint holds checkpoint 2, which signs 12 entries; the database does not know it`}},
		"another account's checkpoint": {`UPDATE cloakroom.audit_checkpoints a SET note = b.note, size = b.size, root_hash = b.root_hash, signed_at = b.signed_at FROM cloakroom.audit_checkpoints b
			WHERE a.account_id = 1 AND a.number = 1 AND b.account_id = 2 AND b.number = 1`, []string{`checkpoint_foreign checkpoint 1 is one of account 2`, `copy_ahead`}},
		"an older checkpoint again": {`UPDATE cloakroom.audit_checkpoints a SET note = b.note, size = b.size, root_hash = b.root_hash, signed_at = b.signed_at FROM cloakroom.audit_checkpoints b
			WHERE a.account_id = 1 AND a.number = 2 AND b.account_id = 1 AND b.number = 1`, []string{`checkpoint_changed the columns of checkpoint 2`, `copy_differs`}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := proven(t)
			ids := r.numbers()
			storetest.Exec(t, r.store, ids.Replace(c.sql))
			found, _ := r.verifyAudit(true)
			for i, want := range c.want {
				if i >= len(found) || !strings.Contains(found[i], ids.Replace(want)) {
					t.Errorf("finding %d is not %q", i, ids.Replace(want))
				}
			}
			if len(found) != len(c.want) || t.Failed() {
				t.Errorf("%d findings, want %d:\n%s", len(found), len(c.want), strings.Join(found, "\n"))
			}
		})
	}
}

// numbers puts the ids of account 1's entries in the place of their numbers.
func (r *trail) numbers() *strings.Replacer {
	r.t.Helper()
	var pairs []string
	for seq, id := range storetest.Value[[]string](r.t, r.store, `SELECT array_agg(entry_id::text ORDER BY seq) FROM cloakroom.audit_leaves WHERE account_id = 1`) {
		pairs = append(pairs, "{"+string(rune('0'+seq/10))+string(rune('0'+seq%10))+"}", id)
		if seq < 10 {
			pairs = append(pairs, "{"+string(rune('0'+seq))+"}", id)
		}
	}
	return strings.NewReplacer(pairs...)
}

// rewind takes the trail of account 1 back to so many entries and checkpoints, as if the rest had never been.
func (r *trail) rewind(entries, checkpoints int64) {
	r.t.Helper()
	storetest.Exec(r.t, r.store, `DELETE FROM cloakroom.audit_entries e USING cloakroom.audit_leaves l WHERE l.account_id = 1 AND e.account_id = 1 AND l.entry_id = e.entry_id AND l.seq >= $1`, entries)
	storetest.Exec(r.t, r.store, `DELETE FROM cloakroom.audit_leaves WHERE account_id = 1 AND seq >= $1`, entries)
	storetest.Exec(r.t, r.store, `DELETE FROM cloakroom.audit_checkpoints WHERE account_id = 1 AND number > $1`, checkpoints)
	r.regrow()
}

// regrow computes leaves and tree of account 1 anew from the entries, in their order: nothing in the database tells.
func (r *trail) regrow() {
	r.t.Helper()
	storetest.Exec(r.t, r.store, `DELETE FROM cloakroom.audit_leaves WHERE account_id = 1`)
	storetest.Exec(r.t, r.store, `DELETE FROM cloakroom.audit_trees WHERE account_id = 1`)
	r.number()
}

// rewriteCheckpoints has every checkpoint of account 1 say what its tree is now; the key of the trail signs it.
func (r *trail) rewriteCheckpoints() {
	r.t.Helper()
	tree := proof.NewTree()
	list, err := r.store.ListNumbered(r.t.Context(), schema.Acme, -1, 1000)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, n := range list {
		if err := tree.Append(proof.Hash(n.Hash)); err != nil {
			r.t.Fatal(err)
		}
		root, err := tree.Root()
		if err != nil {
			r.t.Fatal(err)
		}
		storetest.Exec(r.t, r.store, `UPDATE cloakroom.audit_checkpoints SET root_hash = $2 WHERE account_id = 1 AND size = $1`, tree.Size(), root[:])
	}
}

// TestRewriting is what somebody does who knows how all of it is computed.
func TestRewriting(t *testing.T) {
	t.Parallel()
	change := func(r *trail) {
		storetest.Exec(r.t, r.store, r.numbers().Replace(`UPDATE cloakroom.audit_entries SET actor_id = '77' WHERE account_id = 1 AND entry_id = {7}`))
	}
	for name, c := range map[string]struct {
		attack         func(*trail)
		inside, beside []string // kinds found without copies, and with them
	}{
		"an entry changed, leaves and tree to match": {func(r *trail) { change(r); r.regrow() },
			[]string{"root_differs entries number 5 to 11"}, []string{"root_differs entries number 5 to 11", "copy_differs entries number 5 to 11"}},
		"an entry dropped, numbers to match": {func(r *trail) {
			storetest.Exec(r.t, r.store, r.numbers().Replace(`DELETE FROM cloakroom.audit_entries WHERE account_id = 1 AND entry_id = {3}`))
			r.regrow()
		}, []string{"root_differs entries number 0 to 4", "tail_cut checkpoint 2 signs 12 entries, and 11 are there"},
			[]string{"root_differs", "copy_differs", "tail_cut", "copy_ahead"}},
		"the tail cut": {func(r *trail) { r.rewind(9, 2) }, []string{"tail_cut checkpoint 2 signs 12 entries, and 9 are there: entries number 9 to 11 are gone"}, []string{"tail_cut", "copy_ahead"}},
		"the tail cut with its checkpoint": {func(r *trail) { r.rewind(5, 1) }, nil,
			[]string{"copy_ahead copies/account-1/000000000002.checkpoint holds checkpoint 2, which signs 12 entries; the database does not know it", "copy_ahead checkpoint 2 in copies/account-1/000000000002.checkpoint signs 12 entries, and 5 are there"}},
		"all of it gone": {func(r *trail) {
			r.rewind(0, 0)
			storetest.Exec(r.t, r.store, `DELETE FROM cloakroom.audit_trees WHERE account_id = 1`)
		}, nil, []string{"copy_ahead", "copy_ahead", "copy_ahead", "copy_ahead"}},
		"everything rewritten and signed with another key": {func(r *trail) {
			change(r)
			r.regrow()
			r.rewriteCheckpoints()
			mine := r.AuditLog.Key
			r.AuditLog.Key, _ = signer(r.t)
			directory := r.directory
			r.directory = r.t.TempDir()
			r.resign()
			r.AuditLog.Key, r.directory = mine, directory
		}, []string{"1 checkpoint_signer", "1 checkpoint_signer", "1 no_checkpoint", "2 checkpoint_signer", "2 no_checkpoint"}, nil},
		"everything rewritten and signed with the stolen key": {func(r *trail) {
			change(r)
			r.regrow()
			r.rewriteCheckpoints()
			directory := r.directory
			r.directory = r.t.TempDir()
			r.resign()
			r.directory = directory
		}, nil, []string{"copy_differs copies/account-1/000000000002.checkpoint holds another checkpoint 2 than the database", "copy_differs entries number 5 to 11 are not those that checkpoint 2 in copies/account-1/000000000002.checkpoint signs"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := proven(t)
			c.attack(r)
			for copies, want := range map[bool][]string{false: c.inside, true: c.beside} {
				if want == nil && c.inside != nil {
					continue
				}
				found, _ := r.verifyAudit(copies)
				if len(found) != len(want) || !slices.EqualFunc(found, want, strings.Contains) {
					t.Errorf("copies %v:\n%s\nwant\n%s", copies, strings.Join(found, "\n"), strings.Join(want, "\n"))
				}
			}
		})
	}
}

// TestCopiesThatAreNone are told, whatever they say, and not gone by.
func TestCopiesThatAreNone(t *testing.T) {
	t.Parallel()
	r := proven(t)
	one, err := os.ReadFile(filepath.Join(r.directory, "account-2/000000000001.checkpoint"))
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"account-1/000000000003.checkpoint": string(one), "account-2/000000000009.checkpoint": strings.Replace(string(one), "\n2\n", "\n3\n", 1),
		"account-2/000000000010.checkpoint": "signed", "account-2/000000000011.checkpoint": strings.Repeat("long", 2000), "account-2/remarks.txt": "none",
	} {
		if err := os.WriteFile(filepath.Join(r.directory, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	found, _ := r.verifyAudit(true)
	want := []string{"copy_rejected copies/account-1/000000000003.checkpoint: it is one of account 2", "copy_rejected copies/account-2/000000000009.checkpoint: no trusted key has signed it",
		"copy_rejected copies/account-2/000000000010.checkpoint: it is no checkpoint", "copy_rejected copies/account-2/000000000011.checkpoint: it is no checkpoint"}
	if !slices.Equal(found, want) {
		t.Errorf("%s", strings.Join(found, "\n"))
	}
}
