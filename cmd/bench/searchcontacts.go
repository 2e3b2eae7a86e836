package main

import (
	"math/rand/v2"
	"strings"

	"github.com/jackc/pgx/v5"
)

// likeAny is what Chatwoot's search looks at, and the company.
const likeAny = `(ct.name ILIKE $2 OR ct.email ILIKE $2 OR ct.phone_number ILIKE $2 OR ct.identifier ILIKE $2
 OR ct.additional_attributes ->> 'company_name' ILIKE $2)`

// partWays find the contacts that were active last. $1 is the account, $2 the pattern, $3 the page.
var partWays = contactWays(likeAny)

// segmentWays find those with an attribute's value. $1 is the account, $2 the value, $3 the page.
var segmentWays = contactWays(`lower(ct.custom_attributes ->> '` + segmentKey + `') = $2`)

func contactWays(match string) []way {
	const order = ` ORDER BY ct.last_activity_at DESC NULLS LAST, ct.id DESC`
	where := ` FROM twin.contacts ct WHERE ct.account_id = $1 AND ` + match
	return ways(
		`WITH c AS MATERIALIZED (SELECT ct.id, ct.last_activity_at`+where+`), p AS MATERIALIZED (SELECT ct.id, ct.last_activity_at FROM c ct`+order+` LIMIT $3)
 SELECT `+twinContactColumns+` FROM p JOIN twin.contacts ct ON ct.account_id = $1 AND ct.id = p.id ORDER BY p.last_activity_at DESC NULLS LAST, p.id DESC`,
		`SELECT `+twinContactColumns+where+order+` LIMIT $3`)
}

// byEmail reads a page of the order by e-mail. $1 is the account, $2 the page, $3 and $4 where the page before it ended.
var (
	byEmailFirst = way{name: "B-tree", mode: pgx.QueryExecModeCacheStatement, sql: `SELECT ` + twinContactColumns + ` FROM twin.contacts ct WHERE ct.account_id = $1
 ORDER BY lower(ct.email) COLLATE "C", ct.id LIMIT $2`}
	byEmailAfter = way{name: "B-tree", mode: pgx.QueryExecModeCacheStatement, sql: `SELECT ` + twinContactColumns + ` FROM twin.contacts ct WHERE ct.account_id = $1
 AND (lower(ct.email) COLLATE "C", ct.id) > ($3, $4) ORDER BY lower(ct.email) COLLATE "C", ct.id LIMIT $2`}
)

// partQueries draws what is looked for in contacts out of contacts.
type partQueries struct {
	*searchData
	rng *rand.Rand
}

func newPartQueries(d *searchData) *partQueries {
	return &partQueries{d, rand.New(rand.NewPCG(5, 3))} // the questions must be the same every time
}

func (q *partQueries) list(n int, draw func(customer) string) []string {
	list := make([]string, 0, n)
	for len(list) < n {
		if text := draw(q.customer(1 + q.rng.Int64N(int64(q.contacts)))); text != "" {
			list = append(list, text)
		}
	}
	return list
}

// window cuts 5 to 8 characters out of a text, "" of a shorter one.
func (q *partQueries) window(text string) string {
	n := 5 + q.rng.IntN(4)
	if len(text) < n {
		return ""
	}
	from := q.rng.IntN(len(text) - n + 1)
	return text[from : from+n]
}

// inMail is a part of an address that says something: of what stands before the @ or of a company's domain.
func (q *partQueries) inMail(c customer) string {
	local, domain, _ := strings.Cut(c.email, "@")
	if company, _, _ := strings.Cut(domain, "."); q.rng.IntN(3) == 0 && !strings.Contains("mail postbox inbox", company) {
		return q.window(company)
	}
	return q.window(local)
}

// ending is a phone number's last digits, as a caller says them.
func (q *partQueries) ending(c customer) string { return c.phone[len(c.phone)-6-q.rng.IntN(2):] }

// inName is a part of a last name, or all of it.
func (q *partQueries) inName(c customer) string {
	if _, last, ok := strings.Cut(c.name, " "); ok {
		return q.window(strings.ToLower(last))
	}
	return ""
}

func (q *partQueries) inCompany(c customer) string {
	name, _, _ := strings.Cut(c.company, " ")
	return q.window(strings.ToLower(name))
}
