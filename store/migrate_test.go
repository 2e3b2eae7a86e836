package store_test

import (
	"fmt"
	"io/fs"
	"strings"
	"sync"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// catalogue describes everything in a database that is not PostgreSQL's own: relations, columns, constraints, indexes,
// triggers, functions, sequences and schemas.
const catalogue = `SELECT string_agg(line, E'\n' ORDER BY line) FROM (
 SELECT 'schema ' || nspname FROM pg_namespace WHERE nspname !~ '^pg_' AND nspname <> 'information_schema'
 UNION ALL SELECT format('relation %s %s', c.oid::regclass, c.relkind) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
 UNION ALL SELECT format('column %s.%s.%s %s %s %s %s', table_schema, table_name, column_name, ordinal_position, data_type, column_default, is_nullable)
  FROM information_schema.columns WHERE table_schema !~ '^pg_' AND table_schema <> 'information_schema'
 UNION ALL SELECT format('constraint %s %s %s', conrelid::regclass, conname, pg_get_constraintdef(oid)) FROM pg_constraint
 UNION ALL SELECT format('index %s', indexdef) FROM pg_indexes WHERE schemaname !~ '^pg_'
 UNION ALL SELECT format('trigger %s', pg_get_triggerdef(oid)) FROM pg_trigger WHERE NOT tgisinternal -- those have a number for a name, and stand for a constraint
 UNION ALL SELECT format('function %s %s', p.oid::regprocedure, md5(p.prosrc)) FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace WHERE n.nspname !~ '^pg_' AND n.nspname <> 'information_schema'
) q(line)`

func ignore(store.Migration) {}

// TestMigrateDown takes everything of ours away and leaves Chatwoot's tables as they were before us, to the byte.
func TestMigrateDown(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	with := storetest.Value[string](t, s, catalogue)
	if err := s.MigrateDown(t.Context(), migrations.Files); err != nil {
		t.Fatal(err)
	}
	before := storetest.Value[string](t, s, catalogue)
	if strings.Contains(before, "cloakroom") || !strings.Contains(before, "conversations_before_insert_row_tr") {
		t.Error("something of ours is left, or something of Chatwoot's is not")
	}
	var theirs []string
	for line := range strings.Lines(with) {
		if !strings.Contains(line, "cloakroom") {
			theirs = append(theirs, strings.TrimSuffix(line, "\n"))
		}
	}
	if diff := cmp.Diff(strings.Join(theirs, "\n"), before); diff != "" {
		t.Error(diff)
	}
	if n := storetest.Value[int64](t, s, `SELECT count(*) FROM messages`); n < 5000 {
		t.Errorf("%d messages are left", n)
	}
	for range 2 { // up again, twice
		if err := s.Migrate(t.Context(), migrations.Files, ignore); err != nil {
			t.Fatal(err)
		}
	}
	if diff := cmp.Diff(with, storetest.Value[string](t, s, catalogue)); diff != "" {
		t.Errorf("up, down and up again: %s", diff)
	}
}

func TestMigrationsTakeTurns(t *testing.T) {
	t.Parallel()
	for range 5 {
		s := storetest.New(t)
		if err := s.MigrateDown(t.Context(), migrations.Files); err != nil {
			t.Fatal(err)
		}
		var starters sync.WaitGroup
		for range 4 {
			starters.Go(func() {
				one, err := store.Open(t.Context(), s.URL())
				if err != nil {
					t.Error(err)
					return
				}
				defer one.Close()
				if err := one.Migrate(t.Context(), migrations.Files, ignore); err != nil {
					t.Errorf("%v", err)
				}
			})
		}
		starters.Wait()
		list, err := s.Migrations(t.Context(), migrations.Files)
		if err != nil || len(list) == 0 {
			t.Fatalf("%d migrations, %v", len(list), err)
		}
		for _, m := range list {
			if !m.Applied {
				t.Errorf("%s has not run", m.Name)
			}
		}
	}
}

func TestCheckMigrated(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	if err := s.CheckMigrated(t.Context(), migrations.Files); err != nil {
		t.Error(err)
	}
	later := fstest.MapFS{"09999_of_a_later_release.sql": {}, "readme.txt": {}}
	have, err := fs.Glob(migrations.Files, "*.sql")
	if err != nil || len(have) == 0 {
		t.Fatalf("%v, %v", have, err)
	}
	for _, name := range have {
		later[name] = &fstest.MapFile{}
	}
	if err := s.CheckMigrated(t.Context(), later); err == nil {
		t.Error("migrations that have not run are not missed")
	}
	storetest.Exec(t, s, `DELETE FROM cloakroom.river_migration WHERE version = (SELECT max(version) FROM cloakroom.river_migration)`)
	if err := s.CheckMigrated(t.Context(), migrations.Files); err == nil {
		t.Error("a job queue that is behind is not missed")
	}
	storetest.Exec(t, s, `DROP TABLE cloakroom.river_migration`)
	if err := s.CheckMigrated(t.Context(), migrations.Files); err == nil {
		t.Error("no job queue at all is not missed")
	}
	if err := s.MigrateDown(t.Context(), migrations.Files); err != nil {
		t.Fatal(err)
	}
	if err := s.CheckMigrated(t.Context(), migrations.Files); err == nil {
		t.Error("no schema at all is not missed")
	}
}

// TestMigrationsOfTheQueueAreListed: an operator sees River's steps beside ours, and which are still to run.
func TestMigrationsOfTheQueueAreListed(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	storetest.Exec(t, s, `DELETE FROM cloakroom.river_migration WHERE version = (SELECT max(version) FROM cloakroom.river_migration)`)
	list, err := s.Migrations(t.Context(), migrations.Files)
	if err != nil {
		t.Fatal(err)
	}
	var queue, pending int
	for _, m := range list {
		if m.Queue {
			queue++
		}
		if !m.Applied {
			pending++
		}
	}
	if queue < 6 || pending != 1 {
		t.Errorf("%d steps of the queue, %d of all pending, want 1", queue, pending)
	}
}

// TestMigrateSaysWhoMayNot: a role that may use the schema and not make tables in it is told whose work this is.
func TestMigrateSaysWhoMayNot(t *testing.T) {
	t.Parallel()
	for name, prepare := range map[string]string{
		"ours":      `DROP SCHEMA cloakroom CASCADE; CREATE SCHEMA cloakroom`,
		"the queue": `DROP TABLE cloakroom.river_migration`,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := storetest.New(t)
			storetest.Exec(t, s, prepare)
			role := storetest.Value[string](t, s, `SELECT current_database()`)
			storetest.Exec(t, s, `CREATE ROLE `+role)
			t.Cleanup(func() { storetest.Exec(t, s, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
			storetest.Exec(t, s, `GRANT USAGE ON SCHEMA cloakroom TO `+role+`; GRANT ALL ON ALL TABLES IN SCHEMA cloakroom TO `+role)
			limited, err := store.Open(t.Context(), s.URL()+"&options=-crole%3D"+role)
			if err != nil {
				t.Fatal(err)
			}
			defer limited.Close()
			err = limited.Migrate(t.Context(), migrations.Files, ignore)
			if err == nil || !strings.Contains(err.Error(), "does the role own the schema?") {
				t.Errorf("%v", err)
			}
		})
	}
}

func TestCheckColumns(t *testing.T) {
	t.Parallel()
	s := storetest.New(t)
	if missing, err := s.CheckColumns(t.Context()); err != nil || len(missing) != 0 {
		t.Fatalf("%v, %v", missing, err)
	}
	storetest.Exec(t, s, `ALTER TABLE contacts ADD COLUMN of_a_later_release jsonb; CREATE TABLE of_another_product (id int)`)
	storetest.Exec(t, s, `ALTER TABLE users DROP COLUMN otp_required_for_login; DROP TABLE custom_roles CASCADE`)
	missing, err := s.CheckColumns(t.Context())
	if err != nil || len(missing) != 2 || missing[0].Name != "users.otp_required_for_login" || missing[1].Name != "custom_roles.permissions" || missing[0].Without == "" {
		t.Errorf("%v, %v", missing, err)
	}
	storetest.Exec(t, s, `ALTER TABLE contacts DROP COLUMN phone_number; DROP TABLE notes CASCADE`)
	_, err = s.CheckColumns(t.Context())
	if err == nil || !strings.Contains(err.Error(), "contacts.phone_number") || !strings.Contains(err.Error(), "notes.content") {
		t.Errorf("%v", err)
	}
}

// leaveRequired drops every column and table that CheckColumns does not ask for, as a Chatwoot of another release might
// lack them; ids stay.
func leaveRequired(t *testing.T, s *store.Store) {
	t.Helper()
	for table, columns := range store.RequiredColumns {
		all := storetest.Value[[]string](t, s, `SELECT array_agg(column_name::text) FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`, table)
		for _, column := range all {
			if !contains(columns, column) {
				storetest.Exec(t, s, fmt.Sprintf(`ALTER TABLE %s DROP COLUMN %s CASCADE`, table, column))
			}
		}
	}
	storetest.Exec(t, s, `DROP TABLE custom_roles CASCADE`)
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}

// TestNothingElseIsRead runs every query on a database that has the required columns alone.
func TestNothingElseIsRead(t *testing.T) {
	t.Parallel()
	s := storetest.WithDemo(t)
	leaveRequired(t, s)
	if missing, err := s.CheckColumns(t.Context()); err != nil || len(missing) == 0 {
		t.Fatalf("%v, %v", missing, err)
	}
	for name, err := range everyQuery(t.Context(), s, schema.Acme) {
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
