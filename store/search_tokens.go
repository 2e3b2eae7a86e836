package store

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"
)

// MonthTokens are the tokens of the words of a query as one month has them: a list for each generation and direction. All
// months of a query have as many lists, and all lists as many tokens.
type MonthTokens struct {
	Month int // yyyymm
	Lists [][]int64
}

// TokenSpan is when an account's oldest and newest message with tokens were written; zero where there is none.
type TokenSpan struct{ Oldest, Newest time.Time }

const tokenSpan = `SELECT (SELECT t.created_at FROM cloakroom.message_tokens t WHERE t.account_id = $1 ORDER BY t.created_at, t.message_id LIMIT 1),
 (SELECT t.created_at FROM cloakroom.message_tokens t WHERE t.account_id = $1 ORDER BY t.created_at DESC, t.message_id DESC LIMIT 1)`

// FindByTokens gives messages by the months that are asked, and which months there are, in one round trip.
func (s *Store) FindByTokens(ctx context.Context, accountID int64, q MessageCandidates) ([]Candidate, TokenSpan, error) {
	return s.byTokens(ctx, accountID, q, tokensAmongAll(accountID, q))
}

// FindAmongNewest is FindByTokens that looks through the newest rows and asks no index: what it finds is all there is only
// when it is as much as was asked for.
func (s *Store) FindAmongNewest(ctx context.Context, accountID int64, q MessageCandidates) ([]Candidate, TokenSpan, error) {
	return s.byTokens(ctx, accountID, q, tokensAmongNewest(accountID, q))
}

func (s *Store) byTokens(ctx context.Context, accountID int64, q MessageCandidates, found *statement) ([]Candidate, TokenSpan, error) {
	batch := new(pgx.Batch)
	batch.Queue(tokenSpan, accountID)
	seen := seenAmong(found, accountID, q)
	batch.Queue(seen.sql.String(), seen.args...)
	results := s.db.SendBatch(ctx, batch)
	defer func() { _ = results.Close() }() // what went wrong was said by the queries
	var first, last zeronull.Timestamp
	if err := results.QueryRow().Scan(&first, &last); err != nil {
		return nil, TokenSpan{}, fmt.Errorf("read the span of tokens of account %d: %w", accountID, err)
	}
	list, err := readBatched(results, scanCandidate(accountID, q.Sealed))
	if err != nil {
		return nil, TokenSpan{}, fmt.Errorf("look for messages of account %d: %w", accountID, err)
	}
	return list, TokenSpan{time.Time(first), time.Time(last)}, nil
}

// tokensAmongAll asks the index month by month, from the newest down, for as long as the page has room. What a month has
// is put in order behind a fence, which keeps the planner from walking through time instead; that the account is compared
// by an expression keeps it from reading all of a small account for every month.
func tokensAmongAll(accountID int64, q MessageCandidates) *statement {
	st := new(statement)
	st.add("SELECT c.id, c.created_at FROM ")
	st.months(q.Months)
	st.add(" CROSS JOIN LATERAL (WITH c AS MATERIALIZED (SELECT c.message_id id, c.created_at FROM cloakroom.message_tokens c WHERE c.account_id + 0 = ? AND c.epoch = w.month AND ", accountID)
	st.holdingTokens(q.Months)
	st.listed(accountID, q.Visibility)
	st.add(") SELECT c.id, c.created_at FROM c WHERE true")
	st.newest(q.From, q.Limit)
	st.add(") c ORDER BY w.place, c.created_at DESC, c.id DESC LIMIT ?", q.Limit)
	return st
}

// tokensAmongNewest looks through the newest rows, each for the tokens of its month.
func tokensAmongNewest(accountID int64, q MessageCandidates) *statement {
	st := new(statement)
	st.add("SELECT c.id, c.created_at FROM (WITH c AS MATERIALIZED (SELECT c.message_id id, c.created_at, c.inbox_id, c.conversation_id, c.epoch, c.tokens"+
		" FROM cloakroom.message_tokens c WHERE c.account_id = ?", accountID)
	st.newestRows("c.message_id", q.From)
	st.add(") SELECT c.* FROM c JOIN ")
	st.months(q.Months)
	st.add(" ON w.month = c.epoch WHERE ")
	st.holdingTokens(q.Months)
	st.listed(accountID, q.Visibility)
	st.add(") c WHERE true")
	st.newest(nil, q.Limit)
	return st
}

// months appends a row w for each month, in order: its number, its tokens t0, t1… list by list, and its place.
func (s *statement) months(months []MonthTokens) {
	columns := len(months[0].Lists) * len(months[0].Lists[0])
	numbers, tokens := make([]int32, len(months)), make([][]int64, columns)
	for i, m := range months {
		numbers[i] = int32(m.Month)
		column := 0
		for _, list := range m.Lists {
			for _, token := range list {
				tokens[column] = append(tokens[column], token)
				column++
			}
		}
	}
	s.add("unnest(?::int4[]", numbers)
	names := make([]string, columns)
	for i := range tokens {
		s.add(", ?::int8[]", tokens[i])
		names[i] = "t" + strconv.Itoa(i)
	}
	s.add(") WITH ORDINALITY w(month, " + strings.Join(names, ", ") + ", place)")
}

// holdingTokens appends that a row c holds all tokens of one of the month's lists.
func (s *statement) holdingTokens(months []MonthTokens) {
	column := 0
	for i, list := range months[0].Lists {
		s.add([]string{"(", " OR "}[min(i, 1)] + "c.tokens @> ARRAY[")
		for j := range list {
			s.add([]string{"", ", "}[min(j, 1)] + "w.t" + strconv.Itoa(column))
			column++
		}
		s.add("]")
	}
	s.add(")")
}

func readBatched[T any](results pgx.BatchResults, scan func(pgx.Rows) (T, error)) ([]T, error) {
	rows, err := results.Query()
	if err != nil {
		return nil, err
	}
	return collectRows(rows, scan)
}
