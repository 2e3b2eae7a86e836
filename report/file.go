package report

import (
	"bufio"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"
)

// Format is how a report's file is written.
type Format string

// The formats: a CSV with a line of names, or a JSON array with one object a line.
const (
	CSV  Format = "csv"
	JSON Format = "json"
)

// Writer writes a report, row by row.
type Writer struct {
	to    *bufio.Writer
	csv   *csv.Writer // nil for JSON
	begun bool
}

// NewWriter begins a report.
func NewWriter(to io.Writer, format Format) (*Writer, error) {
	w := &Writer{to: bufio.NewWriter(to)}
	var err error
	switch format {
	case CSV:
		w.csv = csv.NewWriter(w.to)
		err = w.csv.Write(columns)
	case JSON:
		_, err = w.to.WriteString("[")
	default:
		return nil, fmt.Errorf("write a report: %q is no format", format)
	}
	return w, written(err)
}

// Write adds a row.
func (w *Writer) Write(r Row) error {
	r = r.normal()
	if w.csv != nil {
		return written(w.csv.Write(cells(r)))
	}
	text, err := json.Marshal(r)
	if err != nil {
		return fmt.Errorf("write entry %d to a report: %w", r.EntryID, err)
	}
	separator := "\n"
	if w.begun {
		separator = ",\n"
	}
	w.begun = true
	_, err = w.to.WriteString(separator + string(text))
	return written(err)
}

// Close writes the end and whatever is kept back.
func (w *Writer) Close() error {
	if w.csv != nil {
		w.csv.Flush()
		return written(errors.Join(w.csv.Error(), w.to.Flush()))
	}
	_, err := w.to.WriteString("\n]\n")
	return written(errors.Join(err, w.to.Flush()))
}

func written(err error) error {
	if err != nil {
		return fmt.Errorf("write a report: %w", err)
	}
	return nil
}

func cells(r Row) []string {
	list := []string{strconv.FormatInt(r.Number, 10), strconv.FormatInt(r.EntryID, 10), r.OccurredAt.Format(time.RFC3339Nano), r.ActorKind, r.ActorID,
		r.Action, r.EntityType, r.EntityID, r.RequestID, string(r.Status), string(r.Details)}
	if r.Number < 0 {
		list[0] = ""
	}
	if list[10] == "null" {
		list[10] = ""
	}
	for i := range list {
		list[i] = defuse(list[i])
	}
	return list
}

// defuse keeps a spreadsheet from taking a text for a formula, and control characters out of the file, such that charge
// gives the text back.
func defuse(text string) string {
	switch {
	case strings.ContainsFunc(text, unicode.IsControl):
		return "'" + strconv.Quote(text)
	case text != "" && strings.ContainsRune("=+-@'", rune(text[0])):
		return "'" + text
	}
	return text
}

func charge(cell string) string {
	text, defused := strings.CutPrefix(cell, "'")
	if !defused {
		return cell
	}
	if quoted, err := strconv.Unquote(text); err == nil && text[0] == '"' {
		return quoted
	}
	return text
}

// maxRow bounds what is read of a row, in bytes; ours have some hundreds.
const maxRow = 4 << 20

var errRow = errors.New("it is no row of a report of ours")

// Reader reads a report that Writer wrote, row by row.
type Reader struct {
	from *bounded
	csv  *csv.Reader
	json *json.Decoder
}

// NewReader begins to read; the file says itself which format it has.
func NewReader(from io.Reader) (*Reader, error) {
	r := &Reader{from: &bounded{from: bufio.NewReader(from), left: maxRow}}
	first, err := r.from.from.Peek(1)
	if err != nil {
		return nil, errors.New("read a report: there is nothing in it")
	}
	if first[0] == '[' {
		r.json = json.NewDecoder(r.from)
		r.json.DisallowUnknownFields()
		_, err = r.json.Token()
	} else {
		r.csv = csv.NewReader(r.from)
		var names []string
		if names, err = r.csv.Read(); err == nil && !slices.Equal(names, columns) {
			err = errRow
		}
	}
	if err != nil {
		return nil, errors.New("read a report: it begins otherwise than ours")
	}
	return r, nil
}

// Next gives the next row; io.EOF after the last.
func (r *Reader) Next() (Row, error) {
	r.from.left = maxRow
	if r.json != nil {
		return r.object()
	}
	cells, err := r.csv.Read()
	if errors.Is(err, io.EOF) {
		return Row{}, io.EOF
	}
	if err != nil {
		return Row{}, errRow
	}
	return rowOf(cells)
}

func (r *Reader) object() (row Row, err error) {
	if r.json.More() {
		if err := r.json.Decode(&row); err != nil {
			return row, errRow
		}
		return row.normal(), nil
	}
	if _, err := r.json.Token(); err != nil {
		return row, errRow
	}
	if _, err := r.json.Token(); !errors.Is(err, io.EOF) {
		return row, errRow
	}
	return row, io.EOF
}

func rowOf(cells []string) (r Row, err error) {
	for i := range cells {
		cells[i] = charge(cells[i])
	}
	if cells[0] == "" {
		cells[0] = "-1"
	}
	number, err1 := strconv.ParseInt(cells[0], 10, 64)
	entry, err2 := strconv.ParseInt(cells[1], 10, 64)
	at, err3 := time.Parse(time.RFC3339Nano, cells[2])
	if err1 != nil || err2 != nil || err3 != nil {
		return r, errRow
	}
	return Row{Number: number, EntryID: entry, OccurredAt: at, ActorKind: cells[3], ActorID: cells[4], Action: cells[5], EntityType: cells[6],
		EntityID: cells[7], RequestID: cells[8], Status: Status(cells[9]), Details: json.RawMessage(cells[10])}.normal(), nil
}

// bounded gives no more than what is left: a row without an end would fill the memory.
type bounded struct {
	from *bufio.Reader
	left int
}

func (b *bounded) Read(p []byte) (int, error) {
	if b.left <= 0 {
		return 0, errRow
	}
	n, err := b.from.Read(p[:min(len(p), b.left)])
	b.left -= n
	return n, err //nolint:wrapcheck // io.EOF must stay what it is
}
