package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
)

// ContactTokens are the tokens of one contact's parts, under the generation of the index keyset they are written with.
type ContactTokens struct {
	ContactID int64
	Tokens    []int64 // none for a contact that has nothing to be found by
}

// Rows are written in order of their contacts, so that two who write several wait for each other and never in a ring.
const putContactTokens = `INSERT INTO cloakroom.contact_tokens (account_id, contact_id, generation, tokens)
 SELECT $1, w.contact_id, $2, w.tokens::int8[] FROM unnest($3::int8[], $4::text[]) w(contact_id, tokens) ORDER BY w.contact_id
 ON CONFLICT (account_id, contact_id) DO UPDATE SET generation = excluded.generation, tokens = excluded.tokens`

// PutContactTokens writes contacts' tokens in place of those that are there.
func (s *Store) PutContactTokens(ctx context.Context, accountID int64, generation int, rows []ContactTokens) error {
	if len(rows) == 0 {
		return nil
	}
	ids, lists := make([]int64, len(rows)), make([]string, len(rows))
	for i, row := range slices.SortedFunc(slices.Values(rows), func(a, b ContactTokens) int { return cmp.Compare(a.ContactID, b.ContactID) }) {
		ids[i], lists[i] = row.ContactID, arrayText(row.Tokens)
	}
	if _, err := s.db.Exec(ctx, putContactTokens, accountID, generation, ids, lists); err != nil {
		return fmt.Errorf("write the tokens of contacts of account %d: %w", accountID, err)
	}
	return nil
}

// arrayText writes an array as PostgreSQL reads it: unnest takes arrays of one length only.
func arrayText(list []int64) string {
	var b strings.Builder
	b.WriteByte('{')
	for i, n := range list {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(n, 10))
	}
	b.WriteByte('}')
	return b.String()
}

const sealedNames = `SELECT contact_id FROM cloakroom.contacts WHERE account_id = $1 AND contact_id = ANY($2) AND name_sealed IS NOT NULL`

// SealedNames says which contacts' names are sealed away.
func (s *Store) SealedNames(ctx context.Context, accountID int64, contactIDs []int64) (map[int64]bool, error) {
	ids, err := collect(ctx, s.db, scanID, sealedNames, accountID, contactIDs)
	if err != nil {
		return nil, fmt.Errorf("look for sealed names of account %d: %w", accountID, err)
	}
	sealed := make(map[int64]bool, len(ids))
	for _, id := range ids {
		sealed[id] = true
	}
	return sealed, nil
}
