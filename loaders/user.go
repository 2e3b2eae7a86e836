package loaders

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
)

// User loads a colleague as they are seen in an account, nil when they are gone.
func (s *Set) User(ctx context.Context, accountID, id int64) (*chat.User, error) {
	return s.users.Load(ctx, Key{accountID, id})()
}

// Standing loads what a user is in their accounts and how they are masked; a user who is gone has no standing,
// and is masked.
func (s *Set) Standing(ctx context.Context, userID int64) (*chat.Standing, error) {
	standing, err := s.standings.Load(ctx, userID)()
	if err == nil && standing == nil {
		standing = &chat.Standing{UserID: userID}
	}
	return standing, err
}

func (s *Set) readUsers(ctx context.Context, account *chat.Account, ids []int64) (map[int64]*chat.User, error) {
	rows, err := s.store.UsersByIDs(ctx, account.ID, ids)
	found := make(map[int64]*chat.User, len(ids))
	for _, u := range rows {
		found[u.ID] = u
	}
	return found, err
}

func (s *Set) readAgentBots(ctx context.Context, _ *chat.Account, ids []int64) (map[int64]*chat.AgentBot, error) {
	rows, err := s.store.AgentBotsByIDs(ctx, ids)
	found := make(map[int64]*chat.AgentBot, len(ids))
	for _, b := range rows {
		found[b.ID] = b
	}
	return found, err
}

func (s *Set) readStandings(ctx context.Context, ids []int64) (map[int64]*chat.Standing, error) {
	rows, err := s.store.StandingsByIDs(ctx, ids)
	found := make(map[int64]*chat.Standing, len(ids))
	for _, st := range rows {
		found[st.UserID] = st
	}
	return found, err
}
