package resolvers_test

import (
	"context"
	"fmt"
	"reflect"
	"sync"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/resolvers"
)

// gate counts which fields ask it, and asks the true directives.
type gate struct {
	mu    sync.Mutex
	asked map[string]bool // Type.field
}

func (g *gate) note(ctx context.Context) {
	fc := graphql.GetFieldContext(ctx)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.asked[fc.Object+"."+fc.Field.Name] = true
}

func (g *gate) pii(ctx context.Context, obj any, next graphql.Resolver, kind chat.Kind) (any, error) {
	g.note(ctx)
	return directives.PII(ctx, obj, next, kind)
}

func (g *gate) piiText(ctx context.Context, obj any, next graphql.Resolver) (any, error) {
	g.note(ctx)
	return directives.PIIText(ctx, obj, next)
}

// TestEveryPersonalFieldAsksTheGate runs the generated code field by field: with a directive that the generator left
// out, as it does where one is declared on scalars alone, a field would answer whoever asks.
func TestEveryPersonalFieldAsksTheGate(t *testing.T) {
	t.Parallel()
	e, g := shared(), &gate{asked: make(map[string]bool)}
	root := graph.DirectiveRoot{Pii: g.pii, PiiText: g.piiText, HasRole: directives.HasRole, Scope: directives.Scope,
		ServiceOnly: directives.ServiceOnly,
		Planned:     func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }}
	for i := range reflect.ValueOf(root).NumField() {
		if reflect.ValueOf(root).Field(i).IsNil() {
			t.Fatalf("directive %s has no function", reflect.TypeOf(root).Field(i).Name)
		}
	}
	schema := graph.NewExecutableSchema(graph.Config{
		Resolvers: &resolvers.Resolver{Store: e.store, Vault: e.vault, Auth: e.auth}, Directives: root})
	exec := executor.New(schema)
	exec.Use(loaders.Extension{Store: e.store, Vault: e.vault})
	viewer, err := e.auth.Authenticate(t.Context(), newRequest(t, "admin", "", nil))
	if err != nil {
		t.Fatal(err)
	}
	ctx := auth.WithViewer(t.Context(), viewer)
	for _, query := range []string{everyContact, everyMessage} {
		ctx := graphql.StartOperationTrace(ctx)
		op, faults := exec.CreateOperationContext(ctx, &graphql.RawParams{Query: query})
		if faults != nil {
			t.Fatalf("%v: %s", faults, query)
		}
		respond, ctx := exec.DispatchOperation(ctx, op)
		if answer := respond(ctx); len(answer.Errors) > 0 {
			t.Errorf("%v: %s", answer.Errors, query)
		}
	}
	for _, field := range personalFields(t) {
		if !g.asked[field] {
			t.Errorf("%s never asked the gate", field)
		}
	}
}

// personalFields are the fields that carry @pii or @piiText, or whose scalar carries @pii.
func personalFields(t testing.TB) []string {
	t.Helper()
	schema := graph.NewExecutableSchema(graph.Config{}).Schema()
	var fields []string
	for name, def := range schema.Types {
		for _, f := range def.Fields {
			if f.Directives.ForName("pii") != nil || f.Directives.ForName("piiText") != nil || schema.Types[f.Type.Name()].Directives.ForName("pii") != nil {
				fields = append(fields, fmt.Sprintf("%s.%s", name, f.Name))
			}
		}
	}
	if len(fields) < 20 {
		t.Fatalf("%d personal fields: the test looks in the wrong place", len(fields))
	}
	return fields
}
