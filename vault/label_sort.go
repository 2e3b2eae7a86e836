package vault

import (
	"slices"
	"sync"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// build is an order that is being made: its contacts first with their texts and then, once all are read, in order with
// their labels.
type build struct {
	labels store.Labels
	after  int64 // the last contact read
	read   []readPlace
	sorted bool
	built  []store.BuiltLabel
	at     int64 // the checkpoint of whoever has written so much of it
}

// readPlace is a contact's place as it was in one version of the contact.
type readPlace struct {
	chat.Position
	version int64
}

// builds are those of a process, by job.
type builds struct {
	mu  sync.Mutex
	all map[int64]*build
}

// maxBuilds bounds what lies in memory: more is left behind only by jobs that others went on with.
const maxBuilds = 4

// of gives a job's build; a new one where this process has none of its generation.
func (s *builds) of(job *chat.Job) *build {
	s.mu.Lock()
	defer s.mu.Unlock()
	labels := store.Labels{AccountID: job.AccountID, Field: job.Checkpoint.Field, Generation: job.Checkpoint.Generation}
	if b := s.all[job.ID]; b != nil && b.labels == labels {
		return b
	}
	if s.all == nil || len(s.all) >= maxBuilds {
		s.all = make(map[int64]*build)
	}
	s.all[job.ID] = &build{labels: labels}
	return s.all[job.ID]
}

func (s *builds) forget(job *chat.Job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	delete(s.all, job.ID)
}

// sort gives the contacts labels, but for those that have one; what they were sorted by is forgotten.
func (o *build) sort(have map[int64]int64) {
	slices.SortFunc(o.read, func(a, b readPlace) int { return labelOrder.Compare(&a.Position, &b.Position) })
	below, from := int64(0), 0
	fill := func(to int, above int64) { // those from..to, which stand between two labels
		between := apart(below, max(above, below), to-from)
		for i := range o.read[from:to] {
			label := store.BuiltLabel{ContactID: o.read[from+i].ID, Version: o.read[from+i].version, Waiting: between == 0}
			if between > 0 {
				label.Label = below + int64(i+1)*between
			}
			o.built = append(o.built, label)
		}
		below, from = above, to+1
	}
	texts := 0
	for ; texts < len(o.read) && o.read[texts].Text != nil; texts++ {
		if label := have[o.read[texts].ID]; label > 0 {
			fill(texts, label)
		}
	}
	fill(texts, labelEnd)
	for _, p := range o.read[texts:] {
		if label, has := have[p.ID]; !has || label > 0 {
			o.built = append(o.built, store.BuiltLabel{ContactID: p.ID, Version: p.version})
		}
	}
	o.read, o.sorted = nil, true
}
