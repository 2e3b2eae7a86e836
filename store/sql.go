package store

import (
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/cloakroom/cloakroom/chat"
)

// statement is SQL put together from constant fragments, with its arguments. Only fragments of this package
// ever become text; every value is an argument.
type statement struct {
	sql  strings.Builder
	args []any
}

// add appends a fragment in which each ? stands for the next of args.
func (s *statement) add(fragment string, args ...any) {
	for _, arg := range args {
		before, after, _ := strings.Cut(fragment, "?")
		s.args = append(s.args, arg)
		s.sql.WriteString(before)
		s.sql.WriteByte('$')
		s.sql.WriteString(strconv.Itoa(len(s.args)))
		fragment = after
	}
	s.sql.WriteString(fragment)
}

// orderKey is one order of a list: its expression, and the member of a position that holds its value.
// Rows without a value come last in both directions, as in Chatwoot.
type orderKey struct {
	expression string
	id         string // the tie-break
	nullable   bool
	value      func(*chat.Position) any // nil when the row has none
}

func timeOf(p *chat.Position) any {
	if p.Time == nil {
		return nil
	}
	return *p.Time
}

func textOf(p *chat.Position) any {
	if p.Text == nil {
		return nil
	}
	return *p.Text
}

func intOf(p *chat.Position) any {
	if p.Int == nil {
		return nil
	}
	return *p.Int
}

// readPage reads as many rows as the page wants. Rows with and without a value are two ranges of the index, so
// a page that runs over from one into the other takes a second statement: one condition for both would read
// every row before the position.
func readPage[T any](page chat.Page, key orderKey, read func(limit int, overrun bool) ([]T, error)) ([]T, error) {
	rows, err := read(page.Read(), false)
	if err != nil || len(rows) == page.Read() || page.From == nil || !key.nullable {
		return rows, err
	}
	if (key.value(page.From) == nil) != page.Backward {
		return rows, nil
	}
	rest, err := read(page.Read()-len(rows), true)
	return append(rows, rest...), err
}

// beyond appends the condition that a row lies beyond the page's position, in the position's range of rows
// with or without a value, or with overrun in the other range.
func (s *statement) beyond(key orderKey, direction chat.OrderDirection, page chat.Page, overrun bool) {
	from := page.From
	if from == nil {
		return
	}
	operator := ">"
	if (direction == chat.Descending) != page.Backward {
		operator = "<"
	}
	value := key.value(from)
	switch {
	case overrun && page.Backward:
		s.add(" AND " + key.expression + " IS NOT NULL")
	case overrun:
		s.add(" AND " + key.expression + " IS NULL")
	case value == nil:
		s.add(" AND "+key.expression+" IS NULL AND "+key.id+" "+operator+" ?", from.ID)
	default:
		s.add(" AND ("+key.expression+", "+key.id+") "+operator+" (?, ?)", value, from.ID)
	}
}

// orderBy appends the order of a page, reversed for one that is read backwards.
func (s *statement) orderBy(key orderKey, direction chat.OrderDirection, backward bool) {
	way, nulls := " ASC", " NULLS LAST"
	if (direction == chat.Descending) != backward {
		way = " DESC"
	}
	if !key.nullable {
		nulls = ""
	} else if backward {
		nulls = " NULLS FIRST"
	}
	s.add(" ORDER BY " + key.expression + way + nulls + ", " + key.id + way)
}

// Scan targets that read NULL as the zero value.

func i8(p *int64) *zeronull.Int8          { return (*zeronull.Int8)(p) }
func text(p *string) *zeronull.Text       { return (*zeronull.Text)(p) }
func at(p *time.Time) *zeronull.Timestamp { return (*zeronull.Timestamp)(p) }

// optional is nil for a NULL.
func optional(t zeronull.Timestamp) *time.Time {
	if time.Time(t).IsZero() {
		return nil
	}
	return (*time.Time)(&t)
}
