package telemetry

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"runtime/debug"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
)

// What no line may hold: a name cannot be told from other words, so that only keys and kinds of value keep it out.
const (
	canaryName  = "Zebulon Quark"
	canaryEmail = "zebulon@quark.example"
	canaryPhone = "+15551234567"
)

type (
	word     string
	secret   string
	customer struct{ Name, Email string }
	valuer   struct{ give any }
	broken   struct{ text string }
	database struct{}
)

func (secret) String() string          { return "***" }
func (v valuer) LogValue() slog.Value  { return slog.AnyValue(v.give) }
func (b *broken) Error() string        { return b.text }
func (database) Error() string         { return "ERROR: invalid input for " + canaryName + " (SQLSTATE 22P02)" }
func (database) SQLState() string      { return "22P02" }
func personalForTest() []string        { return []string{"email", "phoneNumber", "PHONE_NUMBER", "line"} }
func lines(out *bytes.Buffer) []string { return strings.Split(strings.TrimSpace(out.String()), "\n") }

func logTo(out *bytes.Buffer) *slog.Logger {
	return slog.New(NewHandler(out, slog.LevelInfo, personalForTest()))
}

// written is a line's attributes without time, level and message.
func written(t *testing.T, line string) map[string]any {
	t.Helper()
	var got map[string]any
	if err := json.Unmarshal([]byte(line), &got); err != nil {
		t.Fatalf("%q is no JSON: %v", line, err)
	}
	for _, k := range []string{"time", "level", "msg"} {
		delete(got, k)
	}
	return got
}

