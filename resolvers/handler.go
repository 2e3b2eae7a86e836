package resolvers

import (
	"context"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/lru"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/documents"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/loaders"
	"github.com/cloakroom/cloakroom/vault"
)

// Settings is what an installation decides about the edge.
type Settings struct {
	Documents    documents.Manifest // what may run
	Open         bool               // any document may run and the schema be read, by whoever may ask at all: for a demo
	Limit        vault.Limit        // of each viewer, by cost
	FieldByField bool               // never answer from a plan: for comparing the two ways
	Log          *slog.Logger
}

// keptDocuments is how many parsed and validated documents are kept.
const keptDocuments = 1000

// NewHandler makes the handler of POST /graphql. It takes the viewer from the request's context. An error means that a
// directive has no implementation, or names documents of the manifest that do not run.
func NewHandler(r *Resolver, s Settings) (http.Handler, error) {
	inOneGo := planned
	if s.FieldByField {
		inOneGo = func(ctx context.Context, _ any, next graphql.Resolver) (any, error) { return next(ctx) }
	}
	gates := graph.DirectiveRoot{Pii: directives.PII, PiiText: directives.PIIText, HasRole: directives.HasRole, Scope: directives.Scope,
		ServiceOnly: directives.ServiceOnly, Planned: inOneGo}
	if err := complete(gates); err != nil {
		return nil, err
	}
	executable := graph.NewExecutableSchema(graph.Config{Schema: Schema(), Resolvers: r, Directives: gates})
	known, err := newLibrary(s.Documents, s.Open)
	if err != nil {
		return nil, err
	}
	server := handler.New(executable)
	server.AddTransport(&transport{schema: executable.Schema(), library: known, auth: r.Auth, vault: r.Vault, limit: s.Limit, log: s.Log})
	server.SetQueryCache(lru.New[*ast.QueryDocument](keptDocuments))
	server.SetParserTokenLimit(maxTokens)
	server.SetValidationRulesFn(Rules)
	server.SetDisableSuggestion(true)
	server.SetErrorPresenter(present(s.Log))
	server.SetRecoverFunc(recovered)
	server.Use(loaders.Extension{Store: r.Store, Vault: r.Vault})
	return SameOrigin(server), nil
}

// SameOrigin refuses what a browser sends on behalf of another site's page. Without it JSON would already take a
// preflight that nobody answers here; this holds where a proxy answers too much.
func SameOrigin(next http.Handler) http.Handler {
	protection := http.NewCrossOriginProtection()
	protection.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		Refuse(w, http.StatusForbidden, chat.Errorf(chat.Forbidden, "pages of other sites may not ask here"))
	}))
	return protection.Handler(next)
}
