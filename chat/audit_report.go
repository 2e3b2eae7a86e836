package chat

// ShownEntry is an audit entry as it is shown to somebody: its details are those that may be.
type ShownEntry struct {
	AuditEntry   // without Details
	DetailsState AuditDetailsState
	Details      []*AuditDetail // by name
}

// AuditDetail is one of an entry's details.
type AuditDetail struct {
	Name  string
	Value *string // as JSON; nil is hidden
}

// AuditDetailsState says what an entry's details are.
type AuditDetailsState string

// The states.
const (
	DetailsOpen       AuditDetailsState = "OPEN"       // all are there
	DetailsMasked     AuditDetailsState = "MASKED"     // those that hold no value are there, of the others the names
	DetailsErased     AuditDetailsState = "ERASED"     // the key is gone for good
	DetailsUnreadable AuditDetailsState = "UNREADABLE" // they do not open
)

// AuditEntryConnection is a page of the audit trail.
type AuditEntryConnection struct {
	Nodes    []*ShownEntry
	PageInfo *PageInfo
	Position func(*ShownEntry) *Position
}

// AuditEntryEdge is an entry with its place.
type AuditEntryEdge struct {
	Node *ShownEntry
	edge
}

// Edges gives the entries with their places.
func (c *AuditEntryConnection) Edges() []*AuditEntryEdge {
	edges := make([]*AuditEntryEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = &AuditEntryEdge{Node: n, edge: edge{c.Position(n), c.PageInfo.Seal}}
	}
	return edges
}

// GraphID is the entry's id.
func (e *ShownEntry) GraphID() ID { return ID(e.ID) }

// ActorKind is what sort of actor it was.
func (e *ShownEntry) ActorKind() string { return e.Actor.Kind }

// ActorID is the actor's id among its sort.
func (e *ShownEntry) ActorID() string { return e.Actor.ID }

// ActionName is what was done.
func (e *ShownEntry) ActionName() string { return string(e.Action) }

// AuditReported is a report on the audit trail: a page of it, or a file by its SHA-256.
const AuditReported Action = "audit_reported"
