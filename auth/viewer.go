package auth

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

type viewerKey struct{}

// WithViewer puts the viewer into a request's context.
func WithViewer(ctx context.Context, v *chat.Viewer) context.Context {
	return context.WithValue(ctx, viewerKey{}, v)
}

// Viewer tells who is asking, never nil: without one it gives the zero viewer, which belongs to nothing and
// from whom everything is masked. It must not be changed.
func Viewer(ctx context.Context) *chat.Viewer {
	if v, ok := ctx.Value(viewerKey{}).(*chat.Viewer); ok && v != nil {
		return v
	}
	return new(chat.Viewer)
}

// identity is a user as they are remembered.
type identity struct {
	viewer   *chat.Viewer
	sessions map[string]store.Session // by client
}

// finder is one of store's look-ups of a user.
type finder func(ctx context.Context, key string) (*store.ViewerRow, error)

func (a *Authenticator) identity(ctx context.Context, by, key string, find finder) (*identity, error) {
	id, err := a.users.get(ctx, a.keyed(by, key), func(ctx context.Context) (*identity, error) {
		readAt := a.now() // before the database is asked: whatever changes from here on is not in it
		row, err := find(ctx, key)
		if err != nil {
			return nil, err
		}
		// Tokens that make no sense are no sessions; the user can still sign in by an access token.
		sessions, _ := store.ParseSessions(row.Tokens)
		return &identity{viewer: a.user(ctx, row, readAt), sessions: sessions}, nil
	})
	if err != nil {
		return nil, refusal("look up who is asking", err)
	}
	return id, nil
}

// user makes a viewer of a row that was asked for at readAt. A policy that cannot be read does not refuse them: it masks them.
func (a *Authenticator) user(ctx context.Context, row *store.ViewerRow, readAt time.Time) *chat.Viewer {
	ids := make([]int64, len(row.Memberships))
	for i, m := range row.Memberships {
		ids[i] = m.Account.ID
	}
	policy, state := a.policy(ctx, row.ID, ids)
	v := &chat.Viewer{
		User:       &chat.User{ID: row.ID, Name: row.Name, Email: row.Email},
		SuperAdmin: row.SuperAdmin, Masking: policy.Masking, Policy: state, ReadAt: readAt,
	}
	for _, m := range row.Memberships {
		m.Account.Settings = policy.Settings[m.Account.ID]
		v.Memberships = append(v.Memberships, m.Membership)
	}
	return v
}

func (a *Authenticator) policy(ctx context.Context, userID int64, accountIDs []int64) (store.Policy, chat.PolicyState) {
	policy, err := a.store.ReadPolicy(ctx, userID, accountIDs)
	if err != nil {
		a.log.ErrorContext(ctx, "the masking policy cannot be read: viewers are masked until it can", "error", err)
		return store.Policy{}, chat.PolicyUnreadable
	}
	return policy, chat.PolicyRead
}
