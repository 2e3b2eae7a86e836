package loaders

import (
	"context"
	"errors"

	"github.com/cloakroom/cloakroom/chat"
)

var errUnbuilt = errors.New("unbuilt")

// SearchMessages finds a page of messages in an account.
func (s *Set) SearchMessages(context.Context, *chat.Account, string, PageArgs) (*chat.MessageConnection, error) {
	return nil, errUnbuilt
}

// SearchThread finds a page of messages in a conversation.
func (s *Set) SearchThread(context.Context, *chat.Conversation, string, PageArgs) (*chat.MessageConnection, error) {
	return nil, errUnbuilt
}

// SearchContacts finds a page of contacts.
func (s *Set) SearchContacts(context.Context, *chat.Account, chat.ContactSearch, PageArgs) (*chat.ContactConnection, error) {
	return nil, errUnbuilt
}
