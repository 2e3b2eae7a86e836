package telemetry

import (
	"context"
	"sync"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/sdk/instrumentation"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
	"go.opentelemetry.io/otel/trace"
)

// Redacting gives a processor that hands on ended spans with a name of the list, and of them only what the lists of
// this package let through (L29): attributes by key and form, events as the type of an exception, links and status
// without their texts, the resource without what is said of the machine and whoever runs the process. The next
// processor never sees a span that is still open: it could be read later.
func Redacting(next sdktrace.SpanProcessor) sdktrace.SpanProcessor { return &redacting{next: next} }

type redacting struct {
	next      sdktrace.SpanProcessor
	resources sync.Map // *resource.Resource as given → as handed on; a provider has one
}

// OnStart hands nothing on.
func (*redacting) OnStart(context.Context, sdktrace.ReadWriteSpan) {}

// OnEnd hands on a clean copy, or nothing.
func (p *redacting) OnEnd(s sdktrace.ReadOnlySpan) {
	if _, listed := routes[s.Name()]; !listed || s.InstrumentationScope().Name != scope {
		return
	}
	p.next.OnEnd(&cleanSpan{
		ReadOnlySpan: s, attributes: allowed(spanAttributes, s.Attributes()), events: cleanEvents(s.Events()),
		links: cleanLinks(s.Links()), resource: p.resource(s.Resource()),
	})
}

// Shutdown passes on.
func (p *redacting) Shutdown(ctx context.Context) error { return p.next.Shutdown(ctx) }

// ForceFlush passes on.
func (p *redacting) ForceFlush(ctx context.Context) error { return p.next.ForceFlush(ctx) }

func (p *redacting) resource(r *resource.Resource) *resource.Resource {
	if known, ok := p.resources.Load(r); ok {
		return known.(*resource.Resource)
	}
	clean := cleanResource(r)
	p.resources.Store(r, clean)
	return clean
}

// cleanResource keeps of a resource what says which service it is. Its schema's URL may come from the environment.
func cleanResource(r *resource.Resource) *resource.Resource {
	return resource.NewSchemaless(allowed(resourceAttributes, r.Attributes())...)
}

// cleanSpan is a span with everything replaced that can hold text. What it passes on from the span itself is its
// kind, its times and counts: a test names every method.
type cleanSpan struct {
	sdktrace.ReadOnlySpan
	attributes []attribute.KeyValue
	events     []sdktrace.Event
	links      []sdktrace.Link
	resource   *resource.Resource
}

func (s *cleanSpan) SpanContext() trace.SpanContext {
	return withoutState(s.ReadOnlySpan.SpanContext())
}
func (s *cleanSpan) Parent() trace.SpanContext { return withoutState(s.ReadOnlySpan.Parent()) }
func (s *cleanSpan) Attributes() []attribute.KeyValue {
	return s.attributes
}
func (s *cleanSpan) Events() []sdktrace.Event     { return s.events }
func (s *cleanSpan) Links() []sdktrace.Link       { return s.links }
func (s *cleanSpan) Resource() *resource.Resource { return s.resource }
func (s *cleanSpan) Status() sdktrace.Status {
	return sdktrace.Status{Code: s.ReadOnlySpan.Status().Code}
}

// InstrumentationScope is our own name without version or attributes.
func (*cleanSpan) InstrumentationScope() instrumentation.Scope {
	return instrumentation.Scope{Name: scope}
}

// InstrumentationLibrary is the older name of InstrumentationScope, which the interface still asks for.
func (s *cleanSpan) InstrumentationLibrary() instrumentation.Library { //nolint:staticcheck // the interface asks for it
	return s.InstrumentationScope()
}

// withoutState takes the trace state away, which is whatever a client has sent.
func withoutState(c trace.SpanContext) trace.SpanContext { return c.WithTraceState(trace.TraceState{}) }

// cleanEvents keeps that there was an exception, when, and of which type.
func cleanEvents(events []sdktrace.Event) []sdktrace.Event {
	var clean []sdktrace.Event
	for _, e := range events {
		if e.Name == "exception" {
			clean = append(clean, sdktrace.Event{Name: e.Name, Time: e.Time, Attributes: allowed(eventAttributes, e.Attributes)})
		}
	}
	return clean
}

func cleanLinks(links []sdktrace.Link) []sdktrace.Link {
	clean := make([]sdktrace.Link, 0, len(links))
	for _, l := range links {
		clean = append(clean, sdktrace.Link{SpanContext: withoutState(l.SpanContext)})
	}
	return clean
}
