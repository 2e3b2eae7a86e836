package vault

import (
	"strconv"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// keepsTokens stores some credentials, of which one is revoked.
func (r *replica) keepsTokens(n int) (all []TokenStored) {
	r.t.Helper()
	for i := range n {
		s := hookToken()
		s.Subject = "hook/" + strconv.Itoa(i)
		s.Credential.Access = chat.Secret("access of " + s.Subject)
		r.stores(s)
		all = append(all, s)
	}
	gone := hookToken()
	gone.Subject = "gone"
	r.stores(gone)
	if _, _, err := r.RevokeToken(r.t.Context(), gone.AccountID, gone.Provider, gone.Subject, "a test"); err != nil {
		r.t.Fatal(err)
	}
	return all
}

const (
	tokenRows = `SELECT vault_token_id || ' v' || version || ' ' || updated_at || ' ' || state || ' under ' || key_id FROM cloakroom.vault_tokens ORDER BY 1`
	vaultSets = `SELECT 'vault/' || generation || ' is ' || state FROM cloakroom.account_keysets WHERE account_id = 1 AND purpose = 'vault' ORDER BY 1`
)

// vaultRows are the rows that name a generation, as keys status tells.
func (r *replica) vaultRows(generation int) int64 {
	r.t.Helper()
	status, err := r.KeyStatus(r.t.Context(), schema.Acme, true)
	if err != nil {
		r.t.Fatal(err)
	}
	for _, k := range status.Keysets {
		if k.Purpose == chat.KeysetVault && k.Generation == generation {
			return k.Rows
		}
	}
	return -1
}

// TestRotationTakesTokensAlong: they are sealed anew whether or not all else is, nothing else of them changes, and then
// the old generation can go.
func TestRotationTakesTokensAlong(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		arguments chat.JobArguments
		sets      string
	}{
		"everything":         {chat.JobArguments{Reseal: true}, "vault/1 is destroyed\nvault/2 is active"},
		"subject keys alone": {chat.JobArguments{}, "vault/1 is retired\nvault/2 is active"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRotating(t)
			all := r.keepsTokens(7)
			foreign := hookToken()
			foreign.AccountID = schema.Borealis
			r.stores(foreign)
			if n := r.vaultRows(1); n != 7 {
				t.Errorf("%d rows name generation 1", n)
			}
			before := r.wrong(`SELECT regexp_replace(found, 'under 1', 'under 2') FROM (` + tokenRows + `) b(found) WHERE found NOT LIKE (
 SELECT vault_token_id || ' %' FROM cloakroom.vault_tokens WHERE account_id = 2)`)
			job := r.finish(r.begin(chat.RotateAccount, schema.Acme, c.arguments))
			if job.State != chat.JobDone || job.Checkpoint.Found != 0 {
				t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
			}
			after := r.wrong(`SELECT found FROM (` + tokenRows + `) b(found) WHERE found NOT LIKE (
 SELECT vault_token_id || ' %' FROM cloakroom.vault_tokens WHERE account_id = 2)`)
			if after != before {
				t.Errorf("rows are\n%s\nwant\n%s", after, before)
			}
			if got := r.wrong(vaultSets); got != c.sets {
				t.Errorf("keysets are\n%s", got)
			}
			for _, each := range []*replica{r, r.another()} {
				for _, s := range append(all, foreign) {
					want := s.Credential.Access.Reveal()
					if got := each.retrieves(s); got != want {
						t.Errorf("%s of account %d is %q, want %q", s.Subject, s.AccountID, got, want)
					}
				}
			}
			if n := r.vaultRows(2); n != 7 {
				t.Errorf("%d rows name generation 2", n)
			}
		})
	}
}

// TestTokenAtFaultKeepsItsGeneration: a key that some row names is not destroyed, though the row does not open. Revoking
// the credential lets it go.
func TestTokenAtFaultKeepsItsGeneration(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	all := r.keepsTokens(3)
	storetest.Exec(t, r.store, `UPDATE cloakroom.vault_tokens SET scopes = '{}', version = version + 1 WHERE subject = 'hook/1'`)
	job := r.finish(r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true}))
	if job.State != chat.JobDone || job.Checkpoint.Found != 1 {
		t.Errorf("the job is %s, %d rows at fault", job.State, job.Checkpoint.Found)
	}
	if got := r.wrong(vaultSets); got != "vault/1 is retired\nvault/2 is active" || r.vaultRows(1) != 1 {
		t.Errorf("%d rows name generation 1; keysets are\n%s", r.vaultRows(1), got)
	}
	if _, _, err := r.RevokeToken(t.Context(), schema.Acme, "shopify", "hook/1", "it does not open"); err != nil {
		t.Fatal(err)
	}
	r.finish(r.begin(chat.RetireKeys, 0, chat.JobArguments{}))
	if got := r.wrong(vaultSets); got != "vault/1 is destroyed\nvault/2 is active" {
		t.Errorf("keysets are\n%s", got)
	}
	if r.retrieves(all[0]) != "access of hook/0" || r.retrieves(all[1]) != "REVOKED" {
		t.Error("the others do not open any more")
	}
}

// TestTokenStoredDuringRotation stores between every two batches: nothing is lost, and nothing stays behind.
func TestTokenStoredDuringRotation(t *testing.T) {
	t.Parallel()
	r := newRotating(t)
	r.keepsTokens(2)
	s, n := hookToken(), 0
	r.checkpoint = func(committed bool) {
		if committed {
			n++
			s.Credential.Access = chat.Secret("access " + strconv.Itoa(n))
			r.stores(s)
		}
	}
	job := r.finish(r.begin(chat.RotateAccount, schema.Acme, chat.JobArguments{Reseal: true}))
	r.checkpoint = nil
	if job.State != chat.JobDone || r.wrong(oldRows) != "" {
		t.Errorf("the job is %s; %s", job.State, r.wrong(oldRows))
	}
	if got, want := r.retrieves(s), "access "+strconv.Itoa(n); got != want || n < 5 {
		t.Errorf("%q, want %q", got, want)
	}
}
