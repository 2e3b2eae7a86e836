package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestDocumentedGrantsSuffice does everything the program does with a role that has the rights of docs/operations.md
// and no other. The optional groups come second: until then what they are for is refused as a whole, and the rest goes on.
func TestDocumentedGrantsSuffice(t *testing.T) {
	t.Parallel()
	holdMachine(t)
	g := startGranted(t)
	denied := g.serveWith(func() {
		g.answers()
		g.masks()
		g.proves()
		g.searches()
		g.keepsTokens()
		g.rotates()
		g.missingRightsAreTold()
	})
	for _, table := range []string{"contacts", "audits", "notes"} {
		if !strings.Contains(denied, "permission denied for table "+table) {
			t.Errorf("the log does not say that a right to %s is missing", table)
		}
	}
	g.exec(g.grants[2])
	denied = g.serveWith(func() {
		g.signsIn()
		g.writes()
		g.erases()
		g.importsTokens()
		g.givesTokens()
	})
	if denied != "" {
		t.Errorf("the server logged\n%s", denied)
	}
	g.refuses()
}

// granted is an installation with the two roles of the documentation, under names of its own.
type granted struct {
	*rotating
	grants   []string // the documentation's three blocks
	role     string   // that serves
	database string   // as that role sees it
	server   *production
	tokens   map[int64]string
}

var sqlBlock = regexp.MustCompile("(?s)```sql\n(.*?)```")

func startGranted(t *testing.T) *granted {
	t.Helper()
	g := &granted{rotating: &rotating{T: t, directory: t.TempDir()}}
	owned := &production{database: storetest.NewURL(t)}
	g.conn = connect(t, owned.database)
	suffix := strings.ToLower(rand.Text())
	migrator := "cloakroom_migrator_" + suffix
	g.role = "cloakroom_server_" + suffix
	g.grants = documentedGrants(t, migrator, g.role)
	redis := leaseRedis(t)
	environment := func(database string) []string {
		return []string{"LISTEN=127.0.0.1:0", "DOCUMENTS=any", "RATE_LIMIT=0", "REDIS_URL=" + redis, "DATABASE_URL=" + database,
			"MASTER_KEY=local-file://" + filepath.Join(g.directory, "master.key")}
	}
	g.environment = environment(owned.database)
	g.run("migrate", "down", "--yes")
	t.Cleanup(func() { dropRoles(t, owned.database, migrator, g.role) })
	g.exec(g.grants[0])
	g.environment = environment(withParameter(t, owned.database, "options", "-crole="+migrator))
	g.run("migrate", "up")
	g.exec(g.grants[1])
	owned.seed(t, program(t), environment(owned.database))
	g.tokens, g.database = owned.tokens, withParameter(t, owned.database, "options", "-crole="+g.role)
	g.environment = environment(g.database)
	g.run("audit", "key", "create", "--out", filepath.Join(g.directory, "audit.key"))
	g.environment = append(g.environment, "AUDIT_KEY="+filepath.Join(g.directory, "audit.key"), "AUDIT_DESTINATIONS=file://"+filepath.Join(g.directory, "audit"))
	return g
}

func documentedGrants(t *testing.T, migrator, serving string) (blocks []string) {
	t.Helper()
	doc, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(doc), "\n## Database roles\n")
	section, _, _ = strings.Cut(section, "\n## ")
	for _, block := range sqlBlock.FindAllStringSubmatch(section, -1) {
		blocks = append(blocks, strings.NewReplacer("cloakroom_migrator", migrator, "cloakroom_server", serving).Replace(block[1]))
	}
	if len(blocks) != 3 {
		t.Fatalf("the section has %d blocks of SQL; this test knows what to do with roles, rights, and more rights", len(blocks))
	}
	return blocks
}

// dropRoles takes away what belongs to the whole server, not to the test's database.
func dropRoles(t *testing.T, database string, roles ...string) {
	ctx := context.Background() // the test's has ended
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Errorf("drop the roles: %v", err)
		return
	}
	defer func() { _ = conn.Close(ctx) }()
	for _, role := range roles {
		for _, sql := range []string{"DROP OWNED BY %s CASCADE", "DROP ROLE %s"} {
			if _, err := conn.Exec(ctx, fmt.Sprintf(sql, role)); err != nil {
				t.Errorf("drop role %s: %v", role, err)
			}
		}
	}
}

func (g *granted) exec(sql string) {
	g.Helper()
	if _, err := g.conn.Exec(g.Context(), sql); err != nil {
		g.Fatalf("%v\n%s", err, sql)
	}
}

// serveWith runs fn beside a server, and gives what that logged of errors and of missing rights.
func (g *granted) serveWith(fn func()) (faults string) {
	g.Helper()
	g.server = &production{tokens: g.tokens, server: &server{done: make(chan error, 1)}}
	g.server.serve(g.T, program(g), g.environment)
	fn()
	g.server.end(g)
	for line := range strings.Lines(g.server.log.String()) {
		if strings.Contains(line, "42501") || strings.Contains(line, `"level":"ERROR"`) {
			faults += line
		}
	}
	return faults
}

