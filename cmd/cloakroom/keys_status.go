package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"text/tabwriter"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// KeysStatusCmd is `cloakroom keys status`.
type KeysStatusCmd struct {
	Account int64 `default:"-1" placeholder:"ID" help:"Only this account; 0 is the installation. All by default."`
	Rows    bool  `default:"true" negatable:"" help:"Count the rows that name each generation: reads every sealed table once."`
	JSON    bool  `name:"json" help:"Print JSON."`
}

// Run prints generations, epochs, replicas and open jobs.
func (c *KeysStatusCmd) Run(app *App) error {
	status, err := app.Vault.KeyStatus(app.Context, c.Account, c.Rows)
	if err != nil {
		return err
	}
	if c.JSON {
		encoder := json.NewEncoder(app.Stdout)
		encoder.SetIndent("", "  ")
		return encoder.Encode(keyStatusJSON(status, time.Now()))
	}
	return printKeyStatus(app.Stdout, status, time.Now())
}

func printKeyStatus(w io.Writer, status *vault.KeyStatus, now time.Time) error {
	fmt.Fprintf(w, "Master key %s\n\n", status.MasterKey)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "ACCOUNT\tKEYSET\tGENERATION\tSTATE\tAGE\tROWS\tNEXT ROTATION")
	for _, k := range status.Keysets {
		fmt.Fprintf(table, "%d\t%s\t%d\t%s\t%s\t%s\t%s\n", k.AccountID, k.Purpose, k.Generation, k.State,
			age(k.CreatedAt, now), count(k.Rows), due(k.NextRotation, k.Overdue))
	}
	if len(status.Epochs) > 0 {
		fmt.Fprintln(table, "\nEPOCH\tSTATE\tAGE\tSUBJECT KEYS\tNEXT\tBACKUPS UNREADABLE FROM\t")
	}
	for _, e := range status.Epochs {
		fmt.Fprintf(table, "%d\t%s\t%s\t%s\t%s\t%s\t\n", e.Number, e.State, age(e.CreatedAt, now), count(e.Rows),
			due(e.NextRotation, e.Overdue), due(e.Unreadable, false))
	}
	if len(status.Replicas) > 0 {
		fmt.Fprintln(table, "\nREPLICA\tPROGRAM\tSEEN\tTROUBLE\t\t\t")
	}
	for _, r := range status.Replicas {
		fmt.Fprintf(table, "%s\t%s\t%s ago\t%s\t\t\t\n", r.ID, r.Program, now.Sub(r.SeenAt).Round(time.Second), r.Trouble)
	}
	if err := table.Flush(); err != nil || len(status.Jobs) == 0 {
		return err
	}
	fmt.Fprintln(w)
	return printJobs(w, status.Jobs)
}

func age(since, now time.Time) string {
	switch d := now.Sub(since); {
	case since.IsZero():
		return "-"
	case d < time.Hour:
		return d.Round(time.Second).String()
	case d < 48*time.Hour:
		return strconv.Itoa(int(d.Hours())) + "h"
	default:
		return strconv.Itoa(int(d.Hours()/24)) + "d"
	}
}

func count(rows int64) string {
	if rows < 0 {
		return "-"
	}
	return strconv.FormatInt(rows, 10)
}

func due(day time.Time, overdue bool) string {
	switch {
	case day.IsZero():
		return "-"
	case overdue:
		return day.UTC().Format(time.DateOnly) + " OVERDUE"
	default:
		return day.UTC().Format(time.DateOnly)
	}
}

// The shapes of `keys status --json`; a time that is not known is left out, and rows are -1 where they were not counted.
type (
	statusJSON struct {
		MasterKey string        `json:"master_key"`
		Overdue   int           `json:"overdue"` // keys that should have been rotated more than a week ago
		Keysets   []keysetJSON  `json:"keysets"`
		Epochs    []epochJSON   `json:"epochs"`
		Replicas  []replicaJSON `json:"replicas"`
		Jobs      []jobJSON     `json:"jobs"`
	}
	keysetJSON struct {
		Account      int64              `json:"account"`
		Purpose      chat.KeysetPurpose `json:"purpose"`
		Generation   int                `json:"generation"`
		State        string             `json:"state"`
		MasterKey    string             `json:"master_key"`
		AgeSeconds   int64              `json:"age_seconds"`
		Rows         int64              `json:"rows"`
		CreatedAt    time.Time          `json:"created_at"`
		ActivatedAt  time.Time          `json:"activated_at,omitzero"`
		RetiredAt    time.Time          `json:"retired_at,omitzero"`
		RefusedAt    time.Time          `json:"refused_at,omitzero"`
		DestroyedAt  time.Time          `json:"destroyed_at,omitzero"`
		NextRotation time.Time          `json:"next_rotation,omitzero"`
		Overdue      bool               `json:"overdue"`
	}
	epochJSON struct {
		Epoch                 int       `json:"epoch"`
		State                 string    `json:"state"`
		SubjectKeys           int64     `json:"subject_keys"`
		CreatedAt             time.Time `json:"created_at"`
		NextRotation          time.Time `json:"next_rotation,omitzero"`
		Overdue               bool      `json:"overdue"`
		BackupsUnreadableFrom time.Time `json:"backups_unreadable_from,omitzero"`
	}
	replicaJSON struct {
		ID      string    `json:"id"`
		Program string    `json:"program"`
		SeenAt  time.Time `json:"seen_at"`
		Trouble string    `json:"trouble,omitempty"`
	}
)

func keyStatusJSON(status *vault.KeyStatus, now time.Time) statusJSON {
	s := statusJSON{MasterKey: status.MasterKey, Keysets: []keysetJSON{}, Epochs: []epochJSON{}, Replicas: []replicaJSON{}, Jobs: []jobJSON{}}
	for _, k := range status.Keysets {
		s.Keysets = append(s.Keysets, keysetJSON{k.AccountID, k.Purpose, k.Generation, k.State, k.MasterKey, int64(now.Sub(k.CreatedAt).Seconds()), k.Rows,
			k.CreatedAt, k.ActivatedAt, k.RetiredAt, k.RefusedAt, k.DestroyedAt, k.NextRotation, k.Overdue})
		s.Overdue += one(k.Overdue)
	}
	for _, e := range status.Epochs {
		s.Epochs = append(s.Epochs, epochJSON{e.Number, e.State, e.Rows, e.CreatedAt, e.NextRotation, e.Overdue, e.Unreadable})
		s.Overdue += one(e.Overdue)
	}
	for _, r := range status.Replicas {
		s.Replicas = append(s.Replicas, replicaOf(r))
	}
	for _, j := range status.Jobs {
		s.Jobs = append(s.Jobs, toJSON(j))
	}
	return s
}

func replicaOf(r store.Replica) replicaJSON { return replicaJSON{r.ID, r.Program, r.SeenAt, r.Trouble} }

func one(b bool) int {
	if b {
		return 1
	}
	return 0
}
