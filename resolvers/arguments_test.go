package resolvers_test

import (
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// TestPIIArguments gives an order by a hidden value in every way in which an argument can be given (L11, L12): each is
// an error that names the argument, and the list is not given in another order instead.
func TestPIIArguments(t *testing.T) {
	t.Parallel()
	const list = `contacts(first: 1, orderBy: %) { nodes { id } }`
	in := func(argument string) string { return strings.Replace(list, "%", argument, 1) }
	cases := []struct {
		name, query string
		variables   map[string]any
		field       string
	}{
		{"a literal", inAccount(in("{field: EMAIL}")), nil, "orderBy.field"},
		{"another kind", inAccount(in("{field: PHONE_NUMBER, direction: ASC}")), nil, "orderBy.field"},
		{"a variable", `query ($o: ContactOrder) { account(id: "1") { ` + in("$o") + ` } }`, map[string]any{"o": map[string]any{"field": "EMAIL"}}, "orderBy.field"},
		{"a variable in a literal", `query ($f: ContactOrderField!) { account(id: "1") { ` + in("{field: $f}") + ` } }`, map[string]any{"f": "EMAIL"}, "orderBy.field"},
		{"a default", `query ($o: ContactOrder = {field: EMAIL}) { account(id: "1") { ` + in("$o") + ` } }`, nil, "orderBy.field"},
		{"a default within", `query ($f: ContactOrderField! = PHONE_NUMBER) { account(id: "1") { ` + in("{field: $f}") + ` } }`, nil, "orderBy.field"},
		{"under an alias", `{ a: account(id: "1") { b: ` + in("{field: EMAIL}") + ` } }`, nil, "orderBy.field"},
		{"in a fragment", `{ account(id: "1") { ...f } } fragment f on Account { ... on Account { ` + in("{field: EMAIL}") + ` } }`, nil, "orderBy.field"},
		{"beside an account that is shown", `query ($a: ID!) { account(id: $a) { ` + in("{field: EMAIL}") + ` } }`, map[string]any{"a": "1"}, "orderBy.field"},
		{"an account by a number", `query ($a: ID!) { account(id: $a) { ` + in("{field: EMAIL}") + ` } }`, map[string]any{"a": 1}, "orderBy.field"},
		{"through the viewer", `{ viewer { accounts { ` + in("{field: EMAIL}") + ` } } }`, nil, "orderBy.field"},
		{"left out", `{ account(id: "1") { ` + strings.Replace(in("{field: EMAIL}"), ")", ") @skip(if: true)", 1) + ` name } }`, nil, "orderBy.field"},
	}
	e := shared()
	for _, c := range cases {
		answer := e.ask(t, "masked", c.query, c.variables)
		if code, field := fault(t, answer); code != "PII_FILTER_FORBIDDEN" || field != c.field {
			t.Errorf("%s: code %q, field %q: %.300s", c.name, code, field, answer.body)
		}
		e.ask(t, "exempt", c.query, c.variables).data(t, new(any))
	}
	for _, fine := range []string{"{field: NAME}", "null"} {
		e.ask(t, "masked", inAccount(in(fine)), nil).data(t, new(any))
	}
}

// TestPIIArgumentsByViewer holds who may order by what: whoever may see it.
func TestPIIArgumentsByViewer(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	order := func(account, field string) string {
		return `{ account(id: "` + account + `") { contacts(first: 1, orderBy: {field: ` + field + `}) { nodes { id } } } }`
	}
	cases := []struct{ viewer, account, field, code string }{
		{"masked", "1", "EMAIL", "PII_FILTER_FORBIDDEN"}, {"unset", "1", "PHONE_NUMBER", "PII_FILTER_FORBIDDEN"},
		{"exempt", "1", "EMAIL", ""}, {"admin", "1", "PHONE_NUMBER", ""}, {"root", "2", "EMAIL", ""},
		{"everything", "1", "EMAIL", ""}, {"reader-service", "1", "EMAIL", "PII_FILTER_FORBIDDEN"},
		{"stranger", "2", "EMAIL", ""}, {"stranger", "1", "EMAIL", "PII_FILTER_FORBIDDEN"}, // as of an account that does not exist
		{"exempt", "15557770001", "EMAIL", "PII_FILTER_FORBIDDEN"},
	}
	for _, c := range cases {
		if code, _ := fault(t, e.ask(t, c.viewer, order(c.account, c.field), nil)); code != c.code {
			t.Errorf("%s orders account %s by %s: code %q, want %q", c.viewer, c.account, c.field, code, c.code)
		}
	}
	setFlag(t, e, schema.Borealis, true)
	if code, _ := fault(t, e.ask(t, "stranger", order("2", "EMAIL"), nil)); code != "PII_FILTER_FORBIDDEN" {
		t.Errorf("once the account is masked: code %q", code)
	}
	setMasking(t, e, schema.Root, true, 0)
	for _, account := range []string{"1", "2"} {
		if code, _ := fault(t, e.ask(t, "root", order(account, "EMAIL"), nil)); code != "PII_FILTER_FORBIDDEN" {
			t.Errorf("a super admin who is masked: code %q in account %s", code, account)
		}
	}
}
