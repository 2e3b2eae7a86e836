package chat

import (
	"slices"
	"time"
)

// Page asks for a stretch of a list: the first or the last n rows, after or before a position.
type Page struct {
	Limit    int
	Backward bool      // the last rows before the position
	From     *Position // nil is the list's end
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
