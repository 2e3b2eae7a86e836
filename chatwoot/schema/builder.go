package schema

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"
)

// row is one row being made, by column; what it does not name takes the default.
type row map[string]any

// obj is a JSON object being made.
type obj = map[string]any

// builder gathers the demo. The first error stops nothing but is what Demo returns, so that the code that
// makes rows reads as a list of facts.
type builder struct {
	now    time.Time
	epoch  time.Time // when the installation began
	rng    *rand.Rand
	data   Data
	tables map[string]*Table
	nextID map[string]int64
	seen   map[Canary]bool
	serial int             // makes planted values differ
	silent bool            // while a contact is made who will be deleted
	phones map[int64]int64 // the last number given out, by series
	err    error

	contacts      []*contact
	conversations []*conversation
	messages      []*message
	ratings       []rated
	sources       map[string]bool // inbox and source id, which must be unique together
	tags          map[string]int64
	companies     map[string]int64
}

func newBuilder(now time.Time) *builder {
	now = now.UTC().Truncate(time.Second)
	b := &builder{
		now: now, epoch: now.AddDate(0, 0, -420), rng: rand.New(rand.NewPCG(4142, 20260525)), // the demo must be the same every time
		tables: map[string]*Table{}, nextID: map[string]int64{}, seen: map[Canary]bool{},
		phones: map[int64]int64{}, sources: map[string]bool{}, tags: map[string]int64{}, companies: map[string]int64{},
	}
	b.data.texts = map[int64][]string{}
	for _, l := range layouts {
		b.tables[l.name] = &Table{Name: l.name, Columns: strings.Fields(l.columns)}
	}
	return b
}

// finish hands the tables out in loading order.
func (b *builder) finish() (Data, error) {
	for _, l := range layouts {
		b.data.Tables = append(b.data.Tables, *b.tables[l.name])
	}
	return b.data, b.err
}

// insert adds a row and gives its id: the one it names, else the table's next.
func (b *builder) insert(table string, r row) int64 {
	t, ok := b.tables[table]
	if !ok {
		b.fail(fmt.Errorf("no layout for table %s", table))
		return 0
	}
	id, ok := r["id"].(int64)
	if !ok {
		id = b.nextID[table] + 1
		r["id"] = id
	}
	b.nextID[table] = max(b.nextID[table], id)
	b.stamp(t, r)
	values := make([]any, len(t.Columns))
	for i, column := range t.Columns {
		v, named := r[column]
		if !named {
			v = defaults[column]
		}
		values[i] = v
		delete(r, column)
	}
	for column := range r {
		b.fail(fmt.Errorf("table %s has no column %s in its layout", table, column))
	}
	t.Rows = append(t.Rows, values)
	return id
}

// stamp fills the two times that every table of Rails has.
func (b *builder) stamp(t *Table, r row) {
	if r["created_at"] == nil {
		r["created_at"] = b.epoch
	}
	if r["updated_at"] == nil && slices.Contains(t.Columns, "updated_at") {
		r["updated_at"] = r["created_at"]
	}
	if !slices.Contains(t.Columns, "created_at") {
		delete(r, "created_at")
	}
}

func (b *builder) fail(err error) {
	if b.err == nil {
		b.err = fmt.Errorf("build demo: %w", err)
	}
}

// json gives the JSON text of v.
func (b *builder) json(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		b.fail(fmt.Errorf("encode JSON: %w", err))
	}
	return string(text)
}

// doubled gives v as Rails writes it into messages.content_attributes and users.tokens: a JSON string that
// holds the JSON text of v.
func (b *builder) doubled(v any) string { return b.json(b.json(v)) }

// plant notes a value under its carrier and gives it back.
func (b *builder) plant(carrier string, accountID int64, value string) string {
	c := Canary{Carrier: carrier, AccountID: accountID, Value: value, FreeText: freeText(carrier)}
	if value != "" && !b.silent && !b.seen[c] {
		b.seen[c] = true
		b.data.canaries = append(b.data.canaries, c)
	}
	return value
}

// chance is true in percent of a hundred cases.
func (b *builder) chance(percent int) bool { return b.rng.IntN(100) < percent }

func pick[T any](b *builder, list []T) T { return list[b.rng.IntN(len(list))] }

// random gives n characters of an alphabet.
func (b *builder) random(alphabet string, n int) string {
	text := make([]byte, n)
	for i := range text {
		text[i] = alphabet[b.rng.IntN(len(alphabet))]
	}
	return string(text)
}

const (
	base58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	base36 = "0123456789abcdefghijklmnopqrstuvwxyz"
	hex    = "0123456789abcdef"
	digits = "0123456789"
)

func (b *builder) uuid() string {
	h := b.random(hex, 31)
	return h[:8] + "-" + h[8:12] + "-4" + h[12:15] + "-a" + h[15:18] + "-" + h[18:30]
}
