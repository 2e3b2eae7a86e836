package vault

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
)

// Cursors seals and opens positions in one list of one account: a cursor from another list, another order or
// another account does not open, and says nothing about the value it stands at.
type Cursors struct {
	vault     *Vault
	accountID int64
	list      string
}

// Cursors binds cursors to a list, whose name says its kind and order.
func (v *Vault) Cursors(accountID int64, list string) Cursors {
	return Cursors{vault: v, accountID: accountID, list: list}
}

// Seal makes a cursor.
func (c Cursors) Seal(ctx context.Context, at *chat.Position) (string, error) {
	keys, err := c.vault.keys.Account(ctx, c.accountID)
	if err != nil {
		return "", err
	}
	plain, err := json.Marshal(at)
	if err != nil {
		return "", fmt.Errorf("encode a cursor: %w", err)
	}
	sealed, err := keys.SealCursor([]byte(c.list), plain)
	if err != nil {
		return "", err
	}
	return base64.RawURLEncoding.EncodeToString(sealed), nil
}

// maxCursor bounds what is decoded; our own cursors are shorter than this even for the longest name.
const maxCursor = 4096

// Open reads a cursor; field names the argument it came in.
func (c Cursors) Open(ctx context.Context, field, cursor string) (*chat.Position, error) {
	invalid := chat.InvalidField(field, "is not a cursor of this list: take one from its pageInfo")
	if len(cursor) > maxCursor {
		return nil, invalid
	}
	sealed, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil {
		return nil, invalid
	}
	keys, err := c.vault.keys.Account(ctx, c.accountID)
	if err != nil {
		return nil, err
	}
	plain, err := keys.OpenCursor([]byte(c.list), sealed)
	if errors.Is(err, chat.ErrUnreadable) {
		return nil, invalid
	}
	if err != nil {
		return nil, err
	}
	at := new(chat.Position)
	if err := json.Unmarshal(plain, at); err != nil {
		return nil, invalid
	}
	return at, nil
}