func TestAttributes(t *testing.T) {
	t.Parallel()
	const hidden = chat.Redacted
	notANumber := func() error { _, err := strconv.Atoi(canaryName); return fmt.Errorf("read a number: %w", err) }()
	at := time.Date(2026, 11, 22, 8, 20, 3, 0, time.UTC)
	for _, c := range []struct {
		name string
		give slog.Attr
		want map[string]any
	}{
		{"text", slog.String("part", "redis"), map[string]any{"part": "redis"}},
		{"text with an address", slog.String("part", "to "+canaryEmail), map[string]any{"part": "to " + hidden}},
		{"number", slog.Int("id", math.MaxInt32), map[string]any{"id": float64(math.MaxInt32)}},
		{"negative number", slog.Int("id", -5), map[string]any{"id": -5.0}},
		{"phone as a number", slog.Int64("id", 15551234567), map[string]any{"id": hidden}},
		{"phone as a negative number", slog.Int64("id", -15551234567), map[string]any{"id": hidden}},
		{"phone as an unsigned number", slog.Uint64("id", 15551234567), map[string]any{"id": hidden}},
		{"phone as a float", slog.Float64("id", 15551234567), map[string]any{"id": hidden}},
		{"smallest number", slog.Int64("id", math.MinInt64), map[string]any{"id": hidden}},
		{"not a number", slog.Float64("cost", math.NaN()), map[string]any{"cost": hidden}},
		{"flag", slog.Bool("field", true), map[string]any{"field": true}},
		{"duration", slog.Duration("took", 90*time.Minute), map[string]any{"took": float64(90 * time.Minute)}},
		{"time", slog.Time("field", at), map[string]any{"field": "2026-11-22T08:20:03Z"}},
		{"error", slog.Any("error", errors.New("open contact 42")), map[string]any{"error": "open contact 42"}},
		{"error with an address", slog.Any("error", fmt.Errorf("mail %s: %w", canaryEmail, errors.New("no"))), map[string]any{"error": "mail " + hidden + ": no"}},
		{"error of PostgreSQL", slog.Any("error", fmt.Errorf("read: %w", database{})), map[string]any{"error": "read: PostgreSQL error 22P02"}},
		{"error of a number", slog.Any("error", notANumber), map[string]any{"error": "read a number: strconv.Atoi: invalid syntax"}},
		{"error that is nil", slog.Any("error", (*broken)(nil)), map[string]any{"error": hidden}},
		{"nothing", slog.Any("error", nil), map[string]any{"error": hidden}},
		{"word", slog.Any("kind", word("agent")), map[string]any{"kind": "agent"}},
		{"word with an address", slog.Any("kind", word(canaryPhone)), map[string]any{"kind": "+" + hidden}},
		{"word that hides itself", slog.Any("kind", secret(canaryName)), map[string]any{"kind": hidden}},
		{"PII", slog.Any("kind", chat.PII(canaryName)), map[string]any{"kind": hidden}},
		{"struct", slog.Any("record", customer{canaryName, canaryEmail}), map[string]any{"record": hidden}},
		{"pointer", slog.Any("record", &customer{canaryName, canaryEmail}), map[string]any{"record": hidden}},
		{"map", slog.Any("record", map[string]string{"email": canaryName}), map[string]any{"record": hidden}},
		{"list", slog.Any("record", []string{canaryName}), map[string]any{"record": hidden}},
		{"bytes", slog.Any("record", []byte(canaryName)), map[string]any{"record": hidden}},
		{"JSON", slog.Any("record", json.RawMessage(`"`+canaryName+`"`)), map[string]any{"record": hidden}},
		{"Stringer", slog.Any("record", time.UTC), map[string]any{"record": hidden}},
		{"function", slog.Any("record", func() {}), map[string]any{"record": hidden}},
		{"valuer", slog.Any("part", valuer{"redis"}), map[string]any{"part": "redis"}},
		{"valuer of a struct", slog.Any("part", valuer{customer{canaryName, canaryEmail}}), map[string]any{"part": hidden}},
		{"valuer of a valuer", slog.Any("part", valuer{valuer{canaryEmail}}), map[string]any{"part": hidden}},
		{"valuer of a group", slog.Any("part", valuer{[]slog.Attr{slog.String("email", canaryName), slog.Int("id", 4)}}),
			map[string]any{"part": map[string]any{"email": hidden, "id": 4.0}}},
		{"unknown key", slog.String("customer", canaryName), map[string]any{"customer": hidden}},
		{"known key in other case", slog.String("Part", canaryName), map[string]any{"Part": hidden}},
		{"key that is an address", slog.String(canaryEmail, "x"), map[string]any{hidden: hidden}},
		{"key that is a phone number", slog.String("p5551234567", "x"), map[string]any{hidden: hidden}},
		{"key that is a name", slog.String(canaryName, "x"), map[string]any{hidden: hidden}},
		{"key without a name", slog.String("", canaryName), map[string]any{hidden: hidden}},
		{"personal key", slog.String("email", canaryName), map[string]any{"email": hidden}},
		{"personal key in other case", slog.String("E_MAIL", canaryName), map[string]any{"E_MAIL": hidden}},
		{"personal key that is known", slog.String("line", canaryName), map[string]any{"line": hidden}},
		{"empty", slog.Attr{}, map[string]any{}},
		{"group", slog.Group("contact", "id", 4, "name", canaryName, slog.Group("deep", "id", 5, "phone_number", canaryName)),
			map[string]any{"contact": map[string]any{"id": 4.0, "name": hidden, "deep": map[string]any{"id": 5.0, "phone_number": hidden}}}},
		{"personal group", slog.Group("Phone_Number", "id", 4, "part", canaryName), map[string]any{"Phone_Number": hidden}},
		{"group without a name", slog.Group("", "id", 4, "name", canaryName), map[string]any{"id": 4.0, "name": hidden}},
		{"group with a name that is an address", slog.Group(canaryEmail, "id", 4), map[string]any{hidden: map[string]any{"id": 4.0}}},
		{"empty group", slog.Group("contact"), map[string]any{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			var out bytes.Buffer
			log := logTo(&out)
			log.Info("m", c.give)
			log.With(c.give).Info("m")
			log.WithGroup("g").With(c.give).Info("m", "count", 1)
			for i, want := range []map[string]any{c.want, c.want, {"g": merge(c.want, "count", 1.0)}} {
				if diff := cmp.Diff(want, written(t, lines(&out)[i])); diff != "" {
					t.Errorf("line %d (-want +got):\n%s", i, diff)
				}
			}
			for _, canary := range []string{canaryName, "Zebulon", "zebulon", canaryPhone, "5551234567"} {
				if strings.Contains(out.String(), canary) {
					t.Errorf("%s was written: %s", canary, out.String())
				}
			}
		})
	}
}

func merge(m map[string]any, key string, value any) map[string]any {
	all := map[string]any{key: value}
	for k, v := range m {
		all[k] = v
	}
	return all
}

func TestGroupsThatWereOpened(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := logTo(&out)
	one := log.With("part", "a").WithGroup("contact").With("id", 1)
	two := one.WithGroup("email").With("id", 2)
	one.With("field", "x").Info("m") // a sibling, so that the two share no memory
	two.Info("m", "id", 3, "name", canaryName)
	one.WithGroup("").WithGroup("empty").Info("m")
	want := []map[string]any{
		{"part": "a", "contact": map[string]any{"id": 1.0, "field": "x"}},
		{"part": "a", "contact": map[string]any{"id": 1.0, "email": chat.Redacted}},
		{"part": "a", "contact": map[string]any{"id": 1.0}},
	}
	for i, line := range lines(&out) {
		if diff := cmp.Diff(want[i], written(t, line)); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
	}
}

