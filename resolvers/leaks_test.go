package resolvers_test

import (
	"bytes"
	"maps"
	"slices"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/leaktest"
)

// The whole account, a page at a time, with everything that hangs off its contacts and messages.
const (
	everyContact = `query ($c: String) { account(id: "1") { list: contacts(first: 100, after: $c) {
 nodes { id alias name email emailState phoneNumber identifier labels
  customAttributes { key value } additionalAttributes { companyName city country countryCode socialProfiles { key value } others { key value } }
  contactInboxes { sourceId inbox { name } } notes { content } }
 pageInfo { hasNextPage endCursor } } } }`
	everyMessage = `query ($c: String) { account(id: "1") { list: conversations(first: 40, after: $c) {
 nodes { displayId labels customAttributes { key value } contact { name email phoneNumber } lastMessage { content }
  messages(first: 100) { nodes { content sender { ... on Contact { name email phoneNumber identifier } }
   email { subject from to cc bcc messageId inReplyTo submittedEmail } attachments { fileName title meta { key value } } } } }
 pageInfo { hasNextPage endCursor } } } }`
)

// readAll turns every page and hands each answer to look.
func readAll(t testing.TB, e *edge, viewer, query string, look func(reply)) {
	t.Helper()
	for cursor, more := any(nil), true; more; {
		answer := e.ask(t, viewer, query, map[string]any{"c": cursor})
		look(answer)
		if !bytes.Contains(answer.body, []byte(`"pageInfo"`)) {
			return // not for this viewer
		}
		page := pageOf(t, answer)
		cursor, more = page.EndCursor, page.HasNextPage
	}
}

// askEverything asks whatever there is to be asked, and hands each answer to look. documents are asked beside the
// golden ones.
func askEverything(t testing.TB, e *edge, viewer string, documents []question, look func(q string, answer reply)) {
	t.Helper()
	sound := func(q string, answer reply) {
		if bytes.Contains(answer.body, []byte(`"INTERNAL"`)) || bytes.Contains(answer.body, []byte(`"SEALED_UNREADABLE"`)) {
			t.Errorf("%s as %s: %.400s", q, viewer, answer.body)
		}
		look(q, answer)
	}
	for _, q := range slices.Concat(questions(t), documents) {
		if !q.changes() {
			sound(q.name, e.ask(t, viewer, q.query, q.variables))
		}
	}
	readAll(t, e, viewer, everyContact, func(r reply) { sound("every contact", r) })
	readAll(t, e, viewer, everyMessage, func(r reply) { sound("every message", r) })
}

func TestHiddenValuesAppearNowhere(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	hidden := hiddenValues(t)
	t.Run("shown", func(t *testing.T) { // first, so that whatever a cache keeps of their answers is there for the others
		for _, viewer := range []string{"everything", "exempt"} {
			t.Run(viewer, func(t *testing.T) {
				t.Parallel()
				findsTrueValues(t, e, viewer, hidden)
			})
		}
	})
	t.Run("hidden", func(t *testing.T) {
		for viewer, documents := range map[string][]question{"masked": walk(t), "reader-service": walk(t), "unset": nil, "narrow": nil, "nowhere": nil} {
			t.Run(viewer, func(t *testing.T) {
				t.Parallel()
				askEverything(t, e, viewer, documents, func(q string, answer reply) {
					mustBeClean(t, hidden, q, answer.body)
					var header bytes.Buffer
					_ = answer.header.Write(&header) // a buffer takes everything
					mustBeClean(t, hidden, "headers of "+q, header.Bytes())
				})
			})
		}
	})
	e.vault.Settle()
	everywhere := sealedValues(t)
	mustBeClean(t, everywhere, "the log", e.log.bytes())
	mustBeSealed(t, e, everywhere)
}

// findsTrueValues proves that the search can find: viewers who may see the values see those of every carrier.
func findsTrueValues(t *testing.T, e *edge, viewer string, hidden *leaktest.Needles) {
	t.Helper()
	var mu sync.Mutex
	seen := make(map[string]bool)
	askEverything(t, e, viewer, nil, func(_ string, answer reply) {
		for _, hit := range hidden.Find(answer.body) {
			mu.Lock()
			seen[hit.Carrier] = true
			mu.Unlock()
		}
	})
	for _, carrier := range leaktest.Shown {
		if !seen[carrier] {
			t.Errorf("%s never sees a value of %s", viewer, carrier)
		}
	}
	for _, carrier := range slices.Sorted(maps.Keys(seen)) {
		if !slices.Contains(leaktest.Shown, carrier) {
			t.Logf("%s sees %s as well", viewer, carrier)
		}
	}
}
