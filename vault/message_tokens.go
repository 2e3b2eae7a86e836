package vault

import (
	"context"
	"fmt"

	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// contentColumn is where a message's text lies in its row.
const contentColumn = 0

// putMessageTokens writes the tokens of messages, in place of those that are there. A message without words has a row
// without tokens, so that rows can be counted; one that is gone from Chatwoot's table has none.
func putMessageTokens(ctx context.Context, tx *store.Store, keys *keyring.Account, rows []store.PlainRow) error {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	places, err := tx.MessagePlaces(ctx, keys.ID(), ids)
	if err != nil {
		return err
	}
	tokens := messageTokens{keys: keys, made: make(map[tokenPlace]*keyring.Tokens)}
	list := make([]store.MessageTokens, 0, len(rows))
	for _, row := range rows {
		place, ok := places[row.ID]
		if !ok {
			continue
		}
		of, err := tokens.of(&place, string(row.Columns[contentColumn]))
		if err != nil {
			return fmt.Errorf("make tokens of message %d: %w", row.ID, err)
		}
		list = append(list, store.MessageTokens{MessagePlace: place, Tokens: of})
	}
	if len(list) == 0 {
		return nil
	}
	return tx.PutMessageTokens(ctx, keys.ID(), keys.IndexGeneration(), list)
}

// tokenPlace is what one key of tokens is for.
type tokenPlace struct {
	generation, month int
	direction         keyring.Direction
}

// messageTokens makes tokens, and each place's key once.
type messageTokens struct {
	keys *keyring.Account
	made map[tokenPlace]*keyring.Tokens
}

func (t *messageTokens) at(place tokenPlace) (*keyring.Tokens, error) {
	if made, ok := t.made[place]; ok {
		return made, nil
	}
	made, err := t.keys.MessageTokens(place.generation, place.month, place.direction)
	if err == nil {
		t.made[place] = made
	}
	return made, err
}

// of gives the tokens of a message's words, padded.
func (t *messageTokens) of(place *store.MessagePlace, content string) ([]int64, error) {
	direction := keyring.FromAgent
	if place.FromContact {
		direction = keyring.FromContact
	}
	at, err := t.at(tokenPlace{t.keys.IndexGeneration(), place.Month(), direction})
	if err != nil {
		return nil, err
	}
	return keyring.PadTokens(tokensOf(at, search.Index(content))), nil
}

func tokensOf(at *keyring.Tokens, words []string) []int64 {
	list := make([]int64, len(words))
	for i, w := range words {
		list[i] = at.Of(w)
	}
	return list
}

// asked gives the tokens of words in so many months, the newest first, as every generation in use and both directions have
// them: a message that holds all words holds all of one list.
func (t *messageTokens) asked(words []string, newest month, n int) ([]store.MonthTokens, error) {
	list := make([]store.MonthTokens, n)
	for i := range list {
		list[i].Month = (newest - month(i)).number()
		for _, generation := range t.keys.IndexGenerations() {
			for _, direction := range []keyring.Direction{keyring.FromContact, keyring.FromAgent} {
				at, err := t.at(tokenPlace{generation, list[i].Month, direction})
				if err != nil {
					return nil, err
				}
				list[i].Lists = append(list[i].Lists, tokensOf(at, words))
			}
		}
	}
	return list, nil
}
