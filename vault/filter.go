package vault

import (
	"context"
	"errors"
	"slices"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// FilterContacts checks the conditions of a query's filter and of the saved view that it names, and gives the query what
// its list goes by. Where a value is sealed, rows are found by tags or tokens, or by opening; no operand of such a
// condition reaches the database. Errors: INVALID and NOT_FOUND name the argument at fault, PII_FILTER_FORBIDDEN what the
// viewer may not ask by, LIMITED a condition for which more than 20,000 rows would have to be opened. What a service asks by
// whole addresses is on record before anything is listed.
func (v *Vault) FilterContacts(ctx context.Context, viewer *chat.Viewer, account *chat.Account, q *chat.ContactQuery) error {
	f := &filtering{vault: v, ctx: ctx, viewer: viewer, account: account, model: chat.ContactAttributes, kind: chat.SavedContacts}
	f.read = func(narrow [][]*chat.Comparison, fields []chat.Field, from *store.FilterCandidates) ([]store.FilterRow, error) {
		narrowed := *q
		narrowed.Where = narrow
		return v.store.SealedContacts(ctx, account.ID, narrowed, fields, from, maxFiltered+1)
	}
	var err error
	if q.Where, err = f.prepare(q.Filter.Conditions, q.Filter.SavedViewID); err != nil {
		return err
	}
	return v.recordFilter(ctx, viewer, account, q.Filter.Conditions)
}

// FilterConversations is FilterContacts for conversations.
func (v *Vault) FilterConversations(ctx context.Context, viewer *chat.Viewer, account *chat.Account, q *chat.ConversationQuery) error {
	f := &filtering{vault: v, ctx: ctx, viewer: viewer, account: account, model: chat.ConversationAttributes, kind: chat.SavedConversations}
	f.read = func(narrow [][]*chat.Comparison, fields []chat.Field, _ *store.FilterCandidates) ([]store.FilterRow, error) {
		narrowed := *q
		narrowed.Where = narrow
		return v.store.SealedConversations(ctx, account.ID, narrowed, fields, maxFiltered+1)
	}
	var err error
	q.Where, err = f.prepare(q.Filter.Conditions, q.Filter.SavedViewID)
	return err
}

// filtering is the preparation of one filter.
type filtering struct {
	vault   *Vault
	ctx     context.Context
	viewer  *chat.Viewer
	account *chat.Account
	model   chat.AttributeModel
	kind    chat.SavedViewKind
	lists   [][]*chat.Comparison
	// read gives the sealed values of rows that pass what else narrows the query.
	read func(narrow [][]*chat.Comparison, fields []chat.Field, from *store.FilterCandidates) ([]store.FilterRow, error)

	reader  *reader // nil while nothing had to be opened
	pending map[*chat.Comparison]bool
	failed  int
}

const savedViewField = "filter.savedViewId"

func (f *filtering) prepare(conditions []*chat.Condition, savedView *chat.ID) ([][]*chat.Comparison, error) {
	if len(conditions) == 0 && savedView == nil {
		return nil, nil
	}
	var saved []*chat.Condition
	if savedView != nil {
		var err error
		if saved, err = f.savedView(int64(*savedView)); err != nil {
			return nil, err
		}
	}
	defined, err := f.definitions(slices.Concat(conditions, saved))
	if err != nil {
		return nil, err
	}
	now := time.Now()
	for _, from := range []struct {
		rules search.Conditions
		list  []*chat.Condition
	}{
		{search.Conditions{Model: f.model, Field: "filter.conditions", Defined: defined, Now: now}, conditions},
		{search.Conditions{Model: f.model, Field: savedViewField, View: true, Defined: defined, Now: now}, saved},
	} {
		list, err := from.rules.Check(from.list)
		if err != nil {
			return nil, err
		}
		for _, c := range list {
			if err := f.hold(c); err != nil {
				return nil, err
			}
		}
		f.lists = append(f.lists, list)
	}
	return f.lists, f.find()
}

// savedView reads the conditions of one of the viewer's own views.
func (f *filtering) savedView(id int64) ([]*chat.Condition, error) {
	if f.viewer.User == nil {
		return nil, noSuch(savedViewField, chat.ErrNotFound) // services have none
	}
	view, err := f.vault.store.FindSavedView(f.ctx, f.account.ID, f.viewer.User.ID, id, f.kind)
	if errors.Is(err, chat.ErrNotFound) {
		return nil, noSuch(savedViewField, err)
	}
	if err != nil {
		return nil, err
	}
	list, err := search.ReadSavedView(f.model, view.Query)
	if err != nil {
		return nil, chat.InvalidField(savedViewField, "holds no filter that could be read")
	}
	return list, nil
}

// definitions reads the account's attributes where a condition is about one.
func (f *filtering) definitions(conditions []*chat.Condition) ([]*chat.AttributeDefinition, error) {
	if !slices.ContainsFunc(conditions, func(c *chat.Condition) bool { return c.CustomAttribute != nil }) {
		return nil, nil
	}
	return f.vault.store.ListAttributeDefinitions(f.ctx, f.account.ID, f.account.Settings.Search)
}

// filterKinds are the attributes that only a viewer may ask by who sees them.
var filterKinds = map[chat.FilterAttribute]chat.Kind{
	chat.ByEmail: chat.Email, chat.ByPhone: chat.Phone, chat.ByIdentifier: chat.Identifier, chat.ByReferer: chat.Attribute,
}

// shownKinds are those that everybody may ask by; from whom the kind is hidden, an address among them counts as absent.
var shownKinds = map[chat.FilterAttribute]chat.Kind{
	chat.ByName: chat.Name, chat.ByCity: chat.Attribute, chat.ByCountry: chat.Attribute, chat.ByCompany: chat.Attribute,
	chat.ByBrowserLanguage: chat.Attribute, chat.ByConversationLanguage: chat.Attribute, chat.ByMailSubject: chat.Attribute,
}

// hold holds a comparison to what the viewer may see. @piiArg refuses addresses before anything runs; this is where the
// comparison is carried out, and where what a saved view asks by is known.
func (f *filtering) hold(c *chat.Comparison) error {
	hidden := func(kind chat.Kind) bool { return masking.Decide(f.viewer, f.account.ID, kind) != masking.Show }
	if c.Attribute == "" {
		c.Shown = hidden(chat.Attribute)
		if masking.DecideAttribute(f.viewer, f.account.ID, f.model, c.Key) != masking.Show || c.Shown && chat.TextHoldsAddress(c.Key) {
			return notAskedBy(c, ".customAttribute")
		}
		return nil
	}
	if kind, personal := filterKinds[c.Attribute]; personal && hidden(kind) {
		return notAskedBy(c, ".attribute")
	}
	kind, shown := shownKinds[c.Attribute]
	c.Shown = shown && hidden(kind)
	return nil
}

func notAskedBy(c *chat.Comparison, member string) error {
	if c.Field == savedViewField {
		member = ""
	}
	return &chat.Error{Code: chat.PIIFilterRejected, Field: c.Field + member, Message: "takes a viewer who may see such values"}
}

// sealedFields say where what is compared is sealed; a custom attribute is in chat.FieldCustomAttributes.
var sealedFields = map[chat.FilterAttribute]struct {
	field chat.Field
	key   string // in a JSON object
}{
	"":          {field: chat.FieldCustomAttributes},
	chat.ByName: {field: chat.FieldName}, chat.ByEmail: {field: chat.FieldEmail}, chat.ByPhone: {field: chat.FieldPhone},
	chat.ByIdentifier: {field: chat.FieldIdentifier},
	chat.ByCity:       {chat.FieldProfile, "city"}, chat.ByCountry: {chat.FieldProfile, "country_code"}, chat.ByCompany: {chat.FieldProfile, "company_name"},
	chat.ByBrowserLanguage:      {chat.FieldAdditionalAttributes, "browser_language"},
	chat.ByConversationLanguage: {chat.FieldAdditionalAttributes, "conversation_language"},
	chat.ByReferer:              {chat.FieldAdditionalAttributes, "referer"}, chat.ByMailSubject: {chat.FieldAdditionalAttributes, "mail_subject"},
}

// recordOf is the kind of record that holds a field of what is listed.
func (f *filtering) recordOf(field chat.Field) chat.RecordKind {
	switch {
	case f.model == chat.ConversationAttributes:
		return chat.ConversationRecord
	case slices.Contains(chat.RecordShapes[chat.ContactRecord].Fields, field):
		return chat.ContactRecord
	default:
		return chat.ContactAttributesRecord
	}
}

// sealed says that what is compared is read from sealed rows.
func (f *filtering) sealed(c *chat.Comparison) bool {
	at, ok := sealedFields[c.Attribute]
	return ok && rollout.ReadFrom(f.account.Settings, chat.RecordShapes[f.recordOf(at.field)].Dataset) == rollout.Sealed
}
