package main

import (
	"bytes"
	"fmt"
	"io"
	"strings"
	"time"
)

// progress tells the person at the terminal what is being done and how long it took, one line a step.
type progress struct{ out io.Writer }

// step names what is being done before it begins, because fetching can take seconds, and ends the line with the time.
func (p *progress) step(what string, do func() error) error {
	fmt.Fprintf(p.out, "devenv: %-58s", what+" …")
	began := time.Now()
	if err := do(); err != nil {
		fmt.Fprintln(p.out, " failed")
		return err
	}
	fmt.Fprintf(p.out, " %6.2f s\n", time.Since(began).Seconds())
	return nil
}

// note prints a line that is no step.
func (p *progress) note(format string, args ...any) {
	fmt.Fprintf(p.out, "devenv: "+format+"\n", args...)
}

// tail keeps the last lines of what a program prints, enough to say why it failed.
type tail struct{ buf []byte }

const tailBytes = 4096

// Write never fails, so that a chatty program is not stopped by its listener.
func (t *tail) Write(b []byte) (int, error) {
	t.buf = append(t.buf, b...)
	if over := len(t.buf) - tailBytes; over > 0 {
		t.buf = append(t.buf[:0], t.buf[over:]...)
	}
	return len(b), nil
}

// lines returns the last n lines, indented, ready to stand below an error's sentence.
func (t *tail) lines(n int) string {
	all := bytes.Split(bytes.TrimSpace(t.buf), []byte("\n"))
	if len(all) > n {
		all = all[len(all)-n:]
	}
	var b strings.Builder
	for _, line := range all {
		b.WriteString("\n    ")
		b.Write(bytes.TrimRight(line, "\r"))
	}
	return b.String()
}
