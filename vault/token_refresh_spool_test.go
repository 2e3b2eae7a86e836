package vault

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/provider/providertest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const fullDisk = `ALTER TABLE cloakroom.audit_entries ADD CONSTRAINT full_disk CHECK (false) NOT VALID`

// newSpoolTest is a grant whose refresh was answered while nothing could be written: it lies in the spool.
func newSpoolTest(t *testing.T) (g *grantTest, path string) {
	t.Helper()
	g = newGrantTest(t, 1, 5*time.Minute)
	directory := filepath.Join(t.TempDir(), "spool")
	if err := g.OpenSpool(directory); err != nil {
		t.Fatal(err)
	}
	g.spoolAfter = 0
	rotated, release := g.holdAnswer()
	defer release()
	ended := g.asking(g.replica)
	<-rotated
	storetest.Exec(t, g.store, fullDisk)
	release()
	ended()
	storetest.Exec(t, g.store, `ALTER TABLE cloakroom.audit_entries DROP CONSTRAINT full_disk`)
	paths, err := filepath.Glob(filepath.Join(directory, "*"))
	if err != nil || len(paths) != 1 {
		t.Fatalf("the spool holds %v, %v", paths, err)
	}
	return g, paths[0]
}

func TestSpool(t *testing.T) {
	t.Parallel()
	g, path := newSpoolTest(t)
	g.want("ACTIVE v1")
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for _, open := range []string{"canary", providertest.Name, "hook", "read"} {
		if strings.Contains(string(text), open) || strings.Contains(path[strings.LastIndexByte(path, '/'):], open) {
			t.Errorf("%s stands in the spool: %s", open, text)
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if err := g.ReplaySpool(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.want("ACTIVE v2")
	if got := g.retrieves(g.stored); got != "acme-access-canary-2" {
		t.Errorf("replayed: %s", got)
	}
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("the file is there still: %v", err)
	}
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := g.ReplaySpool(t.Context()); err != nil {
		t.Errorf("a second time: %v", err)
	}
	g.want("ACTIVE v2")
	if n := g.audited(chat.VaultTokenRefreshed); n != 1 {
		t.Errorf("%d refreshes are on record", n)
	}
	g.onceEach()
	if g.journal.has("canary") || !g.journal.has("lies in the spool") {
		t.Error("the log does not say that it lies in the spool, or says what")
	}
}

// TestSpoolOfTheDead: another process had asked meanwhile and given the grant up; what lies in the spool brings it back.
func TestSpoolOfTheDead(t *testing.T) {
	t.Parallel()
	g, _ := newSpoolTest(t)
	g.tends()
	g.want("REAUTH_REQUIRED v1 RESPONSE_LOST INVALID_GRANT")
	if err := g.ReplaySpool(t.Context()); err != nil {
		t.Fatal(err)
	}
	g.want("ACTIVE v2")
}

// TestSpoolIsBound: what was changed in the spool is not written, stays, and keeps nothing else from being written.
func TestSpoolIsBound(t *testing.T) {
	t.Parallel()
	g, path := newSpoolTest(t)
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for name, changed := range map[string]string{
		"another account": strings.Replace(string(text), `"account_id":1`, `"account_id":2`, 1),
		"another token":   strings.Replace(string(text), `"vault_token_id":1`, `"vault_token_id":2`, 1),
		"another refresh": strings.Replace(string(text), `"refresh_id":1`, `"refresh_id":2`, 1),
		"cut":             string(text[:len(text)/2]),
		"empty":           "",
	} {
		if changed == string(text) {
			t.Fatalf("%s: nothing was changed in %s", name, text)
		}
		file := filepath.Join(filepath.Dir(path), strings.ReplaceAll(name, " ", "-")+spoolSuffix)
		if err := os.WriteFile(file, []byte(changed), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := g.ReplaySpool(t.Context()); err == nil || strings.Contains(err.Error(), "canary") {
		t.Errorf("%v", err)
	}
	if left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "*")); err != nil || len(left) != 5 {
		t.Errorf("the spool holds %v, %v", left, err)
	}
	g.want("ACTIVE v2")
}

func TestSpoolIsOurs(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, time.Hour)
	directory := filepath.Join(t.TempDir(), "open")
	if err := os.Mkdir(directory, 0o755); err != nil {
		t.Fatal(err)
	}
	if err := g.OpenSpool(directory); err == nil || !strings.Contains(err.Error(), "chmod 700") {
		t.Errorf("one that others can read: %v", err)
	}
}

// TestTriedHard: without a spool a grant is written as soon as the database takes it again.
func TestTriedHard(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 1, 5*time.Minute)
	rotated, release := g.holdAnswer()
	defer release()
	ended := g.asking(g.replica)
	<-rotated
	storetest.Exec(t, g.store, fullDisk)
	release()
	g.eventually("a try has failed", func() bool { return g.journal.has("a grant could not be written") })
	storetest.Exec(t, g.store, `ALTER TABLE cloakroom.audit_entries DROP CONSTRAINT full_disk`)
	ended()
	g.want("ACTIVE v2")
}

// TestScheduleRefreshesAll: more than one batch that is due is refreshed in one go, each once, and none that is not due.
func TestScheduleRefreshesAll(t *testing.T) {
	t.Parallel()
	g := newGrantTest(t, 2, time.Hour)
	const due = dueBatch + 3
	for n := range due {
		s := g.stored
		s.Subject, s.Credential = "hook/"+chat.FormatID(int64(100+n)), g.provider.Grant()
		g.stores(s)
	}
	storetest.Exec(t, g.store, `UPDATE cloakroom.vault_tokens SET refresh_after = now() - interval '1 minute' WHERE subject <> 'hook/5'`)
	if err := g.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := storetest.Value[int64](t, g.store, `SELECT count(*) FROM cloakroom.vault_tokens WHERE version = 2`); n != due || len(g.provider.Calls()) != due {
		t.Errorf("%d of %d were refreshed, by %d calls", n, due, len(g.provider.Calls()))
	}
	g.want("ACTIVE v1")
	g.onceEach()
	storetest.Exec(t, g.store, `UPDATE cloakroom.vault_token_refreshes SET started_at = now() - interval '31 days'`)
	if err := g.Tend(t.Context()); err != nil {
		t.Fatal(err)
	}
	if n := storetest.Value[int64](t, g.store, `SELECT count(*) FROM cloakroom.vault_token_refreshes`); n != 0 {
		t.Errorf("%d refreshes of long ago are kept", n)
	}
}
