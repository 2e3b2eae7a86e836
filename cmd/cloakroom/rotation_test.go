package main

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestKeysRotateUnderLoad rotates everything there is to rotate, twice, while three processes answer and write. Whoever
// reads gets every time what was there before; whoever writes gets an address once and finds it everywhere at once. In
// the end no row names an old key, and the old keys are gone.
func TestKeysRotateUnderLoad(t *testing.T) {
	t.Parallel()
	holdMachine(t)
	r := startRotating(t)
	load := startLoad(t, r)
	for round := range 2 {
		r.run("rotate", "account", "--account", "1", "--wait", "--retention", "0s")
		r.run("rotate", "index", "--account", "1", "--wait", "--retention", "0s")
		r.run("rotate", "master", "--to", r.masterKey("next", round), "--wait")
		r.run("rotate", "epoch", "--wait", "--retention", "0s")
		r.run("rotate", "account", "--account", "0", "--wait", "--retention", "0s")
	}
	load.end()
	load.judge(t)
	r.nothingOldIsLeft()
	r.run("keys", "status")
}

// rotating is an installation of three servers whose keys are rotated from the command line.
type rotating struct {
	*testing.T
	directory   string
	environment []string
	servers     []*production
	conn        *pgx.Conn
}

func startRotating(t *testing.T) *rotating {
	t.Helper()
	r := &rotating{T: t, directory: t.TempDir()}
	seeded := &production{database: storetest.NewURL(t)}
	r.environment = []string{"LISTEN=127.0.0.1:0", "REDIS_URL=" + leaseRedis(t), "DOCUMENTS=any", "RATE_LIMIT=0",
		"DATABASE_URL=" + withParameter(t, seeded.database, "pool_max_conns", "8"),
		"MASTER_KEY=local-file://" + filepath.Join(r.directory, "master.key")}
	seeded.seed(t, program(t), r.environment)
	r.conn = connect(t, seeded.database)
	for range 3 {
		p := &production{database: seeded.database, tokens: seeded.tokens, server: &server{done: make(chan error, 1)}}
		p.serve(t, program(t), r.environment)
		r.servers = append(r.servers, p)
		t.Cleanup(func() {
			if t.Failed() {
				t.Logf("a server logged:\n%s", p.log.String())
			}
		})
	}
	return r
}

// masterKey names a file that is not there yet.
func (r *rotating) masterKey(name string, round int) string {
	return "local-file://" + filepath.Join(r.directory, name+strings.Repeat("+", round)+".key")
}

// run types a command and gives what it printed.
func (r *rotating) run(arguments ...string) string {
	r.Helper()
	cmd := exec.CommandContext(r.Context(), program(r), arguments...)
	cmd.Env = r.environment
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		r.Fatalf("cloakroom %s: %v\n%s%s", strings.Join(arguments, " "), err, stdout.String(), stderr.String())
	}
	return stdout.String()
}

// oldKeys finds rows that name a key which is not the one in force, and keys that should be gone. Audit entries are
// never sealed again: their generations stay for as long as they are named.
const oldKeys = `
WITH active AS (SELECT account_id, purpose, generation FROM cloakroom.account_keysets WHERE state = 'active'),
named AS (
  SELECT account_id, 'data' AS purpose, key_id AS generation, 'subject_keys' AS place FROM cloakroom.subject_keys WHERE state = 'active'
  UNION ALL SELECT account_id, 'data', key_id, 'contacts' FROM cloakroom.contacts
  UNION ALL SELECT account_id, 'data', key_id, 'contact_inboxes' FROM cloakroom.contact_inboxes
  UNION ALL SELECT account_id, 'data', key_id, 'conversations' FROM cloakroom.conversations
  UNION ALL SELECT account_id, 'data', key_id, 'messages' FROM cloakroom.messages
  UNION ALL SELECT account_id, 'data', key_id, 'attachments' FROM cloakroom.attachments
  UNION ALL SELECT account_id, 'data', key_id, 'notes' FROM cloakroom.notes
  UNION ALL SELECT account_id, 'vault', key_id, 'vault_tokens' FROM cloakroom.vault_tokens WHERE key_id > 0
  UNION ALL SELECT account_id, 'index', generation, 'lookup_tags' FROM cloakroom.lookup_tags)
SELECT n.place || ' of account ' || n.account_id || ' name generation ' || n.generation || ', not ' || a.generation
  FROM named n JOIN active a USING (account_id, purpose) WHERE n.account_id = 1 AND n.generation <> a.generation
UNION SELECT 'subject keys under epoch ' || epoch FROM cloakroom.subject_keys
  WHERE state = 'active' AND epoch <> (SELECT epoch FROM cloakroom.key_epochs WHERE state = 'active')
UNION SELECT purpose || ' generation ' || generation || ' of account ' || account_id || ' is ' || state FROM cloakroom.account_keysets
  WHERE account_id = 1 AND purpose IN ('data', 'index', 'vault') AND state NOT IN ('active', 'destroyed')
UNION SELECT 'epoch ' || epoch || ' is ' || state FROM cloakroom.key_epochs WHERE state NOT IN ('active', 'destroyed')
UNION SELECT purpose || ' of account ' || account_id || ' is still under ' || master_key FROM cloakroom.account_keysets
  WHERE state <> 'destroyed' AND master_key NOT LIKE '%next+.key'`

func (r *rotating) nothingOldIsLeft() {
	r.Helper()
	rows, err := r.conn.Query(r.Context(), oldKeys)
	if err != nil {
		r.Fatal(err)
	}
	old, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		r.Fatal(err)
	}
	for _, line := range old {
		r.Error(line)
	}
	var generations int
	if err := r.conn.QueryRow(r.Context(), `SELECT count(*) FROM cloakroom.account_keysets WHERE account_id = 1 AND purpose IN ('data', 'index')
		AND state = 'destroyed' AND octet_length(keyset_sealed) = 0`).Scan(&generations); err != nil || generations != 4 {
		r.Errorf("%d old generations of data and index are destroyed, want 4 (%v)", generations, err)
	}
}

// steady are questions whose answers nothing of the load changes.
var steady = map[string]string{
	"contact": shapes["contact"],
	"threads": shapes["threads"],
	"panel": `{ account(id: "1") { contact(id: "4") { name email phoneNumber identifier customAttributes { key value }
		additionalAttributes { city } notes { content } contactInboxes { sourceId } } } }`,
	"look-up": `{ account(id: "1") { lookupContact(input: {phoneNumber: "+15552010013"}) { id name email phoneNumber } } }`,
}

// data cuts an answer down to what was asked for.
func data(body []byte) (string, bool) {
	var answer struct {
		Data   json.RawMessage
		Errors []json.RawMessage
	}
	err := json.Unmarshal(body, &answer)
	return string(answer.Data), err == nil && len(answer.Errors) == 0
}

// viewersOfLoad see values and see none: rotation must change neither.
var viewersOfLoad = []int64{schema.Eve, schema.Max}
