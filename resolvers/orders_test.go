package resolvers_test

import (
	"cmp"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"

	godiff "github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/resolvers"
)

// listed is a contact as a page shows it.
type listed struct {
	ID                 string
	Email, PhoneNumber *string
}

const orderedContacts = `query ($a: ID!, $f: ContactOrderField!, $d: OrderDirection!, $n: Int!, $after: String) { account(id: $a) {
 contacts(first: $n, after: $after, orderBy: {field: $f, direction: $d}) { edges { cursor node { id email phoneNumber } } pageInfo { hasNextPage endCursor } } } }`

// contactsBy reads all contacts of an account in an order, page by page, and the cursors of their places.
func contactsBy(t *testing.T, e *edge, viewer, account, field, direction string, n int) (contacts []listed, cursors []string) {
	t.Helper()
	variables := map[string]any{"a": account, "f": field, "d": direction, "n": n}
	for {
		var answer struct {
			Account struct {
				Contacts struct {
					Edges []struct {
						Cursor string
						Node   listed
					}
					PageInfo pageInfo
				}
			}
		}
		e.ask(t, viewer, orderedContacts, variables).data(t, &answer)
		list := answer.Account.Contacts
		for _, edge := range list.Edges {
			contacts, cursors = append(contacts, edge.Node), append(cursors, edge.Cursor)
		}
		if !list.PageInfo.HasNextPage {
			return contacts, cursors
		}
		variables["after"] = *list.PageInfo.EndCursor
	}
}

// sortBy sorts contacts as the contract says, from the values that they show. The demo's addresses are ASCII.
func sortBy(contacts []listed, field, direction string) {
	text := func(c listed) string {
		value := c.PhoneNumber
		if field == "EMAIL" {
			value = c.Email
		}
		if value == nil || strings.TrimSpace(*value) == "" {
			return ""
		}
		if field == "EMAIL" {
			return strings.ToLower(strings.TrimSpace(*value))
		}
		return *value
	}
	slices.SortFunc(contacts, func(a, b listed) int {
		x, y := text(a), text(b)
		if (x == "") != (y == "") {
			return map[bool]int{true: 1, false: -1}[x == ""]
		}
		order := cmp.Or(strings.Compare(x, y), cmp.Compare(len(a.ID), len(b.ID)), strings.Compare(a.ID, b.ID))
		if direction == "DESC" {
			return -order
		}
		return order
	})
}

// TestOrdersByAddress pages through the sealed account and through the plain one.
func TestOrdersByAddress(t *testing.T) {
	t.Parallel()
	e := shared()
	for _, a := range []struct {
		viewer, account string
		least           int
	}{{"exempt", "1", 200}, {"stranger", "2", 5}} {
		want, _ := contactsBy(t, e, a.viewer, a.account, "CREATED_AT", "ASC", 100)
		if len(want) < a.least {
			t.Fatalf("%d contacts are too few", len(want))
		}
		for _, field := range []string{"EMAIL", "PHONE_NUMBER"} {
			for _, direction := range []string{"ASC", "DESC"} {
				sortBy(want, field, direction)
				for _, n := range []int{3, 41, 100} {
					if n < 10 && a.account == "1" {
						continue
					}
					got, cursors := contactsBy(t, e, a.viewer, a.account, field, direction, n)
					if diff := godiff.Diff(want, got); diff != "" {
						t.Errorf("account %s by %s %s in pages of %d (-sorted +paged):\n%s", a.account, field, direction, n, diff)
					}
					sayNothing(t, got, cursors)
				}
			}
		}
	}
}

// sayNothing fails where a cursor holds the address at whose place it stands.
func sayNothing(t *testing.T, contacts []listed, cursors []string) {
	t.Helper()
	for i, cursor := range cursors {
		plain, err := base64.RawURLEncoding.DecodeString(cursor)
		if err != nil {
			t.Fatal(err)
		}
		for _, address := range []*string{contacts[i].Email, contacts[i].PhoneNumber} {
			if address != nil && strings.Contains(strings.ToLower(string(plain)), strings.ToLower(*address)) {
				t.Errorf("the cursor of contact %s holds an address", contacts[i].ID)
			}
		}
	}
}

// TestCursorsOfAnOrderByAddress: they are good for their own order only.
func TestCursorsOfAnOrderByAddress(t *testing.T) {
	t.Parallel()
	e := shared()
	_, cursors := contactsBy(t, e, "exempt", "1", "EMAIL", "ASC", 100)
	for _, other := range [][2]string{{"EMAIL", "DESC"}, {"PHONE_NUMBER", "ASC"}, {"NAME", "ASC"}, {"LAST_ACTIVITY_AT", "ASC"}} {
		answer := e.ask(t, "exempt", orderedContacts, map[string]any{"a": "1", "f": other[0], "d": other[1], "n": 2, "after": cursors[10]})
		wantFault(t, answer, "INVALID", "after")
	}
}

// withToken presents a service token of its own.
func withToken(t *testing.T, e *edge, token, query string, variables map[string]any) reply {
	t.Helper()
	r := newRequest(t, "", query, variables)
	r.Header.Set("Authorization", "Bearer "+token)
	return e.send(t.Context(), r)
}

