package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func exampleRow() Row {
	return Row{Number: 6, EntryID: 7, OccurredAt: time.Date(2026, 11, 22, 19, 30, 0, 123456000, time.UTC), ActorKind: "AGENT", ActorID: "4",
		Action: "masking_set", EntityType: "user", EntityID: "5", RequestID: "req", Status: Open, Details: json.RawMessage(`{"masked":true,"reason":"a, \"b\""}`)}
}

// texts are what a cell may hold, and what of it a spreadsheet must not take for a formula.
var texts = []string{"", "plain", "=1+1", "+49", "-2", "@SUM(A1)", "'quoted", `'"both"`, "\t=1", "a\r\nb", "\x00", "a,b;c", `"`, "=cmd|' /C calc'!A0", "ä"}

func fileOf(t testing.TB, format Format, rows ...Row) []byte {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, format)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range rows {
		if err := w.Write(r); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readAll(from []byte) (rows []Row, err error) {
	r, err := NewReader(bytes.NewReader(from))
	if err != nil {
		return nil, err
	}
	for {
		row, err := r.Next()
		if errors.Is(err, io.EOF) {
			return rows, nil
		}
		if err != nil {
			return rows, err
		}
		rows = append(rows, row)
	}
}

func TestFilesAreReadAsWritten(t *testing.T) {
	t.Parallel()
	var rows []Row
	for i, text := range texts {
		r := exampleRow()
		r.Number, r.ActorKind, r.ActorID, r.Action, r.EntityType, r.EntityID, r.RequestID = int64(i)-1, text, text, text, text, text, text
		if r.Status = Status(text); i%2 == 0 {
			r.Details = json.RawMessage("null")
		}
		rows = append(rows, r)
	}
	for _, format := range []Format{CSV, JSON} {
		text := fileOf(t, format, rows...)
		got, err := readAll(text)
		if diff := cmp.Diff(rows, got); err != nil || diff != "" {
			t.Errorf("%s: %v\n%s", format, err, diff)
		}
		for i := range got {
			if i < len(rows) && got[i].digest() != rows[i].digest() {
				t.Errorf("%s: row %d has another digest", format, i)
			}
		}
		if got, err := readAll(fileOf(t, format)); err != nil || len(got) != 0 {
			t.Errorf("%s without rows: %v, %v", format, got, err)
		}
	}
	if _, err := NewWriter(io.Discard, "xml"); err == nil {
		t.Error("a format that is none")
	}
}

// TestTimesWithoutEnd: somebody may have put one into the database, and the report is written all the same.
func TestTimesWithoutEnd(t *testing.T) {
	t.Parallel()
	r := exampleRow()
	r.OccurredAt = time.UnixMicro(1<<63 - 1)
	for _, format := range []Format{CSV, JSON} {
		if got, err := readAll(fileOf(t, format, r)); err != nil || len(got) != 1 || !got[0].OccurredAt.Equal(never) {
			t.Errorf("%s: %v, %v", format, got, err)
		}
	}
}

// TestFormats says what the files look like, which others read.
func TestFormats(t *testing.T) {
	t.Parallel()
	wantCSV := "number,entry,time,actor_kind,actor,action,entity_type,entity,request,status,details\n" +
		`6,7,2026-11-22T19:30:00.123456Z,AGENT,4,masking_set,user,5,req,open,"{""masked"":true,""reason"":""a, \""b\""""}"` + "\n"
	wantJSON := "[\n" + `{"number":6,"entry":7,"time":"2026-11-22T19:30:00.123456Z","actor_kind":"AGENT","actor":"4","action":"masking_set",` +
		`"entity_type":"user","entity":"5","request":"req","status":"open","details":{"masked":true,"reason":"a, \"b\""}}` + "\n]\n"
	for format, want := range map[Format]string{CSV: wantCSV, JSON: wantJSON} {
		if got := string(fileOf(t, format, exampleRow())); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", format, got, want)
		}
	}
	two := fileOf(t, JSON, exampleRow(), exampleRow())
	if !json.Valid(two) || bytes.Count(two, []byte("\n")) != 4 {
		t.Errorf("two rows:\n%s", two)
	}
}

// TestNoCellIsAFormula: whatever begins as a formula does is a text to every spreadsheet.
func TestNoCellIsAFormula(t *testing.T) {
	t.Parallel()
	for _, text := range texts {
		r := exampleRow()
		r.EntityID, r.RequestID = text, text
		cells, err := csv.NewReader(bytes.NewReader(fileOf(t, CSV, r))).ReadAll()
		if err != nil || len(cells) != 2 {
			t.Fatalf("%q: %v", text, err)
		}
		for _, cell := range cells[1] {
			if strings.ContainsAny(cell, "\r\n\t\x00") || cell != "" && strings.ContainsRune("=+-@", rune(cell[0])) {
				t.Errorf("%q became %q", text, cell)
			}
		}
	}
}

func TestFilesThatAreNone(t *testing.T) {
	t.Parallel()
	good := string(fileOf(t, CSV, exampleRow()))
	array := string(fileOf(t, JSON, exampleRow()))
	for name, text := range map[string]string{
		"nothing": "", "other columns": "a,b\n", "fewer cells": good + "1,2\n", "no number": strings.Replace(good, "6,7", "x,7", 1), "no time": strings.Replace(good, "2026", "y", 1),
		"no end": strings.TrimSuffix(array, "]\n"), "more after the end": array + "[]", "another field": strings.Replace(array, "entry", "entri", 1), "no array": "{}",
		"a row without an end": "[\n{\"actor\":\"" + strings.Repeat("a", 2*maxRow) + "\"}]", "a cell without an end": good + strings.Repeat("b", 2*maxRow),
	} {
		if rows, err := readAll([]byte(text)); err == nil {
			t.Errorf("%s is a report of %d rows", name, len(rows))
		}
	}
}

// FuzzReader: nothing panics, and what is read is read again when it is written.
func FuzzReader(f *testing.F) {
	f.Add(fileOf(f, CSV, exampleRow()))
	f.Add(fileOf(f, JSON, exampleRow(), exampleRow()))
	f.Fuzz(func(t *testing.T, text []byte) {
		rows, err := readAll(text)
		if err != nil {
			return
		}
		for _, r := range rows {
			if !json.Valid(r.Details) {
				continue // which no writer writes
			}
			again, err := readAll(fileOf(t, CSV, r))
			if err != nil || len(again) != 1 || again[0].digest() != r.digest() {
				t.Errorf("%+v became %+v, %v", r, again, err)
			}
		}
	})
}
