package resolvers

import (
	"context"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/search"
)

// addressKinds are the kinds that contacts have blind indexes of, with the field of each.
var addressKinds = []struct {
	kind  chat.Kind
	field chat.Field
}{{chat.Email, chat.FieldEmail}, {chat.Phone, chat.FieldPhone}, {chat.Identifier, chat.FieldIdentifier}}

// contactSearch says what a search of contacts may go by: by parts of what the viewer sees, and by whole addresses. One
// that is hidden from them is looked up by the whole text, for the first page alone: later ones are the rest of that list.
func (r *Resolver) contactSearch(ctx context.Context, account *chat.Account, query string, firstPage bool) (chat.ContactSearch, error) {
	text := strings.TrimSpace(query)
	if text == "" || len(query) > maxLookup || strings.ContainsRune(text, 0) || !utf8.ValidString(text) {
		return chat.ContactSearch{}, chat.InvalidField("query", "must be a text of 1 to %d bytes", maxLookup)
	}
	viewer := auth.Viewer(ctx)
	s := chat.ContactSearch{Text: chat.PII(text), Parts: make(map[chat.Kind]bool)}
	for _, kind := range chat.Kinds {
		s.Parts[kind] = masking.Decide(viewer, account.ID, kind) == masking.Show
	}
	var seen, hidden []chat.Field
	whole := search.WholeAddresses(text)
	for _, a := range addressKinds {
		asked := firstPage && slices.Contains(whole, a.field)
		switch {
		case s.Parts[a.kind]:
			s.Whole = append(s.Whole, a.field)
			if asked {
				seen = append(seen, a.field)
			}
		case asked:
			hidden = append(hidden, a.field)
		}
	}
	var err error
	if len(seen) > 0 && viewer.Service != nil {
		err = r.Vault.RecordSearch(ctx, viewer, account, seen)
	}
	if err == nil && len(hidden) > 0 {
		s.Found, err = r.searchHidden(ctx, account, s.Text, hidden)
	}
	return s, err
}

// searchHidden looks a text up among addresses that are hidden from the viewer: a user's guess is held to a budget and put
// on record, a service needs the scope of looking up and is on record too.
func (r *Resolver) searchHidden(ctx context.Context, account *chat.Account, text chat.PII, fields []chat.Field) (*chat.Contact, error) {
	viewer := auth.Viewer(ctx)
	if viewer.User != nil {
		return r.Vault.SearchUnseen(ctx, viewer, account, text, fields)
	}
	if !viewer.Has(chat.ScopeContactLookup) {
		return nil, nil
	}
	return r.Vault.SearchByService(ctx, viewer, account, text, fields)
}

// duplicateCandidates finds contacts that may be the same customer as one, and why, as far as the viewer may know.
func (r *Resolver) duplicateCandidates(ctx context.Context, account *chat.Account, contactID int64) ([]*chat.DuplicateCandidate, error) {
	sees := make(map[chat.Kind]bool, len(chat.Kinds))
	for _, kind := range chat.Kinds {
		sees[kind] = masking.Decide(auth.Viewer(ctx), account.ID, kind) == masking.Show
	}
	list, err := r.Vault.Duplicates(ctx, account, contactID, sees)
	if list == nil {
		list = []*chat.DuplicateCandidate{}
	}
	return list, err
}
