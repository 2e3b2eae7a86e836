package main

import (
	"encoding/json"
	"fmt"
	"strconv"
	"time"
)

// workload is one question of the dashboard's.
type workload struct {
	name, title string
	query       string
	cpuGoal     float64 // product's CPU over the floor's
	statements  float64 // most a request may take, viewer look-ups aside
	trips       float64 // most Redis round trips
}

var workloads = []workload{
	{name: "W1", title: "inbox page", cpuGoal: 2.7, statements: 2, trips: 1,
		query: `query W1($a: ID!) { account(id: $a) { conversations(first: 25, filter: {status: [OPEN], assignee: ME}) {
 nodes { id displayId status labels unreadCount lastActivityAt contact { id name email phoneNumber } assignee { id name }
 lastMessage { id content messageType createdAt } } pageInfo { hasNextPage endCursor } } } }`},
	{name: "W2", title: "thread", cpuGoal: 3.8, statements: 2, trips: 1,
		query: `query W2($a: ID!, $d: ID!) { account(id: $a) { conversation(displayId: $d) { id displayId status
 contact { id name email phoneNumber } messages(last: 50) { nodes { id content messageType status createdAt
 sender { __typename ... on User { id name } ... on Contact { id name } ... on AgentBot { id name } } } pageInfo { hasPreviousPage } } } } }`},
	{name: "W3", title: "contacts page", cpuGoal: 2.1, statements: 2, trips: 1,
		query: `query W3($a: ID!, $c: String) { account(id: $a) { contacts(first: 15, after: $c) { nodes {
 id name email phoneNumber lastActivityAt customAttributes { key value }
 conversations(first: 1) { nodes { id displayId status lastActivityAt } } } } } }`},
	{name: "W4", title: "look-up", cpuGoal: 1.5, statements: 1, trips: 0,
		query: `query W4($a: ID!, $e: String!) { account(id: $a) { lookupContact(input: {email: $e}) { id name email phoneNumber } } }`},
}

// pagesQuery walks the contacts, for W3's cursors: the floor takes a place, the product a cursor for the same.
const pagesQuery = `query Pages($a: ID!, $c: String) { account(id: $a) { contacts(first: 15, after: $c) { nodes { id lastActivityAt }
 pageInfo { hasNextPage endCursor } } } }`

// ask is one question with its arguments, as bytes for either server.
type ask struct {
	label          string
	floor, product []byte
}

// newAsk makes the requests for one viewer and set of variables; place is what the floor takes in a cursor's stead.
func newAsk(w workload, agent int64, variables, place map[string]any) (ask, error) {
	forFloor, err := json.Marshal(merge(variables, place))
	if err != nil {
		return ask{}, fmt.Errorf("encode the arguments of %s: %w", w.name, err)
	}
	forProduct, err := json.Marshal(map[string]any{"query": w.query, "variables": variables})
	if err != nil {
		return ask{}, fmt.Errorf("encode the arguments of %s: %w", w.name, err)
	}
	return ask{
		label:   fmt.Sprintf("%s as agent %d with %s", w.name, agent, forFloor),
		floor:   httpPost("/"+w.name, agent, forFloor),
		product: httpPost("/graphql", agent, forProduct),
	}, nil
}

// merge leaves the cursor out: the floor knows none.
func merge(variables, place map[string]any) map[string]any {
	all := make(map[string]any, len(variables)+len(place))
	for name, value := range variables {
		if name != "c" {
			all[name] = value
		}
	}
	for name, value := range place {
		all[name] = value
	}
	return all
}

// httpPost gives a whole request, so that asking is one write.
func httpPost(path string, agent int64, body []byte) []byte {
	b := make([]byte, 0, 256+len(body))
	b = append(b, "POST "+path+" HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nAccept: application/json\r\napi_access_token: "+
		token(agent)+"\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(len(body)), 10)
	b = append(b, "\r\n\r\n"...)
	return append(b, body...)
}

// contactsPage is an answer of pagesQuery.
type contactsPage struct {
	Data struct {
		Account struct {
			Contacts struct {
				Nodes []struct {
					ID             int64      `json:"id,string"`
					LastActivityAt *time.Time `json:"lastActivityAt"`
				} `json:"nodes"`
				PageInfo struct {
					HasNextPage bool    `json:"hasNextPage"`
					EndCursor   *string `json:"endCursor"`
				} `json:"pageInfo"`
			} `json:"contacts"`
		} `json:"account"`
	} `json:"data"`
	Errors json.RawMessage `json:"errors"`
}
