package resolvers

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"runtime"
	"runtime/debug"
	"strings"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// The fixed sentence for whatever is not a coded error.
const internalMessage = "something went wrong here; it is logged under this request id"

// present makes what a client sees of an error: a coded one as it is, faults of the document and its variables
// without the values in them, everything else as one sentence and the request id, logged once with its chain.
func present(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		var located *gqlerror.Error
		if !errors.As(err, &located) {
			located = &gqlerror.Error{Err: err}
		}
		shown := &gqlerror.Error{Path: plain(located.Path), Locations: located.Locations}
		if shown.Path == nil {
			shown.Path = graphql.GetPath(ctx)
		}
		coded := code(ctx, err, located)
		if coded.Code == chat.Forbidden {
			noteRefusal(ctx)
		}
		if coded.Code == chat.Internal {
			log.ErrorContext(ctx, "a request failed", "request_id", vault.RequestID(ctx), "field", fieldOf(ctx), "error", store.Redact(err))
			shown.Extensions = map[string]any{"requestId": vault.RequestID(ctx)}
		}
		return extend(shown, coded)
	}
}

// fieldOf names the field that is being resolved as the schema does: a path holds aliases, which are a client's text.
func fieldOf(ctx context.Context) string {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil {
		return ""
	}
	return fc.Object + "." + fc.Field.Name
}

func extend(shown *gqlerror.Error, coded *chat.Error) *gqlerror.Error {
	if shown.Extensions == nil {
		shown.Extensions = make(map[string]any, 2)
	}
	shown.Message = coded.Message
	shown.Extensions["code"] = string(coded.Code)
	if coded.Field != "" {
		shown.Extensions["field"] = coded.Field
	}
	return shown
}

func code(ctx context.Context, err error, located *gqlerror.Error) *chat.Error {
	var coded *chat.Error
	switch {
	case errors.As(err, &coded):
		return coded
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return errTooLong
	case located.Rule != "" || located.Err == nil:
		return requestFault(located)
	}
	if field, ok := argumentAtFault(ctx, located.Path); ok {
		return chat.InvalidField(field, "does not fit its type")
	}
	return &chat.Error{Code: chat.Internal, Message: internalMessage}
}

// requestFault names what is wrong with a document or its variables. gqlparser's own texts quote literals and
// variables, so only those about names of the schema are passed on.
func requestFault(e *gqlerror.Error) *chat.Error {
	if len(e.Path) > 1 && e.Path[0] == ast.PathName("variable") {
		return chat.InvalidField(plain(e.Path)[1:].String(), "does not fit its type, or is required")
	}
	switch e.Rule {
	case "":
		return chat.Errorf(chat.Invalid, "the document is not valid GraphQL")
	case "ValuesOfCorrectType", "VariablesInAllowedPosition", "UniqueInputFieldNames":
		return chat.Errorf(chat.Invalid, "a value in the document does not fit its type")
	default:
		said, _, _ := strings.Cut(e.Message, " Did you mean") // which would read the schema to whoever may not
		if len(said) > maxMessage {
			return chat.Errorf(chat.Invalid, "the document is not valid GraphQL")
		}
		return chat.Errorf(chat.Invalid, "%s", said)
	}
}

// maxMessage bounds what is said of a fault, in bytes: names come from the document.
const maxMessage = 300

var aName = regexp.MustCompile(`^[_A-Za-z][_0-9A-Za-z]*$`)

// plain cuts a path before the first part that is no name: the keys of a variable are its sender's own text, and what
// is taken for one can be a value.
func plain(p ast.Path) ast.Path {
	for i, part := range p {
		if name, ok := part.(ast.PathName); ok && (len(name) > maxName || !aName.MatchString(string(name))) {
			return p[:i]
		}
	}
	return p
}

// argumentAtFault tells an argument that could not be read from a resolver that failed: the executor reads
// arguments before it has any for the field.
func argumentAtFault(ctx context.Context, path ast.Path) (string, bool) {
	fc := graphql.GetFieldContext(ctx)
	if fc == nil || fc.Field.Field == nil || fc.Field.Definition == nil || fc.Args != nil || len(fc.Field.Definition.Arguments) == 0 {
		return "", false
	}
	own := len(fc.Path())
	if len(path) <= own {
		return "", false
	}
	return strings.TrimPrefix(plain(path[own:]).String(), "."), true
}

// recovered makes an error of a panic, so that one field fails and the process stays. What a panic carries may be
// anything, so only the runtime's own faults are spelt out.
func recovered(_ context.Context, p any) error {
	var fault runtime.Error
	if err, ok := p.(error); ok && errors.As(err, &fault) {
		return fmt.Errorf("a resolver panicked: %w\n%s", fault, debug.Stack())
	}
	return fmt.Errorf("a resolver panicked with a %T\n%s", p, debug.Stack())
}
