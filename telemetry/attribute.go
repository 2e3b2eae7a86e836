package telemetry

import (
	"errors"
	"log/slog"
	"math"
	"reflect"
	"regexp"
	"strconv"
	"strings"

	"github.com/cloakroom/cloakroom/chat"
)

// known are the keys whose values are written. A key is added here with the call that uses it, after a thought about
// what its values can be; a test holds that every key in the program is known.
var known = keys(
	// the request
	"request_id", "document", "operation", "method", "path", "status", "took", "code", "cost", "limit", "remaining", "rule",
	// rows and records, by number or by name of ours
	"account", "contact", "conversation", "agent", "user", "token", "id", "record", "field", "kind", "mutation", "dataset", "phase", "generation", "job", "purpose", "table", "left",
	"step", "destination", "checkpoint",
	// what went wrong, and where
	"error", "cause", "part", "missing", "without_it", "library", "line", "count", "attempt", "failures", "statements",
	// the program itself
	"url", "version",
)

// name is the form of a key; any other could itself say something.
var name = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,39}$`)

// policy judges attributes: personal names first, then known keys, then what a value is made of.
type policy struct{ personal map[string]bool }

func newPolicy(personal []string) policy {
	p := policy{personal: make(map[string]bool, len(personal))}
	for _, n := range personal {
		p.personal[plain(n)] = true
	}
	return p
}

// plain is a name without case and underscores: phone_number, phoneNumber and PHONE_NUMBER are one.
func plain(name string) string { return strings.ToLower(strings.ReplaceAll(name, "_", "")) }

func (p policy) attributes(in []slog.Attr) []slog.Attr {
	out := make([]slog.Attr, 0, len(in))
	for _, a := range in {
		if !a.Equal(slog.Attr{}) {
			out = append(out, p.attribute(a))
		}
	}
	return out
}

// attribute gives an attribute as it may be written. Members of a group are judged each by its own key.
func (p policy) attribute(a slog.Attr) slog.Attr {
	value := a.Value.Resolve()
	switch {
	case value.Kind() == slog.KindGroup:
		return p.group(a.Key, p.attributes(value.Group()))
	case p.personal[plain(a.Key)] || !known[a.Key]:
		return slog.String(key(a.Key), chat.Redacted)
	default:
		return slog.Attr{Key: a.Key, Value: clean(value)}
	}
}

// group puts members that were judged under a name; a personal name hides them all.
func (p policy) group(name string, members []slog.Attr) slog.Attr {
	if p.personal[plain(name)] {
		return slog.String(name, chat.Redacted)
	}
	if name != "" { // members of a group without a name stand where the group stands
		name = key(name)
	}
	return slog.Attr{Key: name, Value: slog.GroupValue(members...)}
}

func key(text string) string {
	if !name.MatchString(text) || Redact(text) != text {
		return chat.Redacted
	}
	return text
}

// clean gives a value as it may be written under a known key: numbers that can be a row's, flags, times, and texts
// without addresses. Nothing is marshalled: who knows what a struct, a map or a list holds.
func clean(v slog.Value) slog.Value {
	switch v.Kind() {
	case slog.KindString:
		return slog.StringValue(Redact(v.String()))
	case slog.KindInt64:
		return number(v, math.Abs(float64(v.Int64())))
	case slog.KindUint64:
		return number(v, float64(v.Uint64()))
	case slog.KindFloat64:
		return number(v, math.Abs(v.Float64()))
	case slog.KindBool, slog.KindDuration, slog.KindTime:
		return v
	case slog.KindAny:
		return slog.StringValue(anything(v.Any()))
	default:
		return slog.StringValue(chat.Redacted)
	}
}

// number lets through what Chatwoot's row numbers can be (int4); beyond it a number could be somebody's phone.
func number(v slog.Value, size float64) slog.Value {
	if size <= math.MaxInt32 {
		return v
	}
	return slog.StringValue(chat.Redacted)
}

// anything reads an error's text, and a string type's that has no methods: with methods it may hide what it holds.
func anything(v any) (text string) {
	defer func() {
		if recover() != nil { // an error that is a nil pointer, for one
			text = chat.Redacted
		}
	}()
	if err, ok := v.(error); ok {
		return Redact(errorText(err))
	}
	if r := reflect.ValueOf(v); r.Kind() == reflect.String && reflect.PointerTo(r.Type()).NumMethod() == 0 {
		return Redact(r.String())
	}
	return chat.Redacted
}

// errorText is an error's text without what PostgreSQL and the standard library quote in theirs: values of rows, and
// of whatever should have been a number.
func errorText(err error) string {
	text := err.Error()
	var fromPostgres interface {
		error
		SQLState() string
	}
	if errors.As(err, &fromPostgres) {
		text = strings.ReplaceAll(text, fromPostgres.Error(), "PostgreSQL error "+fromPostgres.SQLState())
	}
	var notANumber *strconv.NumError
	if errors.As(err, &notANumber) {
		text = strings.ReplaceAll(text, notANumber.Error(), "strconv."+notANumber.Func+": "+notANumber.Err.Error())
	}
	return text
}

func keys(names ...string) map[string]bool {
	m := make(map[string]bool, len(names))
	for _, n := range names {
		m[n] = true
	}
	return m
}
