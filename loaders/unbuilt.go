package loaders

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
)

var errUnbuilt = errors.New("unbuilt")

// SearchContacts finds a page of contacts.
func (s *Set) SearchContacts(context.Context, *chat.Account, chat.ContactSearch, PageArgs) (*chat.ContactConnection, error) {
	return nil, errUnbuilt
}
