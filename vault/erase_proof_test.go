package vault

import (
	"bytes"
	"encoding/json"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestVerifierFinds puts something back everywhere, one place after the other: it is found, named, and gone after.
func TestVerifierFinds(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	r.eraseContact(everything)
	for place, sql := range map[string]string{
		"cloakroom.contacts":     `UPDATE cloakroom.contacts SET email_sealed = 'x' WHERE contact_id = 1`,
		"cloakroom.messages":     `UPDATE cloakroom.messages SET content_sealed = 'x' WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = 1)`,
		"cloakroom.subject_keys": `UPDATE cloakroom.subject_keys SET key_sealed = 'x' WHERE contact_id = 1`,
		"cloakroom.lookup_tags":  `INSERT INTO cloakroom.lookup_tags (account_id, field, generation, tag_index, contact_id) VALUES (1, 1, 7, '0123456789abcdef', 1)`,
		"contacts":               `UPDATE contacts SET phone_number = '+15550100' WHERE id = 1`,
		"messages":               `UPDATE messages SET content = 'x' WHERE conversation_id IN (SELECT id FROM conversations WHERE contact_id = 1)`,
		"contact_inboxes":        `UPDATE contact_inboxes SET source_id = 'x' || id WHERE contact_id = 1`,
	} {
		storetest.Exec(t, r.store, sql)
		e := r.verify(everything)
		if !e.Proven() {
			t.Errorf("%s: left %v", place, e.Leftovers)
		}
		entries, err := r.Entries(t.Context(), schema.Acme, time.Time{}, 1)
		if err != nil {
			t.Fatal(err)
		}
		if mended, _ := json.Marshal(entries[0].Details["mended"]); !bytes.Contains(mended, []byte(`"`+place+`"`)) {
			t.Errorf("%s is not among what was found: %s", place, mended)
		}
	}
}

// TestVerifyErasureJob waits for its time, then proves.
func TestVerifyErasureJob(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	r.eraseContact(everything)
	job := r.one(`SELECT job_id FROM cloakroom.jobs WHERE kind = 'verify_erasure'`)
	if again, done, err := r.WorkJob(t.Context(), job, time.Minute); err != nil || done || again < 9*time.Minute {
		t.Fatalf("again in %s, done %t, %v", again, done, err)
	}
	storetest.Exec(t, r.store, `UPDATE cloakroom.jobs SET arguments = arguments - 'notBefore' WHERE job_id = $1`, job)
	if due, err := r.store.ListErasuresDue(t.Context(), time.Now().Add(time.Hour)); err != nil || len(due) != 0 {
		t.Errorf("due although a job is open: %d, %v", len(due), err)
	}
	if _, done, err := r.WorkJob(t.Context(), job, time.Minute); err != nil || !done {
		t.Fatalf("done %t, %v", done, err)
	}
	if e, err := r.FindErasure(t.Context(), schema.Acme, everything); err != nil || !e.Proven() {
		t.Errorf("%+v, %v", e, err)
	}
}

// TestRestoredDump puts the tables of before an erasure back, first with the keys there still, then without.
func TestRestoredDump(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	address := r.email(everything)
	for _, table := range []string{"contacts", "subject_keys", "lookup_tags", "messages", "erasures"} {
		storetest.Exec(t, r.store, `CREATE TABLE dump_`+table+` AS SELECT * FROM cloakroom.`+table)
	}
	ledger := r.eraseContact(everything)
	restore := func() {
		for _, table := range []string{"contacts", "subject_keys", "lookup_tags", "messages", "erasures"} {
			storetest.Exec(t, r.store, `TRUNCATE cloakroom.`+table)
			storetest.Exec(t, r.store, `INSERT INTO cloakroom.`+table+` OVERRIDING SYSTEM VALUE SELECT * FROM dump_`+table)
		}
		storetest.Exec(t, r.store, `UPDATE cloakroom.accounts SET cache_epoch = cache_epoch + 1000`)
	}
	restore()
	if got := r.email(everything); got != address {
		t.Fatalf("the dump gives %q, so this test shows nothing", got)
	}
	if done, err := r.ReplayErasure(t.Context(), ledger.AccountID, ledger.ContactID); err != nil || !done {
		t.Fatalf("replayed %t, %v", done, err)
	}
	if done, err := r.ReplayErasure(t.Context(), ledger.AccountID, ledger.ContactID); err != nil || done {
		t.Errorf("replayed again %t, %v", done, err)
	}
	if got := r.email(everything); got != "none" {
		t.Errorf("after the replay the address is %q", got)
	}
	if _, err := r.ReplayErasure(t.Context(), schema.Acme, 4711); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("nobody is replayed: %v", err)
	}
}

