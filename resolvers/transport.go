package resolvers

import (
	"context"
	"errors"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// transport is POST with JSON and nothing else: gqlgen's own echoes bodies in its errors, and a form post would
// be a way in for other sites.
type transport struct {
	schema  *ast.Schema
	library *library
	auth    *auth.Authenticator
	vault   *vault.Vault
	limit   vault.Limit
	log     *slog.Logger
}

// Supports is for gqlgen: every request is ours to answer.
func (*transport) Supports(*http.Request) bool { return true }

// Do answers one request.
func (t *transport) Do(w http.ResponseWriter, r *http.Request, exec graphql.GraphExecutor) {
	in, fault := readRequest(w, r)
	if fault != nil {
		Refuse(w, fault.status, fault.err)
		return
	}
	ctx, wrong := withPurpose(r)
	if wrong != nil {
		Refuse(w, http.StatusBadRequest, wrong)
		return
	}
	r = r.WithContext(ctx)
	a := t.answer(r, in, exec)
	noteAnswer(r.Context(), a)
	a.write(w, replyType(r))
}

// rounds is how often a query is answered again because what its viewer may see changed meanwhile.
const rounds = 3

// answer runs a request until an answer stands under rights that are still in force: what was hidden from a viewer
// while their page was read does not leave.
func (t *transport) answer(r *http.Request, in *request, exec graphql.GraphExecutor) *answer {
	viewer := auth.Viewer(r.Context())
	spent := new(spending)
	for range rounds {
		a := t.attempt(auth.WithViewer(r.Context(), viewer), in, exec, spent)
		now, err := t.auth.Current(r.Context(), r, viewer)
		var coded *chat.Error
		switch {
		case err == nil && now == viewer:
			return a
		case a.kind == string(ast.Mutation) && (err != nil || a.spent.customers && !auth.SameRights(viewer, now)):
			return a.withheld()
		case a.kind == string(ast.Mutation):
			return a
		case errors.Is(err, chat.ErrUnauthenticated):
			return &answer{status: http.StatusUnauthorized, response: refusal(chat.ErrUnauthenticated)}
		case errors.As(err, &coded):
			return &answer{status: http.StatusServiceUnavailable, response: refusal(coded)}
		case err != nil:
			t.log.ErrorContext(r.Context(), "a viewer could not be read again", "request_id", vault.RequestID(r.Context()), "error", store.Redact(err))
			return &answer{status: http.StatusInternalServerError, response: refusal(errUnchecked)}
		}
		viewer = now
	}
	return &answer{status: http.StatusServiceUnavailable, response: refusal(errChanging)}
}

var (
	errTooLong   = chat.Errorf(chat.Limited, "the request took too long or was given up")
	errUnchecked = chat.Errorf(chat.Internal, "the credentials could not be checked; try again")
	errChanging  = chat.Errorf(chat.Limited, "what you may see is being changed; ask again")
)

// attempt runs a request once. Whatever refuses it comes before anything is read, in order of what it costs.
func (t *transport) attempt(ctx context.Context, in *request, exec graphql.GraphExecutor, spent *spending) *answer {
	viewer := auth.Viewer(ctx)
	d, fault := t.library.find(in, viewer)
	if d != nil {
		note(ctx, d)
	}
	if fault != nil {
		t.recordFault(ctx, fault)
		return refused(fault)
	}
	params := &graphql.RawParams{Query: d.text, OperationName: in.operationName, Variables: in.variables}
	rc, faults := exec.CreateOperationContext(ctx, params)
	if faults != nil {
		if rc.Doc != nil && rc.Operation == nil {
			return refused(chat.InvalidField("operationName", "must name one of the document's operations"))
		}
		return &answer{response: exec.DispatchError(graphql.WithOperationContext(ctx, rc), faults)}
	}
	if fault := spent.spend(t.schema, rc); fault != nil {
		return refused(fault)
	}
	viewer, fault = t.admit(ctx, rc, viewer, spent)
	if fault != nil {
		return &answer{response: refusal(fault), spent: spent, status: spent.status}
	}
	rc.DisableIntrospection = !d.introspects // mayRun has decided
	return t.run(auth.WithViewer(ctx, viewer), rc, exec, spent)
}

// run runs what may run. What it shows and what it refuses is on record when it is done.
func (t *transport) run(ctx context.Context, rc *graphql.OperationContext, exec graphql.GraphExecutor, spent *spending) *answer {
	ctx, shown := directives.WithShown(ctx)
	ctx, refused := withRefusals(ctx)
	responses, ctx := exec.DispatchOperation(ctx, rc)
	response := responses(ctx)
	if response == nil { // time was up before it began
		response = refusal(errTooLong)
	}
	t.recordRefusals(ctx, refused)
	return t.onRecord(ctx, &answer{response: response, spent: spent, kind: string(rc.Operation.Operation)}, shown)
}

func refused(err *chat.Error) *answer { return &answer{response: refusal(err)} }

// refusal is an answer that holds one error and no data.
func refusal(err *chat.Error) *graphql.Response {
	return &graphql.Response{Errors: gqlerror.List{extend(&gqlerror.Error{}, err)}}
}
