package chat

import (
	"slices"
	"time"
)

// Page asks for a stretch of a list: the first or the last n rows, after or before a position.
type Page struct {
	Limit    int
	Backward bool      // the last rows before the position
	Exact    bool      // nobody asks whether there are more rows
	From     *Position // nil is the list's end
}

// Read is how many rows to read: one over the limit tells whether there are more.
func (p Page) Read() int {
	if p.Exact {
		return p.Limit
	}
	return p.Limit + 1
}

// Position is a place in an ordered list: the sort key of a row, and its id as the tie-break.
// Exactly the member that the order uses is set; all unset is a NULL key.
type Position struct {
	Time *time.Time `json:"t,omitempty"`
	Text *string    `json:"s,omitempty"`
	Int  *int64     `json:"n,omitempty"`
	ID   int64      `json:"i"`
}

// PageInfo is Relay's. Cursors are sealed when they are asked for.
type PageInfo struct {
	HasNextPage     bool
	HasPreviousPage bool
	Start, End      *Position
	Seal            func(*Position) (string, error)
}

// StartCursor is the position of the first row, nil for an empty page.
func (p *PageInfo) StartCursor() (*string, error) { return p.cursor(p.Start) }

// EndCursor is the position of the last row, nil for an empty page.
func (p *PageInfo) EndCursor() (*string, error) { return p.cursor(p.End) }

func (p *PageInfo) cursor(at *Position) (*string, error) {
	if at == nil {
		return nil, nil
	}
	s, err := p.Seal(at)
	return &s, err
}

// OrderDirection is which end of the order comes first.
type OrderDirection string

// The directions of the contract.
const (
	Ascending  OrderDirection = "ASC"
	Descending OrderDirection = "DESC"
)

// Slice cuts rows that were read one over the limit, and in reverse when the page was read backwards, to the
// page itself; position gives a row's place. It fills in all of PageInfo but Seal.
func Slice[T any](rows []T, page Page, position func(T) *Position) ([]T, PageInfo) {
	more := len(rows) > page.Limit
	if more {
		rows = rows[:page.Limit]
	}
	info := PageInfo{HasNextPage: more, HasPreviousPage: page.From != nil}
	if page.Backward {
		slices.Reverse(rows)
		info.HasNextPage, info.HasPreviousPage = page.From != nil, more
	}
	if len(rows) > 0 {
		info.Start, info.End = position(rows[0]), position(rows[len(rows)-1])
	}
	return rows, info
}

// Connections of the lists. Edges are made only when a query asks for them: most clients take the nodes.

// ContactConnection is a page of contacts.
type ContactConnection struct {
	Nodes    []*Contact
	PageInfo *PageInfo
	Position func(*Contact) *Position
	Partial  bool // the budget of a search was spent: there may be more after the page's end, and even before the next hit
}

// ContactEdge is a contact with its place.
type ContactEdge struct {
	Node *Contact
	edge
}

// Edges gives the contacts with their places.
func (c *ContactConnection) Edges() []*ContactEdge {
	edges := make([]*ContactEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = &ContactEdge{Node: n, edge: edge{c.Position(n), c.PageInfo.Seal}}
	}
	return edges
}

// ConversationConnection is a page of conversations.
type ConversationConnection struct {
	Nodes    []*Conversation
	PageInfo *PageInfo
	Position func(*Conversation) *Position
}

// ConversationEdge is a conversation with its place.
type ConversationEdge struct {
	Node *Conversation
	edge
}

// Edges gives the conversations with their places.
func (c *ConversationConnection) Edges() []*ConversationEdge {
	edges := make([]*ConversationEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = &ConversationEdge{Node: n, edge: edge{c.Position(n), c.PageInfo.Seal}}
	}
	return edges
}

// MessageConnection is a page of a thread.
type MessageConnection struct {
	Nodes    []*Message
	PageInfo *PageInfo
	Position func(*Message) *Position
	Partial  bool // the budget of a search was spent: there may be more after the page's end, and even before the next hit
}

// MessageEdge is a message with its place.
type MessageEdge struct {
	Node *Message
	edge
}

// Edges gives the messages with their places.
func (c *MessageConnection) Edges() []*MessageEdge {
	edges := make([]*MessageEdge, len(c.Nodes))
	for i, n := range c.Nodes {
		edges[i] = &MessageEdge{Node: n, edge: edge{c.Position(n), c.PageInfo.Seal}}
	}
	return edges
}

type edge struct {
	at   *Position
	seal func(*Position) (string, error)
}

// Cursor is the node's place, sealed.
func (e edge) Cursor() (string, error) { return e.seal(e.at) }
