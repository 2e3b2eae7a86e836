package resolvers_test

import "testing"

// pageInfo is Relay's, of a list that the query calls list.
type pageInfo struct {
	HasNextPage, HasPreviousPage bool
	StartCursor, EndCursor       *string
}

func pageOf(t testing.TB, answer reply) pageInfo {
	t.Helper()
	var body struct {
		Data struct {
			Account struct{ List struct{ PageInfo pageInfo } }
		}
	}
	decode(t, answer.body, &body)
	return body.Data.Account.List.PageInfo
}
