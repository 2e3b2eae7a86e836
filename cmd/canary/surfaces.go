package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/prometheus/client_golang/prometheus"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/events"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// surfaces searches what is left when everybody has asked.
func (h *harness) surfaces(ctx context.Context) error {
	for _, look := range []func(context.Context) error{h.crash, h.pages, h.searchRedis, h.searchAudit, h.searchOpenedAudit, h.searchTables, h.searchFiles} {
		if err := look(ctx); err != nil {
			return err
		}
	}
	return nil
}

// pages are those of the servers that anybody on the network may read.
func (h *harness) pages(ctx context.Context) error {
	for _, server := range []*process{h.open, h.trusted} {
		for _, path := range []string{"/metrics", "/readyz", "/healthz"} {
			r, err := http.NewRequestWithContext(ctx, http.MethodGet, server.base+path, nil)
			if err != nil {
				return fmt.Errorf("ask for %s: %w", path, err)
			}
			response, err := h.client.Do(r)
			if err != nil {
				return fmt.Errorf("ask for %s: %w", path, err)
			}
			text, err := io.ReadAll(response.Body)
			_ = response.Body.Close()
			if err != nil {
				return fmt.Errorf("read %s: %w", path, err)
			}
			h.ledger.trace(path, server.name, text)
		}
	}
	return nil
}

// searchRedis reads every key and value, past the proxy.
func (h *harness) searchRedis(ctx context.Context) error {
	keys := h.keyspace.Scan(ctx, 0, "*", 1000).Iterator()
	for keys.Next(ctx) {
		key := keys.Val()
		text, err := h.redisValue(ctx, key)
		if err != nil && !errors.Is(err, redis.Nil) { // it may have run out
			return fmt.Errorf("read a key of Redis: %w", err)
		}
		h.ledger.trace("Redis", key, []byte(key+"\n"+text))
	}
	if err := keys.Err(); err != nil {
		return fmt.Errorf("list the keys of Redis: %w", err)
	}
	return nil
}

func (h *harness) redisValue(ctx context.Context, key string) (string, error) {
	kind, err := h.keyspace.Type(ctx, key).Result()
	if err != nil {
		return "", err
	}
	switch kind {
	case "string":
		return h.keyspace.Get(ctx, key).Result()
	case "hash":
		fields, err := h.keyspace.HGetAll(ctx, key).Result()
		return fmt.Sprint(fields), err
	case "list":
		items, err := h.keyspace.LRange(ctx, key, 0, -1).Result()
		return strings.Join(items, "\n"), err
	case "set":
		members, err := h.keyspace.SMembers(ctx, key).Result()
		return strings.Join(members, "\n"), err
	case "zset":
		members, err := h.keyspace.ZRange(ctx, key, 0, -1).Result()
		return strings.Join(members, "\n"), err
	case "none":
		return "", nil
	default:
		return h.keyspace.Dump(ctx, key).Result()
	}
}

// searchAudit reads the rows of the audit trail as they lie in the database.
func (h *harness) searchAudit(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, h.databaseURL)
	if err != nil {
		return fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT (to_jsonb(e) - 'details_sealed')::text, details_sealed FROM cloakroom.audit_entries e`)
	if err != nil {
		return fmt.Errorf("read the audit trail: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var text string
		var sealed []byte
		if err := rows.Scan(&text, &sealed); err != nil {
			return fmt.Errorf("read the audit trail: %w", err)
		}
		h.ledger.trace("audit rows", "cloakroom.audit_entries", []byte(text))
		h.ledger.trace("audit rows", "cloakroom.audit_entries.details_sealed", sealed)
	}
	return rows.Err()
}

// searchOpenedAudit reads the trail as auditors do, its details opened.
func (h *harness) searchOpenedAudit(ctx context.Context) error {
	s, err := store.Open(ctx, h.databaseURL)
	if err != nil {
		return fmt.Errorf("open the store: %w", err)
	}
	defer s.Close()
	master, err := keyring.OpenMasterKey(ctx, h.masterKey, false)
	if err != nil {
		return fmt.Errorf("open the master key: %w", err)
	}
	keys, err := keyring.New(master, s, keyring.WithFollower(keyring.OpenMasterKey))
	if err != nil {
		return fmt.Errorf("open the keyring: %w", err)
	}
	log := slog.New(slog.DiscardHandler)
	v := vault.New(s, keys, h.keyspace, events.New(h.keyspace, log), log, prometheus.NewRegistry())
	for _, account := range []int64{0, schema.Acme, schema.Borealis} {
		entries, err := v.Entries(ctx, account, time.Now().Add(-24*time.Hour), 1_000_000)
		if err != nil {
			return fmt.Errorf("read the audit trail of account %d: %w", account, err)
		}
		for _, e := range entries {
			text, err := json.Marshal(e)
			if err != nil {
				return fmt.Errorf("encode an audit entry: %w", err)
			}
			h.ledger.trace("audit entries, opened", fmt.Sprintf("account %d", account), text)
		}
	}
	return nil
}

// serverLog is PostgreSQL's own log, where devenv has put it: beside the folder of its socket.
type serverLog struct {
	path string // "" where there is none
	from int64  // what was written before is not ours
}

func newServerLog(databaseURL string) serverLog {
	u, err := url.Parse(databaseURL)
	if err != nil || u.Query().Get("host") == "" {
		return serverLog{}
	}
	path := filepath.Join(filepath.Dir(u.Query().Get("host")), "postgres.log")
	info, err := os.Stat(path)
	if err != nil {
		return serverLog{}
	}
	return serverLog{path, info.Size()}
}

func (s serverLog) search(l *ledger) {
	if s.path == "" {
		say("PostgreSQL's own log is not at hand and was not searched: use devenv's server")
		return
	}
	text, err := os.ReadFile(s.path)
	if err != nil {
		l.fault("PostgreSQL's log", "it cannot be read")
		return
	}
	for line := range strings.Lines(string(text[min(s.from, int64(len(text))):])) {
		l.trace("PostgreSQL's log", "postgres.log", []byte(line))
	}
}

// mustHaveLooked says which surfaces had nothing on them: a search of nothing finds nothing.
func (h *harness) mustHaveLooked(spans *collector) {
	for _, surface := range []string{"answers", "headers", "errors", "log", "/metrics", "/readyz", "Redis", "audit rows", "audit entries, opened",
		crashOutput, "rows", "rows of jobs", "files"} {
		if h.ledger.seen(surface).bytes == 0 {
			h.ledger.fault(surface, "there was nothing to search")
		}
	}
	if spans.spans.Load() == 0 {
		h.ledger.fault("spans", "the servers sent none")
	}
}
