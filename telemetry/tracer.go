package telemetry

import (
	"context"
	"fmt"
	"time"

	"go.opentelemetry.io/otel/attribute"
	"go.opentelemetry.io/otel/exporters/otlp/otlptrace/otlptracehttp"
	"go.opentelemetry.io/otel/sdk/resource"
	sdktrace "go.opentelemetry.io/otel/sdk/trace"
)

// shutdownDeadline bounds how long the last spans are waited for when a process ends.
const shutdownDeadline = 5 * time.Second

// NewTracerProvider exports spans in batches over OTLP/HTTP, after Redacting. Where to, the sampler, headers and the
// service's name ("cloakroom" by default) are in the usual OTEL_ variables, which OpenTelemetry's libraries read from
// the process's environment; options come on top. The function that is returned sends what is left, within five
// seconds, and ends the export.
func NewTracerProvider(ctx context.Context, version string, options ...otlptracehttp.Option) (*sdktrace.TracerProvider, func(context.Context) error, error) {
	exporter, err := otlptracehttp.New(ctx, options...)
	if err != nil {
		return nil, nil, fmt.Errorf("export spans: %w", err)
	}
	own, err := ownResource(ctx, version)
	if err != nil {
		return nil, nil, fmt.Errorf("describe this service: %w", err)
	}
	provider := sdktrace.NewTracerProvider(
		sdktrace.WithResource(own),
		sdktrace.WithSpanProcessor(Redacting(sdktrace.NewBatchSpanProcessor(exporter))),
	)
	return provider, func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, shutdownDeadline)
		defer cancel()
		if err := provider.Shutdown(ctx); err != nil {
			return fmt.Errorf("send the last spans: %w", err)
		}
		return nil
	}, nil
}

// ownResource says which service this is; the environment's words win over ours.
func ownResource(ctx context.Context, version string) (*resource.Resource, error) {
	return resource.New(ctx,
		resource.WithTelemetrySDK(),
		resource.WithAttributes(attribute.String("service.name", "cloakroom"), attribute.String("service.version", version)),
		resource.WithFromEnv(),
	)
}
