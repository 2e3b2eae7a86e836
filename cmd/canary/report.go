package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"
)

// report prints what was searched and what was found.
func (h *harness) report(w io.Writer, took time.Duration) {
	found := h.ledger.findings()
	for i, f := range found {
		if i == h.show {
			fmt.Fprintf(w, "… and %d more kinds of findings\n", len(found)-i)
			break
		}
		fmt.Fprintf(w, "FOUND %d of %d\n%s\n", i+1, len(found), indent(f.String()))
	}
	h.ledger.tables(w)
	fmt.Fprintf(w, "\n%d answers, %d random documents of seed %d, %d forms of planted values, %.0f s: ",
		h.done.Load(), h.documents, h.seed, h.ledger.sealed.Len(), took.Seconds())
	if len(found) == 0 {
		fmt.Fprintln(w, "nothing was found")
		return
	}
	fmt.Fprintf(w, "%d kinds of findings\nagain: devenv test -- canary --seed %d, and --only N for random document N\n", len(found), h.seed)
}

// String tells everything that is known of a finding's first case.
func (f finding) String() string {
	var b strings.Builder
	if f.Hit == nil {
		fmt.Fprintf(&b, "%s in %s", f.What, f.Surface)
	} else {
		fmt.Fprintf(&b, "a value of %s, %s, in %s\npath: %s\nvalue: %q\naround: %q", f.Hit.Carrier, f.Hit.Form, f.Surface, orUnknown(f.Hit.Path), f.Hit.Text, f.Hit.Around)
	}
	if f.Viewer != "" {
		fmt.Fprintf(&b, "\nviewer: %s, round: %s", f.Viewer, f.Round)
	}
	fmt.Fprintf(&b, "\ncases: %d, the first:\n%s", f.Cases, shorten(f.Where))
	if f.Evidence != "" {
		fmt.Fprintf(&b, "\nlogged: %s", f.Evidence)
	}
	return b.String()
}

func orUnknown(path string) string {
	if path == "" {
		return "(in no single value)"
	}
	return path
}

func shorten(text string) string {
	const most = 6000
	if len(text) <= most {
		return text
	}
	return text[:most] + "…"
}

func indent(text string) string { return "  " + strings.ReplaceAll(text, "\n", "\n  ") }

// tables prints what was looked at, by viewer, by surface and by code of error.
func (l *ledger) tables(w io.Writer) {
	l.mu.Lock()
	defer l.mu.Unlock()
	fmt.Fprintln(w)
	printTallies(w, "VIEWER", "ANSWERS", l.viewers)
	printTallies(w, "SURFACE", "ITEMS", l.surfaces)
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "ERRORS BY ROUND AND CODE\t\t")
	for _, code := range sortedKeys(l.codes) {
		fmt.Fprintf(table, "%s\t%d\t\n", code, l.codes[code])
	}
	_ = table.Flush() // a report that cannot be printed has nowhere to say so
}

func printTallies(w io.Writer, what, items string, tallies map[string]*tally) {
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "%s\t%s\tMB\tFINDINGS\t\n", what, items)
	for _, name := range sortedKeys(tallies) {
		t := tallies[name]
		fmt.Fprintf(table, "%s\t%d\t%.1f\t%d\t\n", name, t.items, float64(t.bytes)/1e6, t.findings)
	}
	_ = table.Flush() // as above
	fmt.Fprintln(w)
}
