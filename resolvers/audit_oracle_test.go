package resolvers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/formatter"
	"github.com/vektah/gqlparser/v2/validator/rules"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// oracle reads from an answer itself whose personal values it shows: it asks for ids and types beside whatever a document
// asks, and knows of gates nothing but the schema's directives.
type oracle struct {
	schema  *ast.Schema
	threads map[string]int64 // "account/display id" to the contact
}

func newOracle(t testing.TB, e *edge) *oracle {
	t.Helper()
	o := &oracle{schema: graph.NewExecutableSchema(graph.Config{}).Schema(), threads: make(map[string]int64)}
	text := storetest.Value[[]byte](t, e.store, `SELECT convert_to(json_object_agg(account_id || '/' || display_id, contact_id)::text, 'UTF8') FROM conversations`)
	decode(t, text, &o.threads)
	return o
}

// marks are what is asked beside everything else, by type.
var marks = map[string][]string{"Account": {"id"}, "Contact": {"id"}, "Conversation": {"displayId"}, "Message": {"conversationDisplayId", "messageType"}}

// marked gives a document with the marks.
func (o *oracle) marked(t testing.TB, query string) (string, *ast.QueryDocument) {
	t.Helper()
	doc, errs := gqlparser.LoadQueryWithRules(o.schema, query, rules.NewDefaultRules())
	if len(errs) > 0 {
		t.Fatalf("%v: %s", errs, query)
	}
	for _, op := range doc.Operations {
		op.SelectionSet = o.mark(op.SelectionSet, "")
	}
	for _, f := range doc.Fragments {
		f.SelectionSet = o.mark(f.SelectionSet, f.TypeCondition)
	}
	var text bytes.Buffer
	formatter.NewFormatter(&text, formatter.WithIndent(" ")).FormatQueryDocument(doc)
	return text.String(), doc
}

func (o *oracle) mark(selections ast.SelectionSet, typeName string) ast.SelectionSet {
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.Field:
			if len(s.SelectionSet) > 0 {
				s.SelectionSet = o.mark(s.SelectionSet, s.Definition.Type.Name())
			}
		case *ast.InlineFragment:
			s.SelectionSet = o.mark(s.SelectionSet, s.TypeCondition)
		}
	}
	if typeName == "" {
		return selections
	}
	selections = append(selections, &ast.Field{Alias: "mark_type", Name: "__typename"})
	for _, name := range marks[typeName] {
		selections = append(selections, &ast.Field{Alias: "mark_" + typeName + "_" + name, Name: name})
	}
	return selections
}

// readings is whose values of which kind an answer shows: "account kind" to contacts.
type readings map[string][]int64

func (s readings) add(at place, kind string) {
	key := at.account + " " + kind
	if !slices.Contains(s[key], at.contact) {
		s[key] = append(s[key], at.contact)
		slices.Sort(s[key])
	}
}

// place is where in an answer a value stands.
type place struct {
	account string
	contact int64
	history bool
}

// reads lists what an answer shows. names says that the asker has names by right.
func (o *oracle) reads(t testing.TB, doc *ast.QueryDocument, body []byte, names bool) readings {
	t.Helper()
	var answer struct{ Data map[string]any }
	decode(t, body, &answer)
	found := make(readings)
	o.object(found, doc.Operations[0].SelectionSet, "Query", answer.Data, place{}, names)
	return found
}

func (o *oracle) object(found readings, selections ast.SelectionSet, typeName string, value map[string]any, at place, names bool) {
	if t, ok := value["mark_type"].(string); ok {
		typeName = t
	}
	at = o.move(at, value)
	for _, s := range selections {
		switch s := s.(type) {
		case *ast.InlineFragment:
			if s.TypeCondition == typeName || s.TypeCondition == "MessageSender" || s.TypeCondition == "" {
				o.object(found, s.SelectionSet, typeName, value, at, names)
			}
		case *ast.FragmentSpread:
			if c := s.Definition.TypeCondition; c == typeName || c == "MessageSender" {
				o.object(found, s.Definition.SelectionSet, typeName, value, at, names)
			}
		case *ast.Field:
			if v := value[s.Alias]; v != nil && !strings.HasPrefix(s.Alias, "mark_") && s.Definition != nil {
				o.field(found, s, typeName, v, at, names)
			}
		}
	}
}

// move says where one is in an object, by its marks.
func (o *oracle) move(at place, value map[string]any) place {
	if id, ok := value["mark_Account_id"].(string); ok {
		at.account = id
	}
	for _, name := range []string{"mark_Message_conversationDisplayId", "mark_Conversation_displayId"} {
		if id, ok := value[name].(string); ok {
			at.contact = o.threads[at.account+"/"+id]
		}
	}
	if id, ok := value["mark_Contact_id"].(string); ok {
		_, _ = fmt.Sscan(id, &at.contact)
	}
	if kind, ok := value["mark_Message_messageType"].(string); ok {
		at.history = kind == "INCOMING" || kind == "OUTGOING"
	}
	return at
}

func (o *oracle) field(found readings, f *ast.Field, typeName string, value any, at place, names bool) {
	switch v := value.(type) {
	case map[string]any:
		o.object(found, f.SelectionSet, f.Definition.Type.Name(), v, at, names)
		return
	case []any:
		for _, item := range v {
			o.field(found, f, typeName, item, at, names)
		}
		return
	}
	scalar := o.schema.Types[f.Definition.Type.Name()].Directives.ForName("pii")
	text, _ := value.(string)
	switch own := f.Definition.Directives.ForName("pii"); {
	case own != nil:
		found.add(at, own.Arguments.ForName("kind").Value.Raw)
	case scalar != nil:
		found.add(at, scalar.Arguments.ForName("kind").Value.Raw)
	case typeName == "Contact" && f.Name == "name" && names && text != "":
		found.add(at, string(chat.Name))
	case f.Definition.Directives.ForName("piiText") != nil && chat.TextHoldsAddress(text) && (typeName != "Message" || !at.history):
		found.add(at, string(chat.Attribute))
	}
}

// onRecord lists what is on record as shown, and how many entries say so, and forgets them.
func onRecord(t testing.TB, e *edge) (found readings, entries int) {
	t.Helper()
	found = make(readings)
	for _, account := range []string{"1", "2"} {
		for _, entry := range recorded(t, e, account, chat.PIIRead) {
			entries++
			var details struct{ Shown map[string][]int64 }
			text, err := json.Marshal(entry.Details)
			if err != nil {
				t.Fatal(err)
			}
			decode(t, text, &details)
			for kind, ids := range details.Shown {
				found[account+" "+kind] = append(found[account+" "+kind], ids...)
			}
		}
	}
	storetest.Exec(t, e.store, `DELETE FROM cloakroom.audit_entries`)
	return found, entries
}
