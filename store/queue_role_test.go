package store_test

import (
	"context"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/migrations"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// queueGrants is what the role that serves needs for jobs and for changes of keys, as docs/operations.md has it.
const queueGrants = `
GRANT SELECT ON ALL TABLES IN SCHEMA cloakroom TO server;
GRANT INSERT, UPDATE, DELETE ON cloakroom.replicas, cloakroom.river_job, cloakroom.river_leader, cloakroom.river_queue TO server;
GRANT INSERT, DELETE ON cloakroom.key_changes TO server;
GRANT USAGE ON SEQUENCE cloakroom.river_job_id_seq TO server;`

// TestRoleThatServes works on jobs and follows changes of keys with a role that owns nothing.
func TestRoleThatServes(t *testing.T) {
	t.Parallel()
	owner, ctx := storetest.New(t), t.Context()
	role := storetest.Value[string](t, owner, `SELECT current_database()`)
	storetest.Exec(t, owner, `CREATE ROLE `+role+`; GRANT USAGE ON SCHEMA cloakroom TO `+role+`;`+strings.ReplaceAll(queueGrants, "TO server", "TO "+role))
	t.Cleanup(func() { storetest.Exec(t, owner, `DROP OWNED BY `+role+`; DROP ROLE `+role) })
	s, err := store.Open(ctx, owner.URL()+"&options=-crole%3D"+role)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(s.Close)
	if err := s.CheckMigrated(ctx, migrations.Files); err != nil {
		t.Error(err)
	}
	var b workbench
	var said lines
	tended := make(chan struct{}, 100)
	openQueue(t, s, store.QueueWork{Log: slog.New(slog.NewJSONHandler(&said, nil)), TendEvery: time.Second,
		Tend: func(context.Context) error { tended <- struct{}{}; return nil },
		Job: func(_ context.Context, jobID int64, _ time.Duration) (time.Duration, bool, error) {
			return 10 * time.Millisecond, b.piece("", jobID, func(int) {}) == 3, nil
		}})
	enqueue(t, s, 1, time.Time{})
	enqueue(t, s, 2, time.Now().Add(time.Hour))
	enqueue(t, s, 2, time.Time{})
	await(t, "both jobs", func() bool { return b.done(2, 3) })
	<-tended
	<-tended
	register(t, s, "a")
	change := noteChange(t, s, 1)
	if _, _, err := s.Beat(ctx, "a", 0); err != nil {
		t.Error(err)
	}
	if err := s.AcknowledgeKeyChange(ctx, "a", change); err != nil {
		t.Error(err)
	}
	if err := s.PruneReplicas(ctx); err != nil {
		t.Error(err)
	}
	if err := s.DeregisterReplica(ctx, "a"); err != nil {
		t.Error(err)
	}
	if log := said.String(); log != "" {
		t.Errorf("the log has\n%s", log)
	}
}
