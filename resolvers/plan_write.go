package resolvers

import (
	"context"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/masking"
)

// planWriter writes one answer. Each of its methods gives false where the executor has to take over.
type planWriter struct {
	ctx      context.Context
	viewer   *chat.Viewer
	shown    *directives.Shown // of a service; nil for a user
	out      []byte
	verdicts struct {
		account int64
		known   []verdict
	}
}

// set is what parents have primed; an answer that asks nothing of it never has it made.
func (w *planWriter) set() *loaders.Set { return loaders.For(w.ctx) }

// fieldWriter writes one field of an object.
type fieldWriter func(w *planWriter, f *planField, obj any) bool

func (w *planWriter) object(p *plan, obj any) bool {
	w.out = append(w.out, '{')
	for i := range p.fields {
		f := &p.fields[i]
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = append(w.out, f.name...)
		if !f.constant && !w.guarded(f, obj) {
			return false
		}
	}
	w.out = append(w.out, '}')
	return true
}

// guarded is the gate: a hidden value is null before anything below it runs.
func (w *planWriter) guarded(f *planField, obj any) bool {
	if f.kind == "" {
		return f.write(w, f, obj)
	}
	row, ok := obj.(directives.Owned)
	if !ok {
		return false
	}
	if !w.shows(row.Owner(), f.kind) && !w.showsAttribute(obj, f.kind) {
		return w.null()
	}
	begin := len(w.out)
	if !f.write(w, f, obj) {
		return false
	}
	if w.shown != nil && string(w.out[begin:]) != "null" {
		w.shown.Note(row, f.kind)
	}
	return true
}

// name writes a contact's name, which is behind no gate: masking decides which one it is.
func (w *planWriter) name(c *chat.Contact) bool {
	s, err := masking.Name(w.viewer, c)
	if err == nil && s != "" && w.shown != nil && w.shows(c.AccountID, chat.Name) {
		w.shown.Note(c, chat.Name)
	}
	return err == nil && w.text(s)
}

// showsAttribute asks about one attribute, where its kind is hidden.
func (w *planWriter) showsAttribute(obj any, kind chat.Kind) bool {
	a, ok := obj.(*chat.CustomAttribute)
	return ok && kind == chat.Attribute && masking.Attribute(w.viewer, a) == masking.Show
}

func (w *planWriter) null() bool {
	w.out = append(w.out, "null"...)
	return true
}

func (w *planWriter) id(n int64) bool {
	w.out = append(w.out, '"')
	w.out = strconv.AppendInt(w.out, n, 10)
	w.out = append(w.out, '"')
	return true
}

func (w *planWriter) number(n int) bool {
	w.out = strconv.AppendInt(w.out, int64(n), 10)
	return true
}

func (w *planWriter) truth(b bool) bool {
	w.out = strconv.AppendBool(w.out, b)
	return true
}

func (w *planWriter) text(s string) bool {
	w.out = appendString(w.out, s)
	return true
}

// enum leaves a number that a later Chatwoot added, and that has no word here, to the executor's error.
func (w *planWriter) enum(s string) bool { return s != "" && w.text(s) }

func (w *planWriter) optional(s *string) bool {
	if s == nil {
		return w.null()
	}
	return w.text(*s)
}

// piiText writes a text behind @piiText.
func (w *planWriter) piiText(f *planField, row directives.Owned, history bool, s *string, err error) bool {
	if err != nil || !f.text {
		return false
	}
	if !history {
		s = masking.Text(w.viewer, row.Owner(), s)
	}
	if !history && w.shown != nil && s != nil && chat.TextHoldsAddress(*s) {
		w.shown.Note(row, chat.Attribute)
	}
	return w.optional(s)
}

// pii writes a value behind @pii, which has let it through by now.
func (w *planWriter) pii(f *planField, p *chat.PII, err error) bool {
	switch {
	case err != nil || f.kind == "":
		return false
	case p == nil:
		return w.null()
	}
	return w.text(p.Reveal())
}

func (w *planWriter) state(row directives.Owned, kind chat.Kind, present bool) bool {
	return w.text(string(masking.State(w.viewer, row.Owner(), kind, present)))
}

// moment leaves the zero time, which the executor takes for null, to it.
func (w *planWriter) moment(t time.Time) bool {
	if t.IsZero() {
		return false
	}
	w.out = append(w.out, '"')
	w.out = t.AppendFormat(w.out, time.RFC3339Nano)
	w.out = append(w.out, '"')
	return true
}

func (w *planWriter) optionalMoment(t *time.Time) bool {
	if t == nil {
		return w.null()
	}
	return w.moment(*t)
}

func (w *planWriter) texts(list []string) bool {
	w.out = append(w.out, '[')
	for i, s := range list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		w.out = appendString(w.out, s)
	}
	w.out = append(w.out, ']')
	return true
}

func writeList[T any](w *planWriter, p *plan, list []T) bool {
	w.out = append(w.out, '[')
	for i, item := range list {
		if i > 0 {
			w.out = append(w.out, ',')
		}
		if !w.object(p, item) {
			return false
		}
	}
	w.out = append(w.out, ']')
	return true
}

func appendName(b []byte, alias string) []byte {
	return append(appendString(b, alias), ':')
}

const hexDigits = "0123456789abcdef"

// appendString writes a JSON string (RFC 8259 7); bytes that are no UTF-8 become the replacement character.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		switch {
		case c >= utf8.RuneSelf:
			r, size := utf8.DecodeRuneInString(s[i:])
			if r == utf8.RuneError && size == 1 {
				b = append(append(b, s[start:i]...), "\ufffd"...)
				start = i + 1
			}
			i += size
			continue
		case c >= 0x20 && c != '"' && c != '\\':
			i++
			continue
		}
		b = append(b, s[start:i]...)
		switch c {
		case '"', '\\':
			b = append(b, '\\', c)
		case '\n':
			b = append(b, '\\', 'n')
		case '\r':
			b = append(b, '\\', 'r')
		case '\t':
			b = append(b, '\\', 't')
		default:
			b = append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		}
		i++
		start = i
	}
	return append(append(b, s[start:]...), '"')
}

// value writes a custom attribute's value as chat.Value does.
func (w *planWriter) value(v *chat.Value) bool {
	if v == nil {
		return w.null()
	}
	raw := v.Reveal()
	switch {
	case len(raw) == 0:
		return false
	case raw[0] == '{' || raw[0] == '[':
		return w.text(string(raw))
	}
	w.out = append(w.out, raw...)
	return true
}
