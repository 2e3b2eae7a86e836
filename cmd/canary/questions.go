package main

import (
	"fmt"
	"maps"
	"slices"
	"strconv"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/documents"
	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/leaktest"
)

// questions are what is asked beside random documents.
type questions struct {
	schema  *ast.Schema
	walk    []request // every path to a personal field, and every object with all its leaves
	trusted []request // the documents of the manifest, by hash and as they are
	threads []request // every contact and every message, a page at a time
	vault   []request // every operation on third parties' credentials, with secrets in them
	odd     []request // what is no proper request, with planted values in it
}

func newQuestions(demo schema.Data, quick bool) (*questions, error) {
	q := &questions{schema: graph.NewExecutableSchema(graph.Config{}).Schema()}
	for _, prepare := range []func(schema.Data) error{q.walks, q.manifest, q.malformed} {
		if err := prepare(demo); err != nil {
			return nil, err
		}
	}
	return q, q.pages(quick)
}

// shallow is how deep paths to single personal fields go; objects as a whole are asked for to the walk's own depth.
const shallow = 6

func (q *questions) walks(schema.Data) error {
	everything, err := leaktest.NewWalk(q.schema).Everything()
	if err != nil {
		return fmt.Errorf("walk the schema: %w", err)
	}
	paths := leaktest.NewWalk(q.schema)
	paths.Depth = shallow
	for n, d := range slices.Concat(everything, paths.Paths()) {
		r, err := document(d, n)
		if err != nil {
			return err
		}
		q.walk = append(q.walk, r)
	}
	return nil
}

// Contacts and conversations in which every carrier is met: see the demo's landmarks.
const (
	lastContact      = 300
	lastConversation = 360
	contactsAtOnce   = 10
)

const (
	contactText = ` { id alias name email emailState phoneNumber phoneState identifier identifierState labels
 customAttributes { key value } additionalAttributes { companyName city country countryCode socialProfiles { key value } others { key value } }
 contactInboxes { sourceId inbox { name } } notes { content } }`
	messageText = `{ account(id: "1") { conversation(displayId: %q) { labels customAttributes { key value } contact { name email phoneNumber } lastMessage { content }
 messages(first: 60) { nodes { content sender { ... on Contact { name email phoneNumber identifier } }
 email { subject from to cc bcc messageId inReplyTo submittedEmail } attachments { fileName title meta { key value } } } } } } }`
)

// pages are every contact by number, ten in a document, and every thread.
func (q *questions) pages(quick bool) error {
	step := 1
	if quick {
		step = 10
	}
	var list []leaktest.Document
	for from := 1; from <= lastContact; from += contactsAtOnce * step {
		text := `{ account(id: "1") {`
		for id := from; id < from+contactsAtOnce; id++ {
			text += fmt.Sprintf(" c%d: contact(id: %q)", id, strconv.Itoa(id)) + contactText
		}
		list = append(list, leaktest.Document{Name: fmt.Sprintf("contacts from %d", from), Query: text + " } }"})
	}
	for id := 1; id <= lastConversation; id += step {
		list = append(list, leaktest.Document{Name: fmt.Sprintf("thread %d", id), Query: fmt.Sprintf(messageText, strconv.Itoa(id))})
	}
	for n, d := range list {
		r, err := document(d, n)
		if err != nil {
			return err
		}
		q.threads = append(q.threads, r)
	}
	return nil
}

// manifest asks each document of the manifest with several sets of variables, by its hash and by its text.
func (q *questions) manifest(demo schema.Data) error {
	own, err := documents.Own()
	if err != nil {
		return fmt.Errorf("read the manifest: %w", err)
	}
	values := leaktest.DemoValues(demo)
	for n, hash := range slices.Sorted(maps.Keys(own)) {
		doc, err := parser.ParseQuery(&ast.Source{Input: own[hash]})
		if err != nil {
			return fmt.Errorf("read the manifest's document %.12s: %w", hash, err)
		}
		op := doc.Operations[0]
		if op.Operation == ast.Mutation {
			continue // asked among the odd requests, where they are refused
		}
		for set := range 12 {
			in := map[string]any{"documentId": hash, "variables": variables(op, values, set)}
			if set%3 == 2 {
				delete(in, "documentId")
				in["query"] = own[hash]
			}
			r, err := posted(fmt.Sprintf("trusted document %s, variables %d", op.Name, set), in, n+set)
			if err != nil {
				return err
			}
			q.trusted = append(q.trusted, r)
		}
	}
	return nil
}

// variables fills an operation's variables by their names, differently for each set.
func variables(op *ast.OperationDefinition, values leaktest.Values, set int) map[string]any {
	landmarks := []string{"1", "4", "13", "16", "19", "22", "25", "28", "31", "34", "46", "66"}
	at := func(list []string) string { return list[set%len(list)] }
	lookups := []map[string]any{
		{"email": at(values.Emails)}, {"phoneNumber": at(values.Phones)}, {"identifier": at(values.Identifiers)},
	}
	orders := []string{"LAST_ACTIVITY_AT", "CREATED_AT", "NAME"}
	given := make(map[string]any)
	for _, v := range op.VariableDefinitions {
		switch v.Variable + " " + v.Type.Name() {
		case "accountId ID":
			given[v.Variable] = "1"
		case "id ID", "displayId ID":
			given[v.Variable] = at(landmarks)
		case "input LookupContactInput":
			given[v.Variable] = lookups[set%len(lookups)]
		case "email String":
			if set%2 == 0 {
				given[v.Variable] = at(values.Emails)
			}
		case "phoneNumber String":
			if set%2 == 1 {
				given[v.Variable] = at(values.Phones)
			}
		case "first Int", "last Int":
			given[v.Variable] = 5 + 4*set
		case "orderBy ContactOrder":
			given[v.Variable] = map[string]any{"field": orders[set%len(orders)], "direction": []string{"ASC", "DESC"}[set%2]}
		}
	}
	return given
}
