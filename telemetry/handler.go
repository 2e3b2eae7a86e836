package telemetry

import (
	"context"
	"io"
	"log/slog"
	"slices"
)

// handler writes records that are clean by the time they reach JSON. What WithAttrs and WithGroup add is kept as
// steps and put together for each record, so that the request's own attributes stand outside all groups.
type handler struct {
	json   slog.Handler
	policy policy
	steps  []step
}

// step is a group that was opened, or attributes that were added, already judged.
type step struct {
	group      string
	attributes []slog.Attr
}

// NewHandler gives a handler of JSON lines that writes nothing personal, whatever it is given (L29). Each record gets
// request_id, document and operation from its context. Attributes with a key that is not known to this package are
// written as "[redacted]", and so is whatever stands under one of the names in personal, which are compared without
// case and underscores; texts lose what looks like an address.
func NewHandler(w io.Writer, level slog.Leveler, personal []string) slog.Handler {
	return &handler{json: slog.NewJSONHandler(w, &slog.HandlerOptions{Level: level}), policy: newPolicy(personal)}
}

// Enabled asks the level alone.
func (h *handler) Enabled(ctx context.Context, level slog.Level) bool {
	return h.json.Enabled(ctx, level)
}

// Handle writes one line.
func (h *handler) Handle(ctx context.Context, r slog.Record) error {
	attributes := make([]slog.Attr, 0, r.NumAttrs())
	r.Attrs(func(a slog.Attr) bool {
		attributes = append(attributes, a)
		return true
	})
	attributes = h.policy.attributes(attributes)
	for _, s := range slices.Backward(h.steps) {
		if s.group == "" {
			attributes = slices.Concat(s.attributes, attributes)
		} else if len(attributes) > 0 {
			attributes = []slog.Attr{h.policy.group(s.group, attributes)}
		}
	}
	clean := slog.NewRecord(r.Time, r.Level, Redact(r.Message), 0)
	own := ofOperation(OperationFrom(ctx))
	clean.AddAttrs(own...)
	for _, a := range attributes {
		if !slices.ContainsFunc(own, func(o slog.Attr) bool { return o.Key == a.Key }) { // said once
			clean.AddAttrs(a)
		}
	}
	return h.json.Handle(ctx, clean)
}

func ofOperation(o *Operation) []slog.Attr {
	var list []slog.Attr
	for _, a := range [...]slog.Attr{slog.String("request_id", o.RequestID), slog.String("document", o.Document), slog.String("operation", o.Name)} {
		if a.Value.String() != "" {
			list = append(list, slog.Attr{Key: a.Key, Value: clean(a.Value)})
		}
	}
	return list
}

// WithAttrs judges the attributes at once, for every record to come.
func (h *handler) WithAttrs(attributes []slog.Attr) slog.Handler {
	return h.with(step{attributes: h.policy.attributes(attributes)})
}

// WithGroup opens a group for what comes after it; a group without a name is none.
func (h *handler) WithGroup(name string) slog.Handler {
	if name == "" {
		return h
	}
	return h.with(step{group: name})
}

func (h *handler) with(s step) slog.Handler {
	return &handler{json: h.json, policy: h.policy, steps: append(slices.Clip(h.steps), s)}
}