func TestCertificate(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	r.eraseContact(everything)
	r.verify(everything)
	epochs := chat.Epochs{Length: 30 * 24 * time.Hour, Retention: 35 * 24 * time.Hour}
	c, err := r.CertifyErasure(t.Context(), schema.Acme, everything, epochs, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	if !c.Verified || c.Backups.Statement == "" || len(c.LeftToOthers.AttachmentIDs) == 0 || !c.LeftToOthers.Avatar {
		t.Errorf("%+v", c)
	}
	text, err := json.MarshalIndent(c, "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	if again, err := r.CheckCertificate(t.Context(), text); err != nil || again.ErasureID != c.ErasureID {
		t.Errorf("the certificate itself: %v", err)
	}
	for name, forged := range map[string]string{
		"another contact":   string(bytes.Replace(text, []byte(`"contactId": 1`), []byte(`"contactId": 2`), 1)),
		"verified":          string(bytes.Replace(text, []byte(`"verified": true`), []byte(`"verified": false`), 1)),
		"a thing twice":     string(bytes.Replace(text, []byte(`"verified": true`), []byte(`"verified": false, "verified": true`), 1)),
		"more":              string(bytes.Replace(text, []byte(`"verified": true`), []byte(`"verified": true, "rated": "A"`), 1)),
		"another tag":       string(bytes.Replace(text, []byte(c.Tag[:8]), []byte("AAAAAAAA"), 1)),
		"no JSON":           "certificate",
		"another's version": string(bytes.Replace(text, []byte(`"version": 1`), []byte(`"version": 2`), 1)),
	} {
		if forged == string(text) {
			t.Fatalf("%s: nothing was changed", name)
		}
		if _, err := r.CheckCertificate(t.Context(), []byte(forged)); chat.CodeOf(err) != chat.Invalid {
			t.Errorf("%s: %v", name, err)
		}
	}
	if _, err := r.CertifyErasure(t.Context(), schema.Acme, everything+1, epochs, time.Now()); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("of a contact that is there: %v", err)
	}
}

// TestExportSaysWhatIsUnreadable: a value that does not open is in the document as such, and counted.
func TestExportSaysWhatIsUnreadable(t *testing.T) {
	t.Parallel()
	r := newErasable(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = set_byte(email_sealed, length(email_sealed) - 1,
 get_byte(email_sealed, length(email_sealed) - 1) # 1) WHERE contact_id = 1`)
	var out bytes.Buffer
	n, err := r.ExportContact(t.Context(), schema.Acme, everything, &out)
	if err != nil || n != 1 || !bytes.Contains(out.Bytes(), []byte(`"email":{"unreadable":true}`)) || !json.Valid(out.Bytes()) {
		t.Errorf("%d, %v: %.300s", n, err, out.String())
	}
	if r.audited(chat.ContactExported) != 1 {
		t.Error("an export is not on record")
	}
	if _, err := r.ExportContact(t.Context(), schema.Acme, 4711, &out); !errors.Is(err, chat.ErrNotFound) || r.audited(chat.ContactExported) != 1 {
		t.Errorf("nobody is exported: %v", err)
	}
}

// TestDumpOutlivesNoEpoch: once the key of their epoch is destroyed where it is kept, a restored database opens nothing of
// its subject keys, and gives nothing of the contact.
func TestDumpOutlivesNoEpoch(t *testing.T) {
	t.Parallel()
	folder := t.TempDir()
	uri := "local-file://" + filepath.Join(folder, "master.key")
	s, client := storetest.WithDemo(t), leaseRedis(t)
	start := func() *replica {
		master, err := keyring.OpenMasterKey(t.Context(), uri, true)
		if err != nil {
			t.Fatal(err)
		}
		keys, err := keyring.New(master, s, keyring.WithFollower(keyring.OpenMasterKey))
		if err != nil {
			t.Fatal(err)
		}
		log := new(journal)
		r := &replica{t: t, client: client, journal: log, registry: prometheus.NewRegistry()}
		r.Vault = New(s, keys, client, events.New(client, slog.New(slog.NewJSONHandler(log, nil))), slog.New(slog.NewJSONHandler(log, nil)), r.registry)
		t.Cleanup(r.Settle)
		return r
	}
	contact := schema.ContactOfBorealis
	r := start()
	account := r.sealAll(schema.Borealis)
	if got := show(r.contacts(account, contact)[0].Email()); !strings.Contains(got, "@") {
		t.Fatal(got)
	}
	tables := []string{"contacts", "subject_keys", "key_epochs", "erasures"}
	for _, table := range tables {
		storetest.Exec(t, s, `CREATE TABLE dump_`+table+` AS SELECT * FROM cloakroom.`+table)
	}
	if _, err := r.EraseContact(t.Context(), schema.Borealis, contact, why); err != nil {
		t.Fatal(err)
	}
	storetest.Exec(t, s, `UPDATE contacts SET email = NULL`)
	for _, table := range tables {
		storetest.Exec(t, s, `TRUNCATE cloakroom.`+table)
		storetest.Exec(t, s, `INSERT INTO cloakroom.`+table+` OVERRIDING SYSTEM VALUE SELECT * FROM dump_`+table)
	}
	setEpoch(t, s)
	if got := show(start().contacts(r.account(schema.Borealis), contact)[0].Email()); !strings.Contains(got, "@") {
		t.Fatalf("with its epoch the dump gives %q, so this test shows nothing", got)
	}
	setEpoch(t, s)
	epochs, err := filepath.Glob(filepath.Join(folder, "*epoch*"))
	if err != nil || len(epochs) == 0 {
		t.Fatalf("no keys of epochs in %s: %v", folder, err)
	}
	for _, file := range epochs {
		if err := os.Remove(file); err != nil {
			t.Fatal(err)
		}
	}
	late := start()
	c := &chat.Contact{ID: contact, AccountID: schema.Borealis}
	if err := late.Load(t.Context(), r.account(schema.Borealis), Rows{Contacts: []*chat.Contact{c}}); err != nil {
		return // not even the account's keys come up
	}
	if p, err := c.Email(); err == nil {
		t.Errorf("without the key of its epoch the dump gives %q", show(p, err))
	}
}
