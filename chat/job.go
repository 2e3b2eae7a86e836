package chat

import "time"

// JobKind says what a job does.
type JobKind string

// The kinds of jobs.
const (
	RotateAccount JobKind = "rotate_account" // new generations of an account's data, vault, cursor and audit keysets
	RotateIndex   JobKind = "rotate_index"   // a new generation of an account's index keyset
	RotateMaster  JobKind = "rotate_master"  // another master key, for the whole installation
	RotateEpoch   JobKind = "rotate_epoch"   // a new epoch key, for the whole installation
	RetireKeys    JobKind = "retire_keys"    // refuse and destroy what no row names any more, for the whole installation
	VerifyErasure JobKind = "verify_erasure" // prove that a contact is gone
	IndexSearch   JobKind = "index_search"   // an account's tokens and tags made, or taken away, as its settings of search say
	BuildOrder    JobKind = "build_order"    // an account's order labels made anew, or taken away, as its orderings say
)

// JobState is where a job stands.
type JobState string

// The states of a job. Queued, running and paused ones are open: of a kind and account there is one at a time.
const (
	JobQueued    JobState = "queued"
	JobRunning   JobState = "running"
	JobPaused    JobState = "paused"
	JobDone      JobState = "done"
	JobFailed    JobState = "failed"
	JobCancelled JobState = "cancelled"
)

// Open says that the job is not over.
func (s JobState) Open() bool { return s == JobQueued || s == JobRunning || s == JobPaused }

// Job is long work that any replica can go on with: all it needs to know lies in its row.
type Job struct {
	ID         int64
	Kind       JobKind
	AccountID  int64 // 0 is the installation
	State      JobState
	Arguments  JobArguments
	Step       string
	Checkpoint Checkpoint
	RowsDone   int64 // of this step
	RowsTotal  int64 // of this step, as counted when it began; 0 where nobody counts
	WaitingFor string
	Trouble    string // what failed last, without values
	Attempts   int    // failures since a batch last succeeded
	Actor      Actor
	CreatedAt  time.Time
	StartedAt  time.Time // zero: not yet
	StepAt     time.Time
	UpdatedAt  time.Time
	FinishedAt time.Time
}

// JobArguments is what a job was asked for. No field holds a value of anybody's.
type JobArguments struct {
	ContactID int64         `json:"contactId,omitempty,string"`
	Reseal    bool          `json:"reseal,omitempty"`    // rotate_account: payloads as well as subject keys
	Soak      time.Duration `json:"soak,omitempty"`      // rotate_index: between switching and shrinking
	Retention time.Duration `json:"retention,omitempty"` // between refusing a generation and destroying it
	Epochs    time.Duration `json:"epochs,omitempty"`    // retire_keys: between retiring an epoch and destroying it
	To        string        `json:"to,omitempty"`        // rotate_master: the new key's URI, without credentials
	Rate      int           `json:"rate,omitempty"`      // rows per second, 0 is as fast as it goes
	DryRun    bool          `json:"dryRun,omitempty"`    // count only
	NotBefore time.Time     `json:"notBefore,omitzero"`
}

// Checkpoint is how far a step has come: it is written in the transaction of what it speaks of.
type Checkpoint struct {
	Table      int   `json:"table,omitempty"`      // index into the step's tables
	Parent     int64 `json:"parent,omitempty"`     // of the last row done
	ID         int64 `json:"id,omitempty"`         // of the last row done
	Change     int64 `json:"change,omitempty"`     // change of keys that every replica must have seen
	Generation int   `json:"generation,omitempty"` // that the job made
	Found      int64 `json:"found,omitempty"`      // rows at fault
	Policies   int64 `json:"policies,omitempty"`   // decisions about attributes that the job goes by, as a sum of versions

	Field ContactOrderField `json:"field,omitempty"` // whose labels are made

	Keysets []KeysetName `json:"keysets,omitempty"` // generations that the steps ahead are about
	Epochs  bool         `json:"epochs,omitempty"`  // and old epochs as well
}

// KeysetName says which generation is meant.
type KeysetName struct {
	AccountID  int64         `json:"account"`
	Purpose    KeysetPurpose `json:"purpose"`
	Generation int           `json:"generation"`
}
