package vault

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// partField is a field of contacts that is found by its parts. Of the profile that is the company.
type partField struct {
	field  keyring.Field
	column int // of contactFields
	parts  func(column []byte) []string
}

// partFields are all of them. A name has tokens only where it is sealed away: a listed one is searched as it is, and would
// tell which token is which part.
var partFields = []partField{
	{keyring.FieldEmail, 0, func(b []byte) []string { return search.EmailParts(string(b)) }},
	{keyring.FieldPhoneNumber, 1, func(b []byte) []string { return search.PhoneParts(string(b)) }},
	{keyring.FieldIdentifier, 2, func(b []byte) []string { return search.Parts(string(b)) }},
	{keyring.FieldName, 3, func(b []byte) []string { return search.Parts(string(b)) }},
	{keyring.FieldProfile, 4, func(b []byte) []string { return search.Parts(companyIn(plainText(chat.FieldProfile, b))) }},
}

// putContactTokens writes the tokens of contacts, in place of those that are there. Their sealed rows are written already.
func putContactTokens(ctx context.Context, tx *store.Store, keys *keyring.Account, rows []store.PlainRow) error {
	ids := make([]int64, len(rows))
	for i, row := range rows {
		ids[i] = row.ID
	}
	hidden, err := tx.SealedNames(ctx, keys.ID(), ids)
	if err != nil {
		return err
	}
	list := make([]store.ContactTokens, len(rows))
	for i, row := range rows {
		list[i].ContactID = row.ID
	}
	generation := keys.IndexGeneration()
	for _, p := range partFields {
		tokens, err := keys.ContactTokens(generation, p.field)
		if err != nil {
			return fmt.Errorf("make tokens of contacts: %w", err)
		}
		for i, row := range rows {
			if p.field == keyring.FieldName && !hidden[row.ID] {
				continue
			}
			for _, part := range p.parts(row.Columns[p.column]) {
				list[i].Tokens = append(list[i].Tokens, tokens.Of(part))
			}
		}
	}
	for i := range list {
		list[i].Tokens = keyring.PadTokens(list[i].Tokens)
	}
	return tx.PutContactTokens(ctx, keys.ID(), generation, list)
}

// companyIn gives the company of a profile, "" where there is none.
func companyIn(profile chat.PII) string {
	var object map[string]json.RawMessage // a struct's keys would be matched in any case
	var company string
	if json.Unmarshal([]byte(profile.Reveal()), &object) != nil || json.Unmarshal(object["company_name"], &company) != nil {
		return ""
	}
	return company
}

// contactTokens are the tokens that every contact has whose field has all of the parts, under each generation that rows
// may be of: one list each. Parts of none are no question.
func contactTokens(keys *keyring.Account, f keyring.Field, parts []string) ([][]int64, error) {
	if len(parts) == 0 {
		return nil, nil
	}
	var lists [][]int64
	for _, generation := range keys.IndexGenerations() {
		tokens, err := keys.ContactTokens(generation, f)
		if err != nil {
			return nil, fmt.Errorf("make the tokens of a question: %w", err)
		}
		list := make([]int64, len(parts))
		for i, part := range parts {
			list[i] = tokens.Of(part)
		}
		lists = append(lists, list)
	}
	return lists, nil
}
