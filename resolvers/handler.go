package resolvers

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/extension"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
)

// Settings is what an installation decides about the edge.
type Settings struct {
	Introspection bool // in a demo: whoever may ask may also read the schema
	FieldByField  bool // never answer from a plan: for comparing the two ways
	Log           *slog.Logger
}

const (
	// maxTokens bounds a document before it is validated: overlapping fields are checked in quadratic time.
	maxTokens = 1000
	// documents is how many parsed and validated documents are kept.
	documents = 1000
)

// NewHandler makes the handler of POST /graphql. It takes the viewer from the request's context.
func NewHandler(r *Resolver, s Settings) http.Handler {
	inOneGo := planned
	if s.FieldByField {
		inOneGo = func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }
	}
	server := handler.New(graph.NewExecutableSchema(graph.Config{
		Resolvers: r,
		Directives: graph.DirectiveRoot{
			Pii:     directives.PII,
			PiiText: directives.PIIText,
			HasRole: directives.HasRole,
			Scope:   directives.Scope,
			Planned: inOneGo,
		},
	}))
	server.AddTransport(transport{})
	server.SetQueryCache(lru.New[*ast.QueryDocument](documents))
	server.SetParserTokenLimit(maxTokens)
	server.SetDisableSuggestion(true)
	server.SetErrorPresenter(present(s.Log))
	server.SetRecoverFunc(recovered)
	server.AroundRootFields(refusals(r.Vault, s.Log))
	server.Use(loaders.Extension{Store: r.Store, Vault: r.Vault})
	if s.Introspection {
		server.Use(extension.Introspection{})
	}
	return server
}
