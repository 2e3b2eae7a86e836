package loaders

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/store"
)

// searchPage is the size of a page of hits that says none, as Chatwoot's dashboard has it.
const searchPage = 15

// SearchMessages finds a page of messages in an account.
func (s *Set) SearchMessages(ctx context.Context, account *chat.Account, query string, args PageArgs) (*chat.MessageConnection, error) {
	return s.searchMessages(ctx, account, chat.MessageSearch{Text: query, Visibility: visibility(ctx, account)}, args)
}

// SearchThread finds a page of messages in a conversation.
func (s *Set) SearchThread(ctx context.Context, c *chat.Conversation, query string, args PageArgs) (*chat.MessageConnection, error) {
	account, err := accountOf(ctx, c.AccountID)
	if err != nil {
		return nil, err
	}
	return s.searchMessages(ctx, account, chat.MessageSearch{Text: query, ConversationID: c.ID}, args)
}

func (s *Set) searchMessages(ctx context.Context, account *chat.Account, search chat.MessageSearch, args PageArgs) (*chat.MessageConnection, error) {
	cursors := s.vault.Cursors(account.ID, searchList(search))
	var err error
	if search.Page, err = args.page(ctx, cursors, searchPage, false); err != nil {
		return nil, err
	}
	search.Masked = masking.Decide(auth.Viewer(ctx), account.ID, chat.Attribute) == masking.Hide
	found, err := s.vault.SearchMessages(ctx, account, search)
	if err != nil {
		return nil, err
	}
	info := &chat.PageInfo{HasNextPage: found.More || found.Partial, HasPreviousPage: search.Page.From != nil, End: found.End, Seal: sealWith(ctx, cursors)}
	conn := &chat.MessageConnection{PageInfo: info, Position: store.MessagePosition, Nodes: make([]*chat.Message, len(found.Rows)), Partial: found.Partial}
	for i, row := range found.Rows {
		conn.Nodes[i] = row.Message
	}
	if len(conn.Nodes) > 0 {
		info.Start = store.MessagePosition(conn.Nodes[0])
	}
	s.primeSenders(ctx, account, found.Rows)
	return conn, s.beside(ctx, found.Rows, selected(ctx, "MessageConnection").nodes("Message"))
}

// beside loads in one go what is asked beside hits, so that an answer can be written in one as well.
func (s *Set) beside(ctx context.Context, rows []store.MessageRow, asked selection) error {
	if asked.asks("sender") {
		if err := s.contactsOf(ctx, rows); err != nil {
			return err
		}
	}
	if !asked.asks("conversationDisplayId") || len(rows) == 0 {
		return nil
	}
	keys := make([]Key, len(rows))
	for i, row := range rows {
		keys[i] = Key{row.AccountID, row.ConversationID}
	}
	_, errs := s.displayIDs.LoadMany(ctx, keys)()
	return errors.Join(errs...)
}

// searchList names a list of hits for its cursors, which open in no list of another query.
func searchList(search chat.MessageSearch) string {
	sum := sha256.Sum256([]byte(search.Text))
	return "messages/" + chat.FormatID(search.ConversationID) + "/" + hex.EncodeToString(sum[:])
}

// contactsOf loads the contacts that wrote messages.
func (s *Set) contactsOf(ctx context.Context, rows []store.MessageRow) error {
	var keys []Key
	for _, row := range rows {
		if row.SenderType == chat.SenderContact {
			keys = append(keys, Key{row.AccountID, row.SenderID})
		}
	}
	if len(keys) == 0 {
		return nil
	}
	_, errs := s.contacts.LoadMany(ctx, keys)()
	return errors.Join(errs...)
}
