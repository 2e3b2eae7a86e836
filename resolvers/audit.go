package resolvers

import (
	"context"
	"net/http"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/ast"

	"github.com/99designs/gqlgen/graphql"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// PurposeHeader is where a service says what it asks for.
const PurposeHeader = "Cloakroom-Purpose"

// maxPurpose bounds a purpose, in characters.
const maxPurpose = 200

// withPurpose keeps what a service says it asks for. Users are not asked: what they see they see by right.
func withPurpose(r *http.Request) (context.Context, *chat.Error) {
	ctx := r.Context()
	given := r.Header.Values(PurposeHeader)
	if auth.Viewer(ctx).Service == nil || len(given) == 0 {
		return ctx, nil
	}
	purpose := strings.TrimSpace(given[0])
	printable := utf8.ValidString(purpose) && !strings.ContainsFunc(purpose, func(c rune) bool { return !unicode.IsPrint(c) })
	if len(given) > 1 || !printable || utf8.RuneCountInString(purpose) > maxPurpose || chat.TextHoldsAddress(purpose) {
		return ctx, chat.InvalidField(PurposeHeader, "must be one line of at most %d characters without an address", maxPurpose)
	}
	return vault.WithPurpose(ctx, purpose), nil
}

// What becomes of an answer to a service that cannot be put on record.
var (
	errUnrecorded     = chat.Errorf(chat.Limited, "what would be shown cannot be put on record now: nothing is shown; try again")
	errUnrecordedDone = chat.Errorf(chat.Limited, "what would be shown cannot be put on record now: look again whether what was asked is done")
)

// onRecord puts what an answer shows to a service on record before it leaves, and gives the answer, or one without
// anything in it where that fails. What a user sees is not on record: they see it by right.
func (t *transport) onRecord(ctx context.Context, a *answer, shown *directives.Shown) *answer {
	readings := shown.Readings()
	if len(readings) == 0 {
		return a
	}
	err := t.vault.RecordReads(ctx, readings)
	if err == nil {
		return a
	}
	t.log.ErrorContext(ctx, "what a service was to be shown is not on record", "request_id", vault.RequestID(ctx), "error", store.Redact(err))
	withheld := errUnrecorded
	if a.kind == string(ast.Mutation) {
		withheld = errUnrecordedDone
	}
	return &answer{status: http.StatusServiceUnavailable, response: refusal(withheld), spent: a.spent, kind: a.kind}
}

// nameOf gives a contact's name as the viewer may see it, and notes for a service that names are shown to it.
func nameOf(ctx context.Context, c *chat.Contact) (string, error) {
	viewer := auth.Viewer(ctx)
	shown, err := directives.ShownTo(ctx)
	if err != nil {
		return "", err
	}
	name, err := masking.Name(viewer, c)
	if err == nil && name != "" && shown != nil && masking.Decide(viewer, c.AccountID, chat.Name) == masking.Show {
		shown.Note(c, chat.Name)
	}
	return name, err
}

// refusals gathers which fields were refused in one answer.
type refusals struct {
	mu     sync.Mutex
	fields map[refusedField]bool
}

// refusedField names a field as the schema does: a path holds aliases, which are a client's text.
type refusedField struct{ object, name string }

type refusalsKey struct{}

func withRefusals(ctx context.Context) (context.Context, *refusals) {
	r := &refusals{fields: make(map[refusedField]bool)}
	return context.WithValue(ctx, refusalsKey{}, r), r
}

// noteRefusal is for the presenter of errors, which sees each.
func noteRefusal(ctx context.Context) {
	r, ok := ctx.Value(refusalsKey{}).(*refusals)
	fc := graphql.GetFieldContext(ctx)
	if !ok || fc == nil || fc.Field.Field == nil {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.fields[refusedField{fc.Object, fc.Field.Name}] = true
}

// recordRefusals puts on record what was refused to the viewer; the refusal stands where that fails.
func (t *transport) recordRefusals(ctx context.Context, r *refusals) {
	for f := range r.fields {
		entry := chat.AuditEntry{Actor: vault.ActorFrom(ctx), Action: chat.Refused, EntityType: "field", EntityID: f.object + "." + f.name,
			Details: map[string]any{"field": f.object + "." + f.name}}
		if f.object == "Mutation" {
			entry.EntityType, entry.EntityID, entry.Details = "mutation", f.name, map[string]any{"mutation": f.name}
		}
		if err := t.vault.RecordRefused(ctx, entry); err != nil {
			t.log.ErrorContext(ctx, "a refusal is not on record", "field", f.object+"."+f.name, "error", store.Redact(err))
		}
	}
}

// recordFault puts on record that a document was refused to the viewer as a whole, such as one its token is not pinned to.
func (t *transport) recordFault(ctx context.Context, fault *chat.Error) {
	if fault.Code == chat.Forbidden {
		t.recordRefusals(ctx, &refusals{fields: map[refusedField]bool{{"Request", "document"}: true}})
	}
}
