package resolvers

import (
	"context"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// mayErase says whether the viewer may erase contacts of an account: a super admin, or an administrator of this very
// account. Of accounts that are not theirs nobody learns whether there is one.
func mayErase(ctx context.Context, accountID int64) error {
	v := auth.Viewer(ctx)
	if m, member := v.Membership(accountID); v.SuperAdmin || member && m.Role == chat.Administrator {
		return nil
	}
	return chat.Errorf(chat.Forbidden, "this takes an ADMINISTRATOR of the account")
}