func newToken(t *testing.T, e *edge, scopes ...chat.Scope) string {
	t.Helper()
	_, pepper, err := openKeys(t.Context(), e.store)
	if err != nil {
		t.Fatal(err)
	}
	token, row, err := auth.NewServiceToken(pepper, auth.EnvTest, "order-bridge", scopes, []int64{schema.Acme}, auth.DefaultLifetime)
	if err != nil {
		t.Fatal(err)
	}
	if err := e.store.CreateServiceToken(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	return token
}

// TestWhoMayOrderByAddress asks as every viewer, with the order in the document and beside it.
func TestWhoMayOrderByAddress(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	emailOnly := newToken(t, e, chat.ScopeContactRead, chat.ScopePIIEmail)
	refused, forbidden := string(chat.PIIFilterRejected), string(chat.Forbidden)
	for viewer, want := range map[string]struct{ account, email, phone string }{
		"masked": {"1", refused, refused}, "unset": {"1", refused, refused}, "narrow": {"1", refused, refused},
		"exempt": {"1", "", ""}, "admin": {"1", "", ""}, "root": {"2", "", ""}, "stranger": {"2", "", ""},
		"reader-service": {"1", refused, refused}, "pii-service": {"1", forbidden, forbidden}, "everything": {"1", "", ""},
		"email-only": {"1", "", refused},
	} {
		for field, code := range map[string]string{"EMAIL": want.email, "PHONE_NUMBER": want.phone} {
			at := map[string]string{refused: "orderBy.field"}[code]
			literal := fmt.Sprintf(`{ account(id: "%s") { contacts(first: 2, orderBy: {field: %s}) { nodes { id } } } }`, want.account, field)
			variables := map[string]any{"a": want.account, "f": field, "d": "ASC", "n": 2}
			ask := func(query string, variables map[string]any) reply { return e.ask(t, viewer, query, variables) }
			if viewer == "email-only" {
				ask = func(query string, variables map[string]any) reply {
					return withToken(t, e, emailOnly, query, variables)
				}
			}
			for _, answer := range []reply{ask(literal, nil), ask(orderedContacts, variables)} {
				if gotCode, gotField := fault(t, answer); gotCode != code || gotField != at {
					t.Errorf("%s by %s: code %q, field %q, want %q, %q: %.300s", viewer, field, gotCode, gotField, code, at, answer.body)
				}
			}
		}
	}
}

// TestTheResolverRefusesToo asks the resolver itself, as if nothing stood before it: whatever @piiArg guards in the
// enum is refused to who may not see it, and nothing else is.
func TestTheResolverRefusesToo(t *testing.T) {
	t.Parallel()
	e := shared()
	account := (&resolvers.Resolver{Store: e.store, Vault: e.vault, Auth: e.auth}).Account()
	guarded := 0
	for _, viewer := range []string{"masked", "unset", "reader-service"} {
		who, err := e.auth.Authenticate(t.Context(), newRequest(t, viewer, "", nil))
		if err != nil {
			t.Fatal(err)
		}
		of, _ := who.Account(schema.Acme)
		for _, v := range graph.NewExecutableSchema(graph.Config{}).Schema().Types["ContactOrderField"].EnumValues {
			if v.Directives.ForName("piiArg") == nil {
				continue
			}
			guarded++
			order := &chat.ContactOrder{Field: chat.ContactOrderField(v.Name), Direction: chat.Ascending}
			_, err := account.Contacts(auth.WithViewer(t.Context(), who), of, nil, nil, nil, nil, nil, order)
			var fault *chat.Error
			if !errors.As(err, &fault) || fault.Code != chat.PIIFilterRejected || fault.Field != "orderBy.field" {
				t.Errorf("%s by %s: %v", viewer, v.Name, err)
			}
		}
	}
	if guarded < 6 {
		t.Errorf("%d orders are guarded: the test looks in the wrong place", guarded)
	}
}

// TestCostOfOrdersByAddress: as many statements for a page of one as for a page of a hundred.
func TestCostOfOrdersByAddress(t *testing.T) {
	t.Parallel()
	e := newReplica(t, sealedDemo.Clone(t), leaseRedis(t), frozen()) // on a busy machine a viewer would be read again
	openKeysOf(t, e)
	const query = `query ($a: ID!, $n: Int!, $d: OrderDirection!) { account(id: $a) { contacts(first: $n, orderBy: {field: EMAIL, direction: $d}) {
 nodes { id name email phoneNumber customAttributes { key value } conversations(first: 1) { nodes { id displayId } } } pageInfo { hasNextPage endCursor } } } }`
	first, c := e.askMetered(t, "exempt", query, map[string]any{"a": "1", "n": 3, "d": "ASC"})
	first.data(t, new(any))
	e.vault.Settle()
	if c.Statements.Load() != 4 || c.redis.Load() != 2 { // the contacts' state, their values, the page and its records; the list is not in Redis
		t.Errorf("to make the list: %d statements, %d round trips to Redis; want 4 and 2", c.Statements.Load(), c.redis.Load())
	}
	for _, a := range []struct {
		viewer, account        string
		cold, warm, redisTrips int64
	}{{"exempt", "1", 3, 2, 1}, {"stranger", "2", 2, 2, 0}} {
		for _, direction := range []string{"ASC", "DESC"} {
			for _, n := range []int{1, 25, 100} {
				if err := e.redis.FlushDB(t.Context()).Err(); err != nil {
					t.Fatal(err)
				}
				for i, want := range []int64{a.cold, a.warm} {
					answer, c := e.askMetered(t, a.viewer, query, map[string]any{"a": a.account, "n": n, "d": direction})
					answer.data(t, new(any))
					e.vault.Settle()
					if c.Statements.Load() != want || c.RoundTrips.Load() != want || c.redis.Load() != a.redisTrips {
						t.Errorf("account %s, page of %d %s, time %d: %d statements in %d round trips, %d to Redis; want %d and %d", a.account, n, direction, i+1,
							c.Statements.Load(), c.RoundTrips.Load(), c.redis.Load(), want, a.redisTrips)
					}
				}
			}
		}
	}
}
