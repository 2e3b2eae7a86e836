package directives_test

import (
	"context"
	"fmt"
	"testing"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
)

// viewers of account 1, whose flag is on.
func viewers() map[string]*chat.Viewer {
	account := chat.Account{ID: 1, Settings: chat.AccountSettings{ContactPIIMasking: true}}
	user := func(role chat.Role, masked bool, version int) *chat.Viewer {
		return &chat.Viewer{User: &chat.User{ID: 7}, Policy: chat.PolicyRead, Masking: chat.Masking{Masked: masked, Version: version},
			Memberships: []chat.Membership{{Account: account, Role: role}}}
	}
	service := func(scopes ...chat.Scope) *chat.Viewer {
		return &chat.Viewer{Policy: chat.PolicyRead, Service: &chat.Service{Scopes: scopes, Accounts: []chat.Account{account}}}
	}
	root := user(chat.Administrator, false, 0)
	root.SuperAdmin = true
	return map[string]*chat.Viewer{
		"masked": user(chat.Agent, true, 1), "exempt": user(chat.Agent, false, 1), "admin": user(chat.Administrator, false, 0), "root": root,
		"mail service": service(chat.ScopePIIEmail), "identifier service": service(chat.ScopePIIIdentifier), "reader": service(chat.ScopeContactRead),
		"nobody": nil,
	}
}

func as(viewer string) context.Context {
	ctx, _ := directives.WithShown(auth.WithViewer(context.Background(), viewers()[viewer]))
	return ctx
}

// resolver stands for what lies behind the gate, and notes that it was run.
type resolver struct{ ran bool }

func (r *resolver) next(context.Context) (any, error) { r.ran = true; return "value", nil }

func TestPIIDecidesBeforeTheResolverRuns(t *testing.T) {
	t.Parallel()
	mine, foreign := &chat.Contact{ID: 1, AccountID: 1}, &chat.Contact{ID: 2, AccountID: 2}
	cases := []struct {
		viewer string
		row    any
		kind   chat.Kind
		shown  bool
	}{
		{"masked", mine, chat.Email, false}, {"exempt", mine, chat.Email, true}, {"admin", mine, chat.Phone, true},
		{"mail service", mine, chat.Email, true}, {"mail service", mine, chat.Phone, false}, {"reader", mine, chat.Email, false},
		{"nobody", mine, chat.Email, false}, {"exempt", foreign, chat.Email, false}, {"root", foreign, chat.Email, false},
		{"exempt", struct{}{}, chat.Email, false}, // a row that does not know its account
		{"exempt", nil, chat.Email, false}, {"mail service", mine, chat.Kind("UNHEARD_OF"), false},
	}
	for _, c := range cases {
		r := new(resolver)
		got, err := directives.PII(as(c.viewer), c.row, r.next, c.kind)
		if err != nil || (got != nil) != c.shown || r.ran != c.shown {
			t.Errorf("%s, %T, %s: value %v, resolver ran %t, error %v; shown should be %t", c.viewer, c.row, c.kind, got, r.ran, err, c.shown)
		}
	}
}

// TestTheFieldsKindCounts: an identifier is a ChannelAddress whose field says IDENTIFIER.
func TestTheFieldsKindCounts(t *testing.T) {
	t.Parallel()
	kind := &ast.Argument{Name: "kind", Value: &ast.Value{Kind: ast.EnumValue, Raw: string(chat.Identifier)}}
	field := &ast.Field{Definition: &ast.FieldDefinition{Directives: ast.DirectiveList{{Name: "pii", Arguments: ast.ArgumentList{kind}}}}}
	for viewer, shown := range map[string]bool{"identifier service": true, "mail service": false, "exempt": true, "masked": false} {
		ctx := graphql.WithFieldContext(as(viewer), &graphql.FieldContext{Field: graphql.CollectedField{Field: field}})
		got, err := directives.PII(ctx, &chat.Contact{AccountID: 1}, new(resolver).next, chat.ChannelAddress)
		if err != nil || (got != nil) != shown {
			t.Errorf("%s: value %v, error %v", viewer, got, err)
		}
	}
}

func TestPIIText(t *testing.T) {
	t.Parallel()
	headers := &chat.EmailHeaders{AccountID: 1}
	cases := []struct {
		viewer string
		row    any
		text   string
		shown  bool
	}{
		{"masked", headers, "Where is my parcel?", true}, {"masked", headers, "Fwd: ann@example.com", false}, {"masked", headers, "call 555 201 0016 12", false},
		{"exempt", headers, "Fwd: ann@example.com", true}, {"nobody", headers, "Fwd: ann@example.com", false},
		{"exempt", struct{}{}, "no account", false}, {"exempt", &chat.EmailHeaders{AccountID: 2}, "Fwd: ann@example.com", false},
		{"masked", &chat.Message{AccountID: 1, MessageType: chat.Incoming}, "write to ann@example.com", true}, // history
		{"masked", &chat.Message{AccountID: 1, MessageType: chat.Activity}, "ann@example.com resolved this", false},
	}
	for _, c := range cases {
		got, err := directives.PIIText(as(c.viewer), c.row, func(context.Context) (any, error) { return &c.text, nil })
		if err != nil || (got != nil) != c.shown {
			t.Errorf("%s, %T, %q: shown %t, error %v", c.viewer, c.row, c.text, got != nil, err)
		}
	}
	failed := fmt.Errorf("it did not open")
	if got, err := directives.PIIText(as("exempt"), headers, func(context.Context) (any, error) { return nil, failed }); got != nil || err != failed { //nolint:errorlint // the very error
		t.Errorf("a failure became %v, %v", got, err)
	}
}

func TestHasRole(t *testing.T) {
	t.Parallel()
	order := []chat.ViewerKind{chat.KindAgent, chat.KindAdministrator, chat.KindSuperAdmin}
	reaches := map[string]int{"masked": 1, "exempt": 1, "admin": 2, "root": 3, "mail service": 0, "nobody": 1}
	for viewer, highest := range reaches {
		for i, role := range order {
			r := new(resolver)
			_, err := directives.HasRole(as(viewer), nil, r.next, role)
			if allowed := i < highest; r.ran != allowed || (err == nil) != allowed || err != nil && chat.CodeOf(err) != chat.Forbidden {
				t.Errorf("%s asks for %s: ran %t, error %v", viewer, role, r.ran, err)
			}
		}
	}
}

func TestScope(t *testing.T) {
	t.Parallel()
	cases := []struct {
		viewer, scopes string
		allowed        bool
	}{
		{"masked", "contact:read", true}, {"root", "contact:lookup", true}, // users are not concerned
		{"reader", "contact:read", true}, {"reader", "contact:lookup contact:read", true}, {"reader", "contact:lookup", false},
		{"reader", "contact:rea", false}, {"reader", "contact:read.more", false}, {"reader", "", false}, {"mail service", "contact:pii.email", true},
	}
	for _, c := range cases {
		r := new(resolver)
		_, err := directives.Scope(as(c.viewer), nil, r.next, c.scopes)
		if r.ran != c.allowed || (err == nil) != c.allowed || err != nil && chat.CodeOf(err) != chat.Forbidden {
			t.Errorf("%s with %q: ran %t, error %v", c.viewer, c.scopes, r.ran, err)
		}
	}
}
