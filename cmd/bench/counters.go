package main

import (
	"bufio"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/redis/go-redis/v9"
)

// counts is what one request cost besides CPU, on average.
type counts struct {
	statements float64 // SQL, viewer look-ups aside
	viewer     float64 // SQL that finds out who asks
	trips      float64 // Redis commands; those of one pipeline count as many, though they are one round trip
	commands   string  // which, for the report
}

// Statements that find out who asks: every second at most for one viewer, so their share depends on the load.
const statementsSoFar = `SELECT COALESCE(sum(s.calls) FILTER (WHERE NOT v.viewer), 0)::int8, COALESCE(sum(s.calls) FILTER (WHERE v.viewer), 0)::int8
 FROM pg_stat_statements s, LATERAL (SELECT s.query ~ 'account_users|access_tokens|agent_masking' viewer) v
 WHERE s.dbid = (SELECT oid FROM pg_database WHERE datname = current_database()) AND s.query !~ 'pg_stat_statements'`

// counter counts what servers ask of PostgreSQL and Redis.
type counter struct {
	db    *pgx.Conn
	redis *redis.Client
}

func newCounter(ctx context.Context, databaseURL, redisURL string) (*counter, error) {
	db, err := pgx.Connect(ctx, databaseURL)
	if err != nil {
		return nil, fmt.Errorf("connect to the data: %w", err)
	}
	address, err := redis.ParseURL(redisURL)
	if err != nil {
		return nil, fmt.Errorf("read TEST_REDIS_URL: %w", err)
	}
	return &counter{db: db, redis: redis.NewClient(address)}, nil
}

func (c *counter) close(ctx context.Context) {
	c.db.Close(ctx)
	_ = c.redis.Close() // nothing was written
}

type total struct {
	statements, viewer int64
	commands           map[string]int64
}

func (c *counter) total(ctx context.Context) (total, error) {
	var t total
	if err := c.db.QueryRow(ctx, statementsSoFar).Scan(&t.statements, &t.viewer); err != nil {
		return t, fmt.Errorf("count SQL statements: %w", err)
	}
	info, err := c.redis.Info(ctx, "commandstats").Result()
	if err != nil {
		return t, fmt.Errorf("count Redis commands: %w", err)
	}
	t.commands = parseCommandStats(info)
	return t, nil
}

// notAsked are commands of ours and of connections, not of requests.
var notAsked = map[string]bool{"info": true, "hello": true, "client": true, "client|setinfo": true, "ping": true, "subscribe": true, "select": true}

// parseCommandStats reads lines such as cmdstat_mget:calls=3,usec=….
func parseCommandStats(info string) map[string]int64 {
	calls := make(map[string]int64)
	lines := bufio.NewScanner(strings.NewReader(info))
	for lines.Scan() {
		rest, ok := strings.CutPrefix(lines.Text(), "cmdstat_")
		name, figures, found := strings.Cut(rest, ":calls=")
		if !ok || !found || notAsked[name] {
			continue
		}
		number, _, _ := strings.Cut(figures, ",")
		if n, err := strconv.ParseInt(number, 10, 64); err == nil {
			calls[name] = n
		}
	}
	return calls
}

// count asks a server's questions one by one and says what each cost. Caches are warm by then.
func (c *counter) count(ctx context.Context, s *server, requests [][]byte) (counts, error) {
	connection, err := dial(ctx, s.address)
	if err != nil {
		return counts{}, err
	}
	defer connection.close()
	before, err := c.total(ctx)
	if err != nil {
		return counts{}, err
	}
	const times = 300
	for i := range times {
		if _, err := connection.ask(requests[i%len(requests)]); err != nil {
			return counts{}, fmt.Errorf("%s: %w", s.name, err)
		}
	}
	after, err := c.total(ctx)
	if err != nil {
		return counts{}, err
	}
	return perRequest(before, after, times), nil
}

func perRequest(before, after total, times float64) counts {
	n := counts{statements: float64(after.statements-before.statements) / times, viewer: float64(after.viewer-before.viewer) / times}
	var names []string
	for name, calls := range after.commands {
		if more := calls - before.commands[name]; more > 0 {
			n.trips += float64(more) / times
			names = append(names, name)
		}
	}
	slices.Sort(names)
	n.commands = strings.Join(names, ", ")
	return n
}
