package vault

import (
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

const (
	maxFiltered    = 20_000 // rows that one comparison opens
	filterReports  = 100    // values of one filter that go on record when they do not open
	filterInterval = 1024   // rows between two looks at whether anybody still waits
)

// filterRow is a row with what was opened of it, for as long as it is compared.
type filterRow struct {
	id      int64
	texts   map[chat.Field]string
	objects map[chat.Field]map[string]json.RawMessage
}

// byOpening resolves comparisons by opening every row that could pass.
func (f *filtering) byOpening(list []*chat.Comparison) error {
	rows, err := f.open(list, nil)
	if err != nil {
		return err
	}
	for _, c := range list {
		found := &chat.Found{}
		if c.Attribute == "" && (c.Operator == chat.NotEqualTo || c.Operator == chat.IsNotPresent) {
			found.Except = true // rows without a value pass as well, and were not read
		}
		for i := range rows {
			if passes(&rows[i], c) != found.Except {
				found.IDs = append(found.IDs, rows[i].id)
			}
		}
		f.settle(c, found)
	}
	return nil
}

// open reads the rows that comparisons ask for and opens what they compare. A value that does not open counts as absent.
func (f *filtering) open(list []*chat.Comparison, from *store.FilterCandidates) ([]filterRow, error) {
	var fields []chat.Field
	for _, c := range list {
		if field := sealedFields[c.Attribute].field; !slices.Contains(fields, field) {
			fields = append(fields, field)
		}
	}
	sealed, err := f.read(f.narrow(), fields, from)
	if err != nil {
		return nil, err
	}
	if len(sealed) > maxFiltered {
		return nil, &chat.Error{Code: chat.Limited, Field: list[0].Field,
			Message: "too many rows would have to be opened: narrow the list by other conditions, or have the attribute marked searchable"}
	}
	rows := make([]filterRow, len(sealed))
	for i := range sealed {
		if i%filterInterval == 0 && f.ctx.Err() != nil {
			return nil, fmt.Errorf("filter rows of account %d: %w", f.account.ID, f.ctx.Err())
		}
		rows[i] = f.row(fields, &sealed[i])
		sealed[i].Columns = nil
	}
	return rows, nil
}

// narrow is what of the filter the database can already go by, as far as every row must pass it.
func (f *filtering) narrow() [][]*chat.Comparison {
	var narrow [][]*chat.Comparison
	for _, list := range f.lists {
		if slices.ContainsFunc(list, func(c *chat.Comparison) bool { return c.Or }) {
			continue
		}
		narrow = append(narrow, slices.DeleteFunc(slices.Clone(list), func(c *chat.Comparison) bool { return f.pending[c] }))
	}
	return narrow
}

func (f *filtering) row(fields []chat.Field, sealed *store.FilterRow) filterRow {
	row := filterRow{id: sealed.ID, texts: make(map[chat.Field]string, len(fields)), objects: make(map[chat.Field]map[string]json.RawMessage)}
	subject, keyErr := f.reader.account.Subject(sealed.KeyContactID, sealed.SubjectKeyID, sealed.KeySealed)
	for i, field := range fields {
		if sealed.Columns[i] == nil {
			continue
		}
		kind := f.recordOf(field)
		at := places[kind]
		place := keyring.Place{Table: at.table, Field: at.fields[column(chat.RecordShapes[kind], field)], Row: sealed.ID, Version: sealed.Version}
		var clear []byte
		err := keyErr
		if err == nil {
			clear, err = subject.Open(place, sealed.Columns[i])
		}
		switch {
		case err != nil:
			f.unopened(chat.RecordKey{Kind: kind, ID: sealed.ID}, field, err)
		case jsonFields.Has(field):
			row.objects[field] = attributesIn(field, clear)
		default:
			row.texts[field] = string(clear)
		}
	}
	return row
}

// unopened puts a value that did not open on record, as far as one filter may.
func (f *filtering) unopened(key chat.RecordKey, field chat.Field, cause error) {
	if f.failed++; f.failed > filterReports {
		f.vault.metrics.unreadable.WithLabelValues(fieldNames[field]).Inc()
		return
	}
	_ = f.vault.unreadable(f.ctx, f.account.ID, key, field, cause) // a row that does not pass shows no error
}

func passes(row *filterRow, c *chat.Comparison) bool {
	at := sealedFields[c.Attribute]
	if c.Attribute == "" {
		return search.PassesAttribute(c, row.objects[at.field][c.Key])
	}
	if at.key == "" {
		text, there := row.texts[at.field]
		return there && search.Passes(c, &text)
	}
	var text *string
	raw, there := row.objects[at.field][at.key]
	return there && json.Unmarshal(raw, &text) == nil && search.Passes(c, text)
}

func rowsPassing(rows []filterRow, c *chat.Comparison) []int64 {
	var ids []int64
	for i := range rows {
		if passes(&rows[i], c) {
			ids = append(ids, rows[i].id)
		}
	}
	return ids
}
