package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// hole is a generated field that no longer asks its gate.
type hole struct{ file, function string }

// leak is made on purpose: one gate less, or two where one stands behind the other.
type leak struct {
	holes []hole
	path  string // how the path of a finding ends
	asked asking // what has to find it
}

type asking int

const (
	everyPath asking = iota
	randomDocuments
	credentials
)

var leaks = []leak{
	{[]hole{{"graph/contact.generated.go", "_ContactInbox_sourceId"}}, ".sourceId", everyPath},
	{[]hole{{"graph/contact.generated.go", "_Contact_email"}}, ".email", randomDocuments}, // plans keep their own gate: only what is answered field by field leaks
	{[]hole{{"graph/account.generated.go", "_Account_token"}, {"graph/vault.generated.go", "_StoredToken_accessToken"}}, ".accessToken", credentials},
}

func (k leak) String() string {
	var names []string
	for _, hole := range k.holes {
		names = append(names, hole.function)
	}
	return strings.Join(names, " and ")
}

// prove builds a server for each leak and finds it: a search that cannot fail proves nothing.
func prove(ctx context.Context, o options) (found bool, err error) {
	o.quick = true
	h, err := prepare(ctx, o)
	if err != nil {
		return false, err
	}
	defer func() { err = errors.Join(err, h.remove()) }()
	for _, leak := range leaks {
		folder, err := os.MkdirTemp("", "cloakroom-canary-leak-")
		if err != nil {
			return false, fmt.Errorf("make a folder for a server with a leak: %w", err)
		}
		err = h.find(ctx, leak, folder)
		if err := errors.Join(err, os.RemoveAll(folder)); err != nil {
			return false, err
		}
	}
	return true, nil
}

// find builds the server with the leak, asks it, and fails unless the leak is found where it is and nowhere else.
func (h *harness) find(ctx context.Context, leak leak, folder string) error {
	program := filepath.Join(folder, "cloakroom")
	if err := step("building a server whose "+leak.String()+" asks no gate", func() error { return leak.build(ctx, folder, program) }); err != nil {
		return err
	}
	h.ledger = newLedger(h.demo)
	h.secrets.plantInto(h.ledger)
	var err error
	if h.open, err = h.serve(ctx, h.ledger, program, "server with a leak", "DOCUMENTS=any"); err != nil {
		return err
	}
	defer h.open.stop()
	r := &round{name: "proof"}
	masked := h.masked[:1]
	switch leak.asked {
	case randomDocuments:
		err = h.ask(ctx, untilFound(h.ledger, h.random(r, masked, h.seed, max(h.documents, 2000))), h.ledger.answer)
	case credentials:
		err = h.ask(ctx, each(r, h.open, masked, h.questions.vault), h.ledger.answer)
	default:
		err = h.ask(ctx, each(r, h.open, masked, h.questions.walk), h.ledger.answer)
	}
	if err != nil {
		return err
	}
	return leak.judge(h.ledger.findings())
}

// untilFound asks no more once there is a finding.
func untilFound(l *ledger, list func(yield func(asked) bool)) func(yield func(asked) bool) {
	return func(yield func(asked) bool) {
		for a := range list {
			if len(l.findings()) > 0 || !yield(a) {
				return
			}
		}
	}
}

func (k leak) judge(findings []finding) error {
	seen := false
	for _, f := range findings {
		if f.Hit == nil || f.Surface != "answers" {
			return fmt.Errorf("the proof found something else:\n%s", f)
		}
		if strings.HasSuffix(f.Hit.Path, k.path) && !seen {
			seen = true
			say("the leak is found: %s, %s, at %s, in %.60s", f.Hit.Carrier, f.Hit.Form, f.Hit.Path, f.Where)
		}
	}
	if !seen {
		return fmt.Errorf("a server whose %s asks no gate was searched, and the leak was not found", k)
	}
	return nil
}

// build compiles the program with some files replaced; the sources stay as they are.
func (k leak) build(ctx context.Context, folder, program string) error {
	replace := make(map[string]string)
	for n, hole := range k.holes {
		source, err := filepath.Abs(hole.file)
		if err != nil {
			return fmt.Errorf("find %s: %w", hole.file, err)
		}
		text, err := os.ReadFile(source)
		if err != nil {
			return fmt.Errorf("read the generated code (run it from the project's folder): %w", err)
		}
		holed, err := hole.patch(text)
		if err != nil {
			return err
		}
		replace[source] = filepath.Join(folder, fmt.Sprintf("replaced%d.go", n))
		if err := os.WriteFile(replace[source], holed, 0o600); err != nil {
			return fmt.Errorf("write the replaced file: %w", err)
		}
	}
	overlay := filepath.Join(folder, "overlay.json")
	plan, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		return fmt.Errorf("encode the overlay: %w", err)
	}
	if err := os.WriteFile(overlay, plan, 0o600); err != nil {
		return fmt.Errorf("write the overlay: %w", err)
	}
	cmd := exec.CommandContext(ctx, "go", "build", "-overlay", overlay, "-o", program, "./cmd/cloakroom")
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build a server with a leak: %w\n%s", err, out)
	}
	return nil
}

// The gates as gqlgen writes them, and what is put in their place.
var gates = map[string]string{
	"return ec.Directives.Pii(ctx, obj, directive0, kind)":          "_ = kind\n\t\t\t\treturn directive0(ctx)",
	"return ec.Directives.ServiceOnly(ctx, obj, directive0, scope)": "_ = scope\n\t\t\t\treturn directive0(ctx)",
}

// patch takes the gate out of one function. The code is generated: should it look different one day, that must not pass
// for a leak that was not found.
func (k hole) patch(text []byte) ([]byte, error) {
	head := []byte("func (ec *executionContext) " + k.function + "(")
	if n := bytes.Count(text, head); n != 1 {
		return nil, fmt.Errorf("%s has %d functions %s: the proof does not fit the generated code any more", k.file, n, k.function)
	}
	from := bytes.Index(text, head)
	length := bytes.Index(text[from:], []byte("\n}\n"))
	if length < 0 {
		return nil, fmt.Errorf("%s of %s has no end: the proof does not fit the generated code any more", k.function, k.file)
	}
	body, asked := text[from:from+length], 0
	holed := body
	for gate, none := range gates {
		asked += bytes.Count(body, []byte(gate))
		holed = bytes.ReplaceAll(holed, []byte(gate), []byte(none))
	}
	if asked != 1 {
		return nil, fmt.Errorf("%s asks its gate in %d places: the proof does not fit the generated code any more", k.function, asked)
	}
	return bytes.Join([][]byte{text[:from], holed, text[from+length:]}, nil), nil
}
