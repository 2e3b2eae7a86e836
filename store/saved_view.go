package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const listSavedViews = `SELECT f.id, f.name, f.filter_type FROM custom_filters f WHERE f.account_id = $1 AND f.user_id = $2
 AND f.filter_type = ANY($3) ORDER BY lower(f.name), f.id`

// ListSavedViews lists a user's own saved views, without what they look for; kind nil is either.
func (s *Store) ListSavedViews(ctx context.Context, accountID, userID int64, kind *chat.SavedViewKind) ([]*chat.SavedView, error) {
	kinds := chat.SavedViewKinds
	if kind != nil {
		kinds = []chat.SavedViewKind{*kind}
	}
	list, err := collect(ctx, s.db, func(rows pgx.Rows) (*chat.SavedView, error) {
		v := &chat.SavedView{AccountID: accountID}
		var kind int
		err := rows.Scan(&v.ID, &v.Name, &kind)
		v.Kind = word(chat.SavedViewKinds, kind)
		return v, err
	}, listSavedViews, accountID, userID, indexesOf(chat.SavedViewKinds, kinds))
	if err != nil {
		return nil, fmt.Errorf("list the saved views of user %d of account %d: %w", userID, accountID, err)
	}
	return list, nil
}

const findSavedView = `SELECT f.id, f.name, convert_to(f.query::text, 'UTF8') FROM custom_filters f
 WHERE f.account_id = $1 AND f.user_id = $2 AND f.id = $3 AND f.filter_type = $4`

// FindSavedView reads one of a user's own saved views of a kind; chat.ErrNotFound when they have none of that id.
func (s *Store) FindSavedView(ctx context.Context, accountID, userID, id int64, kind chat.SavedViewKind) (*chat.SavedView, error) {
	v := &chat.SavedView{AccountID: accountID, Kind: kind}
	stored := slices.Index(chat.SavedViewKinds, kind)
	err := s.db.QueryRow(ctx, findSavedView, accountID, userID, id, stored).Scan(&v.ID, &v.Name, &v.Query)
	if errors.Is(err, pgx.ErrNoRows) {
		return nil, chat.ErrNotFound
	}
	if err != nil {
		return nil, fmt.Errorf("find saved view %d of account %d: %w", id, accountID, err)
	}
	return v, nil
}
