package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// MessageCandidates asks for messages that may match a search, newest first.
type MessageCandidates struct {
	Visibility chat.Visibility
	Sealed     bool           // whether the messages dataset is read from sealed rows
	Months     []MonthTokens  // in which all tokens of one list stand in the row, newest first
	Patterns   [][]string     // one of each list stands in the text
	From       *chat.Position // nil is the newest
	Limit      int
}

// Candidate is a message that may match. It has no message where the viewer may not list its conversation, or where it is
// gone from Chatwoot's table.
type Candidate struct {
	At *chat.Position
	MessageRow
}

// A search reads this many of the newest rows before it asks an index for all that match: a frequent word is among them
// often enough, and the index would give every row that has it, to be put in order. It stands in the statement: a plan that
// does not know it is thought to be dear, and the statement planned anew every time.
const newestFirst = "1000"

// searchKey is the order of a search; c is a selection of rows.
var searchKey = orderKey{expression: "c.created_at", id: "c.id", value: timeOf}

// FindByPatterns gives messages with a plain text that holds the patterns.
func (s *Store) FindByPatterns(ctx context.Context, accountID int64, q MessageCandidates) ([]Candidate, error) {
	if list, err := s.candidates(ctx, accountID, q, patternsAmongNewest(accountID, q)); err != nil || len(list) == q.Limit {
		return list, err
	}
	return s.candidates(ctx, accountID, q, patternsAmongAll(accountID, q))
}

const plainSelected = "SELECT c.id::int8 id, c.created_at, c.inbox_id, c.conversation_id, c.content FROM messages c WHERE c.account_id = ?"

// patternsAmongAll asks the index for all that match and puts that in order. The fence keeps the planner from walking
// through time instead, which for rare words would be the whole history, and for several words it cannot tell.
func patternsAmongAll(accountID int64, q MessageCandidates) *statement {
	st := new(statement)
	st.add("WITH c AS MATERIALIZED ("+plainSelected, accountID)
	st.holding("c.content", q.Patterns)
	st.listed(accountID, q.Visibility)
	st.add(") SELECT c.id, c.created_at FROM c WHERE true")
	st.newest(q.From, q.Limit)
	return st
}

// patternsAmongNewest looks through the newest rows and asks no index what matches.
func patternsAmongNewest(accountID int64, q MessageCandidates) *statement {
	st := new(statement)
	st.add("WITH c AS MATERIALIZED ("+plainSelected, accountID)
	st.newestRows("c.id", q.From)
	st.add(") SELECT c.id, c.created_at FROM c WHERE true")
	st.holding("c.content", q.Patterns)
	st.listed(accountID, q.Visibility)
	st.newest(nil, q.Limit)
	return st
}

// newestRows appends that the newest rows are meant, and of those only so many.
func (s *statement) newestRows(id string, from *chat.Position) {
	s.beyond(orderKey{expression: "c.created_at", id: id, value: timeOf}, chat.Descending, chat.Page{From: from}, false)
	s.add(" ORDER BY c.created_at DESC, " + id + " DESC LIMIT " + newestFirst)
}

func (s *statement) holding(column string, patterns [][]string) {
	for _, forms := range patterns {
		for i, text := range forms {
			s.add([]string{" AND (", " OR "}[min(i, 1)]+column+" ILIKE ?", "%"+likeText.Replace(text)+"%")
		}
		s.add(")")
	}
}

// likeText keeps what LIKE would take for wildcards.
var likeText = strings.NewReplacer(`\`, `\\`, `%`, `\%`, `_`, `\_`)

// listed leaves out what the viewer may not list. A message lies in the inbox of its conversation.
func (s *statement) listed(accountID int64, v chat.Visibility) {
	switch v.Reach {
	case chat.ReachAll:
		return
	case chat.ReachNothing:
		s.add(" AND false")
		return
	case chat.ReachMine, chat.ReachUnassigned:
		s.add(" AND c.conversation_id IN (SELECT c.id FROM conversations c WHERE c.account_id = ?", accountID)
		visibleConversations(s, v)
		s.add(")")
	}
	s.add(" AND c.inbox_id IN (SELECT im.inbox_id FROM inbox_members im WHERE im.user_id = ?)", v.UserID)
}

func (s *statement) newest(from *chat.Position, limit int) {
	s.beyond(searchKey, chat.Descending, chat.Page{From: from}, false)
	s.orderBy(searchKey, chat.Descending, false)
	s.add(" LIMIT ?", limit)
}

// NewestMessages gives the newest messages of an account.
func (s *Store) NewestMessages(ctx context.Context, accountID int64, q MessageCandidates) ([]Candidate, error) {
	st := new(statement)
	st.add("SELECT c.id::int8, c.created_at FROM messages c WHERE c.account_id = ?", accountID)
	st.newest(q.From, q.Limit)
	return s.candidates(ctx, accountID, q, st)
}

func (s *Store) candidates(ctx context.Context, accountID int64, q MessageCandidates, found *statement) ([]Candidate, error) {
	st := seenAmong(found, accountID, q)
	list, err := collect(ctx, s.db, scanCandidate(accountID, q.Sealed), st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("look for messages of account %d: %w", accountID, err)
	}
	return list, nil
}

// seenAmong reads what a statement finds as the viewer sees it, newest first, in the same statement: a search that gives
// ids first is two round trips.
func seenAmong(found *statement, accountID int64, q MessageCandidates) *statement {
	st := &statement{args: found.args}
	st.add("WITH f(id, created_at) AS MATERIALIZED (" + found.sql.String() +
		") SELECT f.id, f.created_at, m.conversation_id::int8, " + messageColumns + ", " + messageSenderColumns)
	if q.Sealed {
		st.add(messageRecordSealed)
	} else {
		st.add(messageRecordPlain)
	}
	st.add(" FROM f LEFT JOIN (messages m JOIN conversations c ON c.id = m.conversation_id AND c.account_id = m.account_id) ON m.account_id = ? AND m.id = f.id", accountID)
	visibleConversations(st, q.Visibility)
	st.add(messageSenderJoins)
	if q.Sealed {
		st.add(messageRecordSealedJoin)
	}
	st.add(" ORDER BY f.created_at DESC, f.id DESC")
	return st
}

func scanCandidate(accountID int64, sealed bool) func(pgx.Rows) (Candidate, error) {
	return func(rows pgx.Rows) (Candidate, error) {
		at := &chat.Position{Time: new(time.Time)}
		var s messageRowScanner
		if err := rows.Scan(s.targets(append(make([]any, 0, 26), &at.ID, at.Time))...); err != nil {
			return Candidate{}, err
		}
		return Candidate{at, s.row(accountID, sealed)}, nil
	}
}
