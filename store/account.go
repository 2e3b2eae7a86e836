package store

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

const listInboxes = `SELECT i.id::int8, i.account_id::int8, i.name, COALESCE(i.channel_type, '') FROM inboxes i
 WHERE i.account_id = $1 AND ($2 OR EXISTS (SELECT 1 FROM inbox_members im WHERE im.inbox_id = i.id AND im.user_id = $3))
 ORDER BY lower(i.name), i.id`

// ListInboxes lists the inboxes of an account: all of them, or only those the viewer is a member of.
func (s *Store) ListInboxes(ctx context.Context, accountID int64, v chat.Visibility) ([]*chat.Inbox, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Inbox, error) {
		i := new(chat.Inbox)
		return i, rows.Scan(&i.ID, &i.AccountID, &i.Name, &i.ChannelType)
	}, listInboxes, accountID, v.Reach == chat.ReachAll, v.UserID)
}

const listTeams = `SELECT id, account_id, name, description FROM teams WHERE account_id = $1 ORDER BY name, id`

// ListTeams lists the teams of an account.
func (s *Store) ListTeams(ctx context.Context, accountID int64) ([]*chat.Team, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Team, error) {
		t := new(chat.Team)
		return t, rows.Scan(&t.ID, &t.AccountID, &t.Name, &t.Description)
	}, listTeams, accountID)
}

const listLabels = `SELECT id, account_id, COALESCE(title, ''), description, color FROM labels WHERE account_id = $1 ORDER BY title, id`

// ListLabels lists the labels an account has defined.
func (s *Store) ListLabels(ctx context.Context, accountID int64) ([]*chat.Label, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.Label, error) {
		l := new(chat.Label)
		return l, rows.Scan(&l.ID, &l.AccountID, &l.Title, &l.Description, &l.Color)
	}, listLabels, accountID)
}

const listAgents = `SELECT u.id::int8, COALESCE(NULLIF(u.display_name, ''), u.name), u.email
 FROM account_users au JOIN users u ON u.id = au.user_id WHERE au.account_id = $1
 ORDER BY lower(COALESCE(NULLIF(u.display_name, ''), u.name)), u.id`

// ListAgents lists the users of an account, of either role.
func (s *Store) ListAgents(ctx context.Context, accountID int64) ([]*chat.User, error) {
	return collect(ctx, s.db, userScan(accountID), listAgents, accountID)
}

const usersByIDs = `SELECT u.id::int8, COALESCE(NULLIF(u.display_name, ''), u.name), u.email FROM users u WHERE u.id = ANY($1)`

// UsersByIDs reads users as colleagues in an account; those that are gone are not in the answer.
func (s *Store) UsersByIDs(ctx context.Context, accountID int64, ids []int64) ([]*chat.User, error) {
	return collect(ctx, s.db, userScan(accountID), usersByIDs, ids)
}

func userScan(accountID int64) func(pgx.Rows) (*chat.User, error) {
	return func(rows pgx.Rows) (*chat.User, error) {
		u := &chat.User{AccountID: accountID}
		return u, rows.Scan(&u.ID, &u.Name, &u.Email)
	}
}

const agentBotsByIDs = `SELECT id, COALESCE(name, '') FROM agent_bots WHERE id = ANY($1)`

// AgentBotsByIDs reads bots; those that are gone are not in the answer.
func (s *Store) AgentBotsByIDs(ctx context.Context, ids []int64) ([]*chat.AgentBot, error) {
	return collect(ctx, s.db, func(rows pgx.Rows) (*chat.AgentBot, error) {
		b := new(chat.AgentBot)
		return b, rows.Scan(&b.ID, &b.Name)
	}, agentBotsByIDs, ids)
}

const standingsByIDs = `SELECT u.id::int8, COALESCE(am.masked, false), COALESCE(am.version, 0),
 COALESCE(au.account_id, 0), COALESCE(au.role, 0), COALESCE(au.availability, 0)
 FROM users u LEFT JOIN cloakroom.agent_masking am ON am.user_id = u.id
 LEFT JOIN account_users au ON au.user_id = u.id WHERE u.id = ANY($1) ORDER BY u.id, au.account_id`

// StandingsByIDs reads what users are in their accounts and how they are masked.
func (s *Store) StandingsByIDs(ctx context.Context, ids []int64) ([]*chat.Standing, error) {
	rows, err := s.db.Query(ctx, standingsByIDs, ids)
	if err != nil {
		return nil, fmt.Errorf("read the standing of users: %w", err)
	}
	defer rows.Close()
	var list []*chat.Standing
	for rows.Next() {
		var userID, accountID int64
		var setting chat.Masking
		var role, availability int
		if err := rows.Scan(&userID, &setting.Masked, &setting.Version, &accountID, &role, &availability); err != nil {
			return nil, fmt.Errorf("read the standing of users: %w", err)
		}
		if len(list) == 0 || list[len(list)-1].UserID != userID {
			list = append(list, &chat.Standing{UserID: userID, Masking: setting})
		}
		if accountID != 0 {
			last := list[len(list)-1]
			last.Places = append(last.Places, chat.Place{AccountID: accountID,
				Role: word(chat.Roles, role), Availability: word(chat.Availabilities, availability)})
		}
	}
	return list, rows.Err()
}
