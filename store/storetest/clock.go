package storetest

import (
	"context"
	"fmt"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/store"
)

// WithClock gives stores on one database like WithDemo's whose clock is another than this machine's, by an interval of
// PostgreSQL's such as "-2 minutes". Defaults of columns still go by the machine's.
func WithClock(t testing.TB, by string, stores int) []*store.Store {
	t.Helper()
	url := clone(t, demoTemplate)
	ctx := context.Background()
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		t.Fatalf("open the test's database: %v", err)
	}
	defer func() { _ = conn.Close(ctx) }()
	statements := []string{`CREATE SCHEMA another_clock`, `GRANT USAGE ON SCHEMA another_clock TO public`}
	for _, name := range []string{"now", "clock_timestamp", "statement_timestamp"} {
		statements = append(statements, fmt.Sprintf(`CREATE FUNCTION another_clock.%s() RETURNS timestamptz LANGUAGE sql AS $$ SELECT pg_catalog.%[1]s() + interval '%s' $$`, name, by))
	}
	statements = append(statements, `DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET search_path = another_clock, pg_catalog, public', current_database()); END $$`)
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			t.Fatalf("set the database's clock: %v\n%s", err, sql)
		}
	}
	list := make([]*store.Store, stores)
	for i := range list {
		list[i] = open(t, url)
	}
	return list
}