func TestOperationInRecords(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := logTo(&out)
	o := &Operation{RequestID: "2345672345ABCDEFGHIJKLMNOP"}
	ctx := WithOperation(t.Context(), o)
	log.InfoContext(ctx, "early", "request_id", "of the caller's", "part", "a")
	o.Document, o.Name = sha256, "InboxPage"
	log.WithGroup("contact").InfoContext(ctx, "late", "id", 1)
	log.Info("no request", "request_id", "ABC")
	o.Name = canaryEmail // the edge should never
	log.InfoContext(ctx, "m")
	want := []map[string]any{
		{"request_id": o.RequestID, "part": "a"},
		{"request_id": o.RequestID, "document": sha256, "operation": "InboxPage", "contact": map[string]any{"id": 1.0}},
		{"request_id": "ABC"},
		{"request_id": o.RequestID, "document": sha256, "operation": chat.Redacted},
	}
	for i, line := range lines(&out) {
		if diff := cmp.Diff(want[i], written(t, line)); diff != "" {
			t.Errorf("line %d (-want +got):\n%s", i, diff)
		}
		if strings.Count(line, `"request_id"`) != 1 {
			t.Errorf("%s says the request's id more than once", line)
		}
	}
	if got := OperationFrom(WithOperation(t.Context(), nil)); got == nil || *got != (Operation{}) {
		t.Errorf("a context without an operation gives %v", got)
	}
}

func TestMessagesAndLevels(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	log := logTo(&out)
	log.Debug("not written")
	log.Warn("no mail from " + canaryEmail + " or " + canaryPhone)
	var got struct{ Level, Msg, Time string }
	if err := json.Unmarshal(out.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	if got.Level != "WARN" || got.Msg != "no mail from [redacted] or +[redacted]" || got.Time == "" {
		t.Errorf("%+v", got)
	}
}

// A panic's record as the edge makes it: the stack is there line by line, and of the values in it only their addresses.
func TestStackOfAPanic(t *testing.T) {
	t.Parallel()
	var stack string
	func() {
		defer func() {
			if recover() != nil {
				stack = string(debug.Stack())
			}
		}()
		fail(canaryName+canaryEmail, 42)
	}()
	var out bytes.Buffer
	logTo(&out).Error("a request failed", "error", fmt.Errorf("a resolver panicked with a %T\n%s", "", stack))
	if got := written(t, out.String())["error"]; got != "a resolver panicked with a string\n"+stack {
		t.Errorf("the stack was harmed:\n%s\nwant\n%s", got, stack)
	}
	if !strings.Contains(stack, "telemetry.fail(") || strings.Contains(out.String(), "ebulon") {
		t.Errorf("the stack says too little or too much: %s", out.String())
	}
}

//go:noinline
func fail(name string, id int) { panic(fmt.Sprint(name, id)) }

// One handler, its children and one operation are used by many requests at once; the race detector watches.
func TestConcurrentUse(t *testing.T) {
	t.Parallel()
	const each, workers = 50, 8
	var out bytes.Buffer // slog's handler lets one writer in at a time
	log := logTo(&out).With("part", "a")
	ctx := WithOperation(context.Background(), &Operation{RequestID: "R"})
	var wg sync.WaitGroup
	for w := range workers {
		wg.Go(func() {
			for i := range each {
				log.WithGroup("contact").With("id", w).InfoContext(ctx, "m", "count", i, "email", canaryEmail)
			}
		})
	}
	wg.Wait()
	if n := len(lines(&out)); n != each*workers {
		t.Errorf("%d lines, want %d", n, each*workers)
	}
	for _, line := range lines(&out) {
		if got := written(t, line); got["request_id"] != "R" || got["part"] != "a" {
			t.Fatalf("a line was mixed with another: %s", line)
		}
	}
}

// TestOperandsAreInNoListOfLogsOrSpans: what a search, a condition or a cursor holds is a customer's as often as not, and no
// rule can tell a name from other words. So nothing of that kind may ever come into the lists.
func TestOperandsAreInNoListOfLogsOrSpans(t *testing.T) {
	t.Parallel()
	for _, operand := range []string{"query", "text", "values", "value", "cursor", "after", "before", "filter", "conditions", "attributes", "words", "word",
		"token", "tokens", "label", "key", "tag"} {
		if _, inSpans := spanAttributes[operand]; inSpans {
			t.Errorf("spans know the attribute %q", operand)
		}
		if operand == "token" { // the public id of a service token
			continue
		}
		var out bytes.Buffer
		logTo(&out).Warn("a search failed", slog.Any(operand, []string{canaryName}), slog.Group("at", slog.String(operand, canaryName)))
		if strings.Contains(out.String(), "Zebulon") {
			t.Errorf("the log writes %q: %s", operand, out.String())
		}
	}
}
