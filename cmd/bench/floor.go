package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// floor is the hand-written server: no GraphQL, no Redis, no package of the product.
type floor struct {
	db      *pgxpool.Pool
	keys    *floorKeys
	account int64
	agents  map[string]int64 // exempted agents by access token
}

const exemptAgents = `SELECT t.token, t.owner_id FROM access_tokens t JOIN cloakroom.agent_masking m ON m.user_id = t.owner_id AND NOT m.masked
 WHERE t.owner_type = 'User'`

// serveFloor is the floor's process. It takes its settings from the same variables as the product.
func serveFloor(ctx context.Context) error {
	db, err := pgxpool.New(ctx, os.Getenv("DATABASE_URL"))
	if err != nil {
		return errors.New("DATABASE_URL is not a PostgreSQL URL")
	}
	defer db.Close()
	f := &floor{db: db, agents: make(map[string]int64)}
	if err := db.QueryRow(ctx, `SELECT id::int8 FROM accounts`).Scan(&f.account); err != nil {
		return fmt.Errorf("read the account: %w", err)
	}
	if f.keys, err = readFloorKeys(ctx, db, os.Getenv("MASTER_KEY"), f.account); err != nil {
		return err
	}
	if err := f.readAgents(ctx); err != nil {
		return err
	}
	mux := http.NewServeMux()
	mux.Handle("POST /W1", f.handle(f.inbox))
	mux.Handle("POST /W2", f.handle(f.thread))
	mux.Handle("POST /W3", f.handle(f.contacts))
	mux.Handle("POST /W4", f.handle(f.lookup))
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(http.StatusOK) })
	server := &http.Server{Addr: os.Getenv("LISTEN"), Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	stop := context.AfterFunc(ctx, func() { _ = server.Close() })
	defer stop()
	if err := server.ListenAndServe(); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

func (f *floor) readAgents(ctx context.Context) error {
	rows, err := f.db.Query(ctx, exemptAgents)
	if err != nil {
		return fmt.Errorf("read the agents: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var token string
		var id int64
		if err := rows.Scan(&token, &id); err != nil {
			return fmt.Errorf("read the agents: %w", err)
		}
		f.agents[token] = id
	}
	return rows.Err()
}

// arguments are a workload's variables; each uses some.
type arguments struct {
	Account   string     `json:"a"`
	DisplayID string     `json:"d"`
	Email     string     `json:"e"`
	AfterTime *time.Time `json:"t"`
	AfterID   int64      `json:"i"`
}

// handle does what every workload begins and ends with: session, arguments, tenancy, answer.
func (f *floor) handle(answer func(context.Context, int64, arguments) (any, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		agent, known := f.agents[r.Header.Get("Api_access_token")]
		if !known {
			http.Error(w, "unauthenticated", http.StatusUnauthorized)
			return
		}
		body, err := io.ReadAll(io.LimitReader(r.Body, 1<<20))
		var a arguments
		if err == nil {
			err = json.Unmarshal(body, &a)
		}
		if err != nil || a.Account != strconv.FormatInt(f.account, 10) {
			http.Error(w, "bad request", http.StatusBadRequest)
			return
		}
		account, err := answer(r.Context(), agent, a)
		if err == nil {
			body, err = json.Marshal(map[string]any{"data": map[string]any{"account": account}})
		}
		if err != nil {
			fmt.Fprintf(os.Stderr, "floor: %s: %v\n", r.URL.Path, err)
			http.Error(w, "internal error", http.StatusInternalServerError)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("Content-Length", strconv.Itoa(len(body)))
		_, _ = w.Write(body) // a client that went away is not told
	})
}
