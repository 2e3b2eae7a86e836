package store

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// MessagePlace is what is known of a message without opening it, and what its tokens go by.
type MessagePlace struct {
	ID             int64
	ConversationID int64
	InboxID        int64
	CreatedAt      time.Time
	FromContact    bool
}

// Month is the month of a message, as yyyymm.
func (p *MessagePlace) Month() int { return p.CreatedAt.Year()*100 + int(p.CreatedAt.Month()) }

const messagePlaces = `SELECT m.id::int8, m.conversation_id::int8, m.inbox_id::int8, m.created_at,
 COALESCE(m.sender_type, '') = 'Contact' OR m.message_type = 0 FROM messages m WHERE m.account_id = $1 AND m.id = ANY($2::int8[])`

// MessagePlaces reads where messages lie; those that are gone are not in the answer.
func (s *Store) MessagePlaces(ctx context.Context, accountID int64, ids []int64) (map[int64]MessagePlace, error) {
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (MessagePlace, error) {
		var p MessagePlace
		return p, rows.Scan(&p.ID, &p.ConversationID, &p.InboxID, &p.CreatedAt, &p.FromContact)
	}, messagePlaces, accountID, ids)
	if err != nil {
		return nil, fmt.Errorf("read where messages of account %d lie: %w", accountID, err)
	}
	found := make(map[int64]MessagePlace, len(list))
	for _, p := range list {
		found[p.ID] = p
	}
	return found, nil
}

// MessageTokens is a message with the tokens of its words.
type MessageTokens struct {
	MessagePlace
	Tokens []int64
}

// Rows are written in order, so that two writers of the same ones wait for each other and never in a ring. PostgreSQL has
// no array of arrays of different lengths: each row's tokens come as the text of an array.
const putMessageTokens = `INSERT INTO cloakroom.message_tokens AS t
 (account_id, message_id, conversation_id, inbox_id, created_at, epoch, generation, tokens)
 SELECT $1, w.message_id, w.conversation_id, w.inbox_id, w.created_at, w.epoch, $2, w.tokens::int8[]
 FROM unnest($3::int8[], $4::int8[], $5::int8[], $6::timestamp[], $7::int4[], $8::text[])
 w(message_id, conversation_id, inbox_id, created_at, epoch, tokens) ORDER BY w.message_id
 ON CONFLICT (account_id, message_id) DO UPDATE SET conversation_id = excluded.conversation_id, inbox_id = excluded.inbox_id,
 created_at = excluded.created_at, epoch = excluded.epoch, generation = excluded.generation, tokens = excluded.tokens`

// PutMessageTokens writes tokens that were made under one generation of the index, in place of those that are there.
func (s *Store) PutMessageTokens(ctx context.Context, accountID int64, generation int, rows []MessageTokens) error {
	ids, conversations, inboxes := make([]int64, len(rows)), make([]int64, len(rows)), make([]int64, len(rows))
	times, months, tokens := make([]time.Time, len(rows)), make([]int32, len(rows)), make([]string, len(rows))
	for i := range rows {
		r := &rows[i]
		ids[i], conversations[i], inboxes[i], times[i] = r.ID, r.ConversationID, r.InboxID, r.CreatedAt
		months[i], tokens[i] = int32(r.Month()), arrayText(r.Tokens)
	}
	if _, err := s.db.Exec(ctx, putMessageTokens, accountID, generation, ids, conversations, inboxes, times, months, tokens); err != nil {
		return fmt.Errorf("write tokens of messages of account %d: %w", accountID, err)
	}
	return nil
}