// ask sends a document that must be answered without an error.
func (g *granted) ask(viewer int64, document string) string {
	g.Helper()
	body := g.send(viewer, document)
	answer, ok := data([]byte(body))
	if !ok {
		g.Errorf("%s\n%.700s", document, body)
	}
	return answer
}

func (g *granted) send(viewer int64, document string) string {
	g.Helper()
	o, err := newClient(g, g.server).ask(g.Context(), viewer, document)
	if err != nil {
		g.Fatal(err)
	}
	return string(o.body)
}

const (
	granteeErased = `mutation { eraseContact(input: {accountId: "1", contactId: "7", reason: "asked"}) { __typename } }`
	granteeMade   = `mutation { createContact(input: {accountId: "1", name: "Granted", email: "granted@grants.example", phoneNumber: "+15550190011"}) { contact { id } } }`
)

// missingRightsAreTold tries what the first groups do not cover, and then what lacks one right of its group.
func (g *granted) missingRightsAreTold() {
	g.Helper()
	g.isRefused(granteeErased)
	g.isRefused(granteeMade)
	g.exec(`REVOKE UPDATE ON cloakroom.notes FROM ` + g.role)
	g.run("rotate", "account", "--account", "1", "--retention", "0s")
	g.await(`SELECT EXISTS (SELECT 1 FROM cloakroom.jobs WHERE trouble LIKE '%42501, permission denied for table notes')`)
	g.exec(g.grants[1])
	g.await(`SELECT state = 'done' FROM cloakroom.jobs ORDER BY job_id DESC LIMIT 1`)
	// A table that the role has no right to is not taken for one that this Chatwoot does not have.
	g.exec(g.grants[2])
	g.exec(`REVOKE ALL ON audits FROM ` + g.role)
	g.isRefused(granteeErased)
}

// isRefused sends a mutation that must fail, tell its sender no more than that, and change nothing.
func (g *granted) isRefused(document string) {
	g.Helper()
	if body := g.send(schema.Root, document); !strings.Contains(body, "INTERNAL") || strings.Contains(body, "42501") {
		g.Errorf("%s\n%.500s", document, body)
	}
	g.await(`SELECT NOT EXISTS (SELECT 1 FROM cloakroom.erasures) AND NOT EXISTS (SELECT 1 FROM contacts WHERE name = 'Granted')
		AND (SELECT email_sealed IS NOT NULL FROM cloakroom.contacts WHERE account_id = 1 AND contact_id = 7)`)
}

// await waits until a statement says true.
func (g *granted) await(sql string) {
	g.Helper()
	deadline := time.After(2 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var so bool
		if err := g.conn.QueryRow(g.Context(), sql).Scan(&so); err != nil {
			g.Fatalf("%v\n%s", err, sql)
		}
		if so {
			return
		}
		select {
		case <-deadline:
			g.Fatalf("it does not become true that %s\n%s", sql, g.run("jobs", "list", "--all"))
		case <-tick.C:
		}
	}
}

// refuses tries what no group allows.
func (g *granted) refuses() {
	g.Helper()
	conn := connect(g, g.database)
	for _, sql := range []string{
		`UPDATE cloakroom.audit_entries SET actor_id = '1'`, `DELETE FROM cloakroom.audit_entries`, `TRUNCATE cloakroom.audit_entries`,
		`UPDATE cloakroom.audit_leaves SET leaf_hash = ''`, `DELETE FROM cloakroom.audit_leaves`, `TRUNCATE cloakroom.audit_leaves`, `DELETE FROM cloakroom.audit_trees`,
		`UPDATE cloakroom.audit_checkpoints SET note = ''`, `DELETE FROM cloakroom.audit_checkpoints`, `TRUNCATE cloakroom.audit_checkpoints`, `DELETE FROM cloakroom.audit_deliveries`,
		`DROP TABLE cloakroom.audit_entries`, `DROP TABLE cloakroom.contacts`, `ALTER TABLE cloakroom.contacts DROP COLUMN email_sealed`,
		`CREATE TABLE cloakroom.mine (id bigint)`, `DROP SCHEMA cloakroom CASCADE`,
		`INSERT INTO cloakroom.migrations (version_id, is_applied) VALUES (99, true)`, `DELETE FROM cloakroom.migrations`, `UPDATE cloakroom.migrations SET is_applied = false`,
		`DELETE FROM cloakroom.river_migration`, `DELETE FROM cloakroom.account_keysets`, `DELETE FROM cloakroom.subject_keys`, `DELETE FROM cloakroom.erasures`, `DELETE FROM cloakroom.vault_tokens`,
		`DELETE FROM cloakroom.messages`, `UPDATE cloakroom.master_keys SET successor = ''`, `DELETE FROM cloakroom.jobs`, `DELETE FROM cloakroom.agent_masking`,
		`DELETE FROM messages`, `DELETE FROM conversations`, `UPDATE users SET type = 'SuperAdmin'`, `UPDATE users SET encrypted_password = ''`,
		`UPDATE access_tokens SET token = ''`, `UPDATE account_users SET role = 1`, `DROP TABLE contacts CASCADE`,
	} {
		_, err := conn.Exec(g.Context(), sql)
		var said *pgconn.PgError
		if !errors.As(err, &said) || said.Code != "42501" {
			g.Errorf("%s: %v", sql, err)
		}
	}
}
