package store

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype/zeronull"

	"github.com/cloakroom/cloakroom/chat"
)

// MessageCandidates asks where messages lie that may match a search, newest first.
type MessageCandidates struct {
	Visibility chat.Visibility
	Tokens     [][]int64      // all of one list: of one month, direction and generation each
	Patterns   [][]string     // one of each list stands in the text
	From       *chat.Position // nil is the newest
	Limit      int
}

const tokenSpan = `SELECT (SELECT t.created_at FROM cloakroom.message_tokens t WHERE t.account_id = $1 ORDER BY t.created_at, t.message_id LIMIT 1),
 (SELECT t.created_at FROM cloakroom.message_tokens t WHERE t.account_id = $1 ORDER BY t.created_at DESC, t.message_id DESC LIMIT 1)`

// TokenSpan gives the times of an account's oldest and newest message with tokens, zero where there is none.
func (s *Store) TokenSpan(ctx context.Context, accountID int64) (oldest, newest time.Time, err error) {
	var first, last zeronull.Timestamp
	if err := s.db.QueryRow(ctx, tokenSpan, accountID).Scan(&first, &last); err != nil {
		return oldest, newest, fmt.Errorf("read the span of tokens of account %d: %w", accountID, err)
	}
	return time.Time(first), time.Time(last), nil
}

// A search reads this many of the newest rows before it asks an index for all that match: a frequent word is among them
// often enough, and the index would give every row that has it, to be put in order.
const newestFirst = 1000

// The two tables that are searched. c is the row.
var (
	tokensOfMessages = searchedTable{from: "cloakroom.message_tokens c", id: "c.message_id", matched: "c.tokens"}
	plainMessages    = searchedTable{from: "messages c", id: "c.id::int8", matched: "c.content"}
)

type searchedTable struct{ from, id, matched string }

func (t searchedTable) selected() string {
	return "SELECT " + t.id + " id, c.created_at, c.inbox_id, c.conversation_id, " + t.matched + " matched FROM " + t.from + " WHERE c.account_id = ?"
}

// key is the order of a search; c is a selection of it.
var searchKey = orderKey{expression: "c.created_at", id: "c.id", value: timeOf}

// FindByTokens gives messages whose row holds all tokens of some list. Where one word is asked for, the newest rows are
// looked through first.
func (s *Store) FindByTokens(ctx context.Context, accountID int64, q MessageCandidates) ([]*chat.Position, error) {
	if len(q.Tokens[0]) == 1 {
		if list, err := s.candidates(ctx, amongNewest(tokensOfMessages, accountID, q)); err != nil || len(list) == q.Limit {
			return list, err
		}
	}
	return s.candidates(ctx, amongAll(tokensOfMessages, accountID, q))
}

// FindByPatterns gives messages with a plain text that holds the patterns.
func (s *Store) FindByPatterns(ctx context.Context, accountID int64, q MessageCandidates) ([]*chat.Position, error) {
	if list, err := s.candidates(ctx, amongNewest(plainMessages, accountID, q)); err != nil || len(list) == q.Limit {
		return list, err
	}
	return s.candidates(ctx, amongAll(plainMessages, accountID, q))
}

// amongAll asks the index for all that match and puts that in order. The fence keeps the planner from walking through
// time instead, which for rare words would be the whole history, and for several words it cannot tell.
func amongAll(t searchedTable, accountID int64, q MessageCandidates) *statement {
	st := new(statement)
	st.add("WITH c AS MATERIALIZED ("+t.selected(), accountID)
	st.matching(t.matched, q)
	st.listed(accountID, q.Visibility)
	st.add(") SELECT c.id, c.created_at FROM c WHERE true")
	st.newest(q.From, q.Limit)
	return st
}

// amongNewest looks through the newest rows and asks no index what matches.
func amongNewest(t searchedTable, accountID int64, q MessageCandidates) *statement {
	st := new(statement)
	st.add("WITH c AS MATERIALIZED ("+t.selected(), accountID)
	st.beyond(orderKey{expression: "c.created_at", id: strings.TrimSuffix(t.id, "::int8"), value: timeOf}, chat.Descending, chat.Page{From: q.From}, false)
	st.add(" ORDER BY c.created_at DESC, "+strings.TrimSuffix(t.id, "::int8")+" DESC LIMIT ?) SELECT c.id, c.created_at FROM c WHERE true", newestFirst)
	st.matching("c.matched", q)
	st.listed(accountID, q.Visibility)
	st.newest(nil, q.Limit)
	return st
}

func (s *statement) matching(column string, q MessageCandidates) {
	for i, tokens := range q.Tokens {
		s.add([]string{" AND (", " OR "}[min(i, 1)]+column+" @> ?", tokens)
	}
	if len(q.Tokens) > 0 {
		s.add(")")
	}
	for _, forms := range q.Patterns {
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

// NewestMessages gives the newest messages of an account, whoever may see them.
func (s *Store) NewestMessages(ctx context.Context, accountID int64, from *chat.Position, limit int) ([]*chat.Position, error) {
	st := new(statement)
	st.add("SELECT c.id::int8, c.created_at FROM messages c WHERE c.account_id = ?", accountID)
	st.newest(from, limit)
	return s.candidates(ctx, st)
}

func (s *Store) candidates(ctx context.Context, st *statement) ([]*chat.Position, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (*chat.Position, error) {
		p := &chat.Position{Time: new(time.Time)}
		return p, rows.Scan(&p.ID, p.Time)
	}, st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("look for messages: %w", err)
	}
	return list, nil
}

// MessagesSeen reads messages of conversations that the viewer may list, with their records, in no order.
func (s *Store) MessagesSeen(ctx context.Context, accountID int64, ids []int64, v chat.Visibility, sealed bool) ([]MessageRow, error) {
	st := new(statement)
	st.add("SELECT m.conversation_id::int8, " + messageColumns + ", " + messageSenderColumns)
	if sealed {
		st.add(messageRecordSealed)
	} else {
		st.add(messageRecordPlain)
	}
	st.add(" FROM messages m JOIN conversations c ON c.id = m.conversation_id AND c.account_id = m.account_id" + messageSenderJoins)
	if sealed {
		st.add(messageRecordSealedJoin)
	}
	st.add(" WHERE m.account_id = ? AND m.id = ANY(?::int8[])", accountID, ids)
	visibleConversations(st, v)
	rows, err := collect(ctx, s.db, messageScan(accountID, sealed), st.sql.String(), st.args...)
	if err != nil {
		return nil, fmt.Errorf("read messages of account %d: %w", accountID, err)
	}
	return rows, nil
}
