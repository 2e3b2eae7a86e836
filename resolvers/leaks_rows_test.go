package resolvers_test

import (
	"encoding/json"
	"regexp"
	"strings"
	"sync"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// TestViewersShareNothing has those who see values and those who do not ask the same of one replica at once, from plans
// and field by field (L33): what is loaded and remembered for one answer is not there for another.
func TestViewersShareNothing(t *testing.T) {
	t.Parallel()
	planned := newEdge(t)
	slow := planned.with(t, resolvers.Settings{Open: true, FieldByField: true})
	hidden := hiddenValues(t)
	var shown sync.Map
	var all sync.WaitGroup
	for _, viewer := range []string{"masked", "exempt", "reader-service", "everything"} {
		for _, e := range []*edge{planned, slow} {
			all.Go(func() {
				for range 2 {
					for _, query := range []string{everyContact, everyMessage} {
						answer := e.send(t.Context(), newRequest(t, viewer, query, nil))
						if viewer == "exempt" || viewer == "everything" {
							if len(hidden.Find(answer.body)) > 0 {
								shown.Store(viewer, true)
							}
							continue
						}
						mustBeClean(t, hidden, viewer, answer.body)
					}
				}
			})
		}
	}
	all.Wait()
	for _, viewer := range []string{"exempt", "everything"} {
		if _, ok := shown.Load(viewer); !ok {
			t.Errorf("%s is shown nothing: the others prove nothing", viewer)
		}
	}
}

var anID = regexp.MustCompile(`^[1-9][0-9]{0,18}$`)

// TestIDsAreNumbers reads every id that leaves (L15): all are Chatwoot's own numbers, and none is made of anything else.
func TestIDsAreNumbers(t *testing.T) {
	t.Parallel()
	found := 0
	askEverything(t, shared(), "exempt", walk(t), func(q string, answer reply) {
		var body any
		decode(t, answer.body, &body)
		eachID(body, func(id any) {
			found++
			if text, ok := id.(string); !ok || !anID.MatchString(text) {
				t.Errorf("%s: an id is %v", q, id)
			}
		})
	})
	if found < 1000 {
		t.Errorf("%d ids are too few", found)
	}
}

func eachID(value any, look func(any)) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			if (key == "id" || key == "displayId") && inner != nil {
				look(inner)
			}
			eachID(inner, look)
		}
	case []any:
		for _, inner := range v {
			eachID(inner, look)
		}
	}
}

// TestAnAgentsOwnSettingsUnmaskNobody writes what agents and administrators can write in Chatwoot (P86).
func TestAnAgentsOwnSettingsUnmaskNobody(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	const said = `{"masked": false, "pii_masked": false, "piiMasked": false, "contact_pii_masking": false, "masking": {"masked": false, "version": 9}}`
	storetest.Exec(t, e.store, `UPDATE users SET ui_settings = $1, custom_attributes = $1 WHERE id = $2`, said, schema.Max)
	storetest.Exec(t, e.store, `UPDATE accounts SET settings = $1, custom_attributes = $1 WHERE id = $2`, said, schema.Acme)
	e.auth.ForgetAll()
	if sees(t, e, "masked") {
		t.Error("who writes settings of their own is shown an address")
	}
}

// TestADatabasesErrorIsOneSentence provokes an error in which PostgreSQL quotes a value (L28).
func TestADatabasesErrorIsOneSentence(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	storetest.Exec(t, e.store, `INSERT INTO notes (account_id, contact_id, content, created_at, updated_at) VALUES (2, 301, $1, now(), now())`, badMail)
	storetest.Exec(t, e.store, `ALTER TABLE notes RENAME TO notes_in_full`)
	storetest.Exec(t, e.store, `CREATE VIEW notes AS SELECT id, account_id, contact_id, user_id, content::int::text AS content, created_at, updated_at FROM notes_in_full`)
	answer := e.ask(t, "stranger", `{ account(id: "2") { contact(id: "301") { id notes { content } } } }`, nil)
	wantFault(t, answer, string(chat.Internal), "")
	mustNotEcho(t, e, answer)
	mustNotTell(t, answer)
	var body struct{ Errors []struct{ Message string } }
	if err := json.Unmarshal(answer.body, &body); err != nil || len(body.Errors) != 1 || body.Errors[0].Message != "something went wrong here; it is logged under this request id" {
		t.Errorf("%v: %s", err, answer.body)
	}
	if log := string(e.log.bytes()); !strings.Contains(log, "22P02") || !strings.Contains(log, "Contact.notes") {
		t.Errorf("the log does not say what failed: %s", log)
	}
}
