// Package schema is the room of Chatwoot's own tables, empty and furnished: for the demo and for tests.
// Nothing comes in but a point in time; the same time always gives the same rows.
// What leaves is SQL text and rows as Go values, every person in them invented: this room opens no connection.
package schema

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// Baseline creates Chatwoot 4.14.2's tables, indexes, triggers and extensions in an empty database, as one
// multi-statement text for the simple protocol. Names are unqualified: they land in the search path's first schema.
//
//go:embed baseline.sql
var Baseline string

// Table is the rows of one table, ready for COPY: integers are int64, json and jsonb are strings of JSON
// text, timestamps are UTC time.Time, uuids are strings, text[] is []string, and NULL is nil.
type Table struct {
	Name    string
	Columns []string
	Rows    [][]any
}

// Data is a whole demo installation. Tables come in the order in which they must be loaded: accounts first,
// since their trigger makes the sequences, and conversations in the order of their display ids, since a
// trigger numbers them whatever the row says.
type Data struct {
	Tables []Table
	Users  []DemoUser

	canaries []Canary
	texts    map[int64][]string
}

// Table finds a table by name; ok is false when the demo has none of that name.
func (d Data) Table(name string) (t Table, ok bool) {
	i := slices.IndexFunc(d.Tables, func(t Table) bool { return t.Name == name })
	if i < 0 {
		return Table{}, false
	}
	return d.Tables[i], true
}

// Sequences gives the SQL that moves every id sequence behind the ids that were loaded; run it once after
// the rows. Without it the next INSERT would meet an id that is taken.
func (d Data) Sequences() string {
	var sql strings.Builder
	for _, t := range d.Tables {
		fmt.Fprintf(&sql, "SELECT setval(pg_get_serial_sequence('%s', 'id'), (SELECT max(id) FROM %s));\n", t.Name, t.Name)
	}
	return sql.String()
}

// MessageTexts lists distinctive fragments of the account's message contents, twelve bytes or more each, so
// that a test can look for message text where none may be. No fragment comes twice.
func (d Data) MessageTexts(accountID int64) []string { return slices.Clone(d.texts[accountID]) }
