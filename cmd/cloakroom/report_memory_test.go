package main

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/store/storetest"
)

// With -report.entries 1000000 the same test measures what a long report takes.
var reported = flag.Int("report.entries", 30_000, "entries of the report whose memory is measured")

// maxGrowth is what a report may take more than one of a thousand entries, in bytes. Thirty thousand rows, were they kept,
// would take more than that.
const maxGrowth = 12 << 20

// TestReportsTakeConstantMemory: a long report is written and checked in the memory of a short one.
func TestReportsTakeConstantMemory(t *testing.T) {
	t.Parallel()
	m := &measuredReports{T: t, directory: t.TempDir()}
	seeded := &production{database: storetest.NewURL(t), server: &server{done: make(chan error, 1)}}
	key := filepath.Join(m.directory, "audit.key")
	m.environment = []string{"DATABASE_URL=" + seeded.database, "REDIS_URL=" + leaseRedis(t), "LISTEN=127.0.0.1:0", "AUDIT_KEY=" + key,
		"MASTER_KEY=local-file://" + filepath.Join(m.directory, "master.key"), "GOGC=25"}
	seeded.seed(t, program(t), m.environment)
	_, public := m.run("audit", "key", "create", "--out", key)
	if err := os.WriteFile(m.at("trusted"), public, 0o600); err != nil {
		t.Fatal(err)
	}
	m.conn = connect(t, seeded.database)
	m.write(1, *reported)
	m.write(2, 1000)
	if _, err := m.conn.Exec(t.Context(), `ANALYZE cloakroom.audit_entries`); err != nil { // as the server does by itself, later
		t.Fatal(err)
	}
	seeded.serve(t, program(t), m.environment)
	m.await(`SELECT count(*) = 2 FROM cloakroom.audit_checkpoints WHERE account_id IN (1, 2) AND number = 1`)
	seeded.end(t)
	short, checkedShort := m.report("2")
	if short == 0 || checkedShort == 0 {
		t.Fatal("the system does not say what a process uses")
	}
	long, checkedLong := m.report("1")
	for what, grown := range map[string]int64{"a report": long - short, "its check": checkedLong - checkedShort} {
		t.Logf("%s of %d entries takes %d KiB more than one of 1000", what, *reported, grown>>10)
		if grown > maxGrowth {
			t.Errorf("%s of %d entries takes %d bytes more than one of 1000", what, *reported, grown)
		}
	}
}

type measuredReports struct {
	*testing.T
	directory   string
	environment []string
	conn        *pgx.Conn
}

func (m *measuredReports) at(name string) string { return filepath.Join(m.directory, name) }

// write puts entries into an account's trail, like one that is there.
func (m *measuredReports) write(account, n int) {
	m.Helper()
	if _, err := m.conn.Exec(m.Context(), `INSERT INTO cloakroom.audit_entries (account_id, actor_kind, actor_id, action, entity_type, entity_id, request_id, key_id, details_sealed)
		SELECT $1, 'AGENT', (i % 50)::text, action, 'contact', i::text, md5(i::text), key_id, details_sealed
		FROM (SELECT * FROM cloakroom.audit_entries WHERE account_id = 1 LIMIT 1) e, generate_series(1, $2) i`, account, n); err != nil {
		m.Fatal(err)
	}
}

func (m *measuredReports) await(so string) {
	m.Helper()
	deadline := time.After(15 * time.Minute)
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		var is bool
		if err := m.conn.QueryRow(m.Context(), so).Scan(&is); err != nil {
			m.Fatal(err)
		}
		if is {
			return
		}
		select {
		case <-deadline:
			m.Fatalf("it does not become true: %s", so)
		case <-tick.C:
		}
	}
}

// report writes and checks a report with its bundle, and gives the most memory that each took, in bytes.
func (m *measuredReports) report(account string) (written, checked int64) {
	m.Helper()
	file, bundle := m.at(account+".csv"), m.at(account+".bundle")
	written, _ = m.run("audit", "report", "--account", account, "--purpose", "a measurement", "--out", file, "--bundle", bundle)
	checked, _ = m.run("audit", "verify-bundle", "--report", file, "--bundle", bundle, "--trusted", m.at("trusted"))
	return written, checked
}

// run gives the most memory that a process had, as the system says while it runs: what the system says of one that has
// ended counts that of the process that began it, too.
func (m *measuredReports) run(line ...string) (memory int64, printed []byte) {
	m.Helper()
	cmd := exec.CommandContext(m.Context(), program(m), line...)
	var out, complaint bytes.Buffer
	cmd.Env, cmd.Stdout, cmd.Stderr = m.environment, &out, &complaint
	began := time.Now()
	if err := cmd.Start(); err != nil {
		m.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	tick := time.NewTicker(5 * time.Millisecond)
	defer tick.Stop()
	for {
		memory = max(memory, peak(cmd.Process.Pid))
		select {
		case err := <-ended:
			if err != nil {
				m.Fatalf("%v: %v\n%s%s", line, err, out.Bytes(), complaint.Bytes())
			}
			m.Logf("%s %s: %s, %d KiB", line[0], line[1], time.Since(began).Round(time.Millisecond), memory>>10)
			return memory, out.Bytes()
		case <-tick.C:
		}
	}
}

// peak gives the most memory that a process has had so far, in bytes; 0 when it has ended.
func peak(pid int) int64 {
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, line, _ := strings.Cut(string(status), "VmHWM:")
	var kib int64
	if _, err := fmt.Sscan(line, &kib); err != nil {
		return 0
	}
	return kib << 10
}
