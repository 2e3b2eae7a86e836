// Package report is the room of reports on the audit trail as files: their rows as CSV or JSON, and the bundles that prove
// them to whoever has neither the database nor a key.
// Entries come in one at a time, opened or not as whoever makes the report has decided; and both files, to be checked.
// Nothing leaves that was not put in: no file is opened here, and a finding names numbers and columns, never a value.
package report

import (
	"crypto/sha256"
	"encoding/json"
	"time"

	"github.com/cloakroom/cloakroom/proof"
)

// Row is an entry as a report shows it.
type Row struct {
	Number     int64           `json:"number"` // in its account's tree, from 0; -1 has none yet
	EntryID    int64           `json:"entry"`
	OccurredAt time.Time       `json:"time"`
	ActorKind  string          `json:"actor_kind"`
	ActorID    string          `json:"actor"`
	Action     string          `json:"action"`
	EntityType string          `json:"entity_type"`
	EntityID   string          `json:"entity"`
	RequestID  string          `json:"request"`
	Status     Status          `json:"status"`
	Details    json.RawMessage `json:"details"` // one object; null where there is nothing to show
}

// Status says what the details are.
type Status string

// What a row can say of its details.
const (
	Open       Status = "open"       // all are there
	Masked     Status = "masked"     // those that hold no value are there
	Erased     Status = "erased"     // the key is gone for good
	Unreadable Status = "unreadable" // they do not open
)

// columns are the names of a CSV's, in order.
var columns = []string{"number", "entry", "time", "actor_kind", "actor", "action", "entity_type", "entity", "request", "status", "details"}

// digest is of everything the row shows, whatever the file's format.
func (r Row) digest() proof.Hash {
	text, err := json.Marshal(r.normal())
	if err != nil {
		return proof.Hash{} // of a row whose details are no JSON, which no report of ours has
	}
	return sha256.Sum256(text)
}

func (r Row) normal() Row {
	r.OccurredAt = r.OccurredAt.UTC().Truncate(time.Microsecond)
	if year := r.OccurredAt.Year(); year < 1 || year > 9999 { // which somebody has put there, and which no text can say
		r.OccurredAt = never
	}
	if len(r.Details) == 0 {
		r.Details = json.RawMessage("null")
	}
	return r
}

var never = time.Date(9999, 12, 31, 23, 59, 59, 0, time.UTC)

// differing names the columns in which a row says other than a leaf.
func (r Row) differing(l *proof.Disclosed) (names []string) {
	for i, same := range []bool{
		r.Number == l.Seq, r.EntryID == l.ID, r.OccurredAt.Equal(l.OccurredAt), r.ActorKind == l.Actor.Kind, r.ActorID == l.Actor.ID,
		r.Action == string(l.Action), r.EntityType == l.EntityType, r.EntityID == l.EntityID, r.RequestID == l.RequestID,
	} {
		if !same {
			names = append(names, columns[i])
		}
	}
	return names
}
