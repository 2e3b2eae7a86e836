package resolvers_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/store/storetest"
)

const askReport = `query($a: ID, $f: AuditFilter, $p: String, $n: Int, $c: String) { auditReport(accountId: $a, filter: $f, purpose: $p, first: $n, after: $c) {
 nodes { id actorKind action entityType entityId detailsState details { name value } } pageInfo { hasNextPage endCursor } } }`

// reported reads an answer: what each entry was about, and the page's end.
func reported(t *testing.T, r reply) (entries []string, next string) {
	t.Helper()
	var answer struct {
		Data struct {
			AuditReport struct {
				Nodes []struct {
					EntityType, EntityID, DetailsState string
					Details                            []struct {
						Name  string
						Value *string
					}
				}
				PageInfo struct{ EndCursor string }
			}
		}
	}
	if err := json.Unmarshal(r.body, &answer); err != nil {
		t.Fatal(err)
	}
	for _, n := range answer.Data.AuditReport.Nodes {
		text := n.EntityType + " " + n.EntityID + " " + n.DetailsState
		for _, d := range n.Details {
			if d.Value == nil {
				text += " " + d.Name
			} else {
				text += " " + d.Name + "=" + *d.Value
			}
		}
		entries = append(entries, text)
	}
	return entries, answer.Data.AuditReport.PageInfo.EndCursor
}

// TestWhoIsGivenTheTrail: administrators that of their account, super admins every one and the installation's, services
// with the scope those of their accounts; details that hold values whoever may see them, for a purpose.
func TestWhoIsGivenTheTrail(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for _, account := range []int64{0, 1, 2} {
		entry := chat.AuditEntry{AccountID: account, Actor: chat.Operator, Action: chat.JobGivenUp, EntityType: "account", EntityID: fmt.Sprint(account),
			Details: map[string]any{"enabled": true, "reason": "policy"}}
		if err := e.vault.Record(t.Context(), entry); err != nil {
			t.Fatal(err)
		}
	}
	storetest.Exec(t, e.store, `INSERT INTO accounts (id, name, status, created_at, updated_at) VALUES (77, 'Elsewhere', 0, now(), now())`)
	reads, others := serviceWith(t, e, chat.ScopeAuditRead), serviceWith(t, e, allBut(chat.ScopeAuditRead, chat.ScopeAuditRead)...)
	as := func(viewer string) func(string, map[string]any) reply {
		return func(query string, v map[string]any) reply { return e.ask(t, viewer, query, v) }
	}
	open, masked := "account %s OPEN enabled=true reason=\"policy\"", "account %s MASKED enabled=true reason"
	for _, c := range []struct {
		name    string
		ask     func(string, map[string]any) reply
		account any
		purpose string
		want    string
	}{
		{"masked", as("masked"), "1", "why", "FORBIDDEN"}, {"exempt", as("exempt"), "1", "why", "FORBIDDEN"}, {"stranger", as("stranger"), "1", "why", "FORBIDDEN"},
		{"admin", as("admin"), "1", "why", open}, {"admin", as("admin"), "1", "", masked}, {"admin", as("admin"), "77", "why", "FORBIDDEN"}, {"admin", as("admin"), nil, "why", "FORBIDDEN"},
		{"root", as("root"), "1", "why", open}, {"root", as("root"), "2", "why", open}, {"root", as("root"), nil, "why", open}, {"root", as("root"), nil, "", masked},
		{"root", as("root"), "99", "why", "NOT_FOUND"}, {"root", as("root"), "77", "why", ""},
		{"service", reads, "1", "why", open}, {"service", reads, "1", "", masked}, {"service", reads, "77", "why", "NOT_FOUND"}, {"service", reads, nil, "why", "NOT_FOUND"},
		{"another service", others, "1", "why", "FORBIDDEN"},
	} {
		answer := c.ask(askReport, map[string]any{"a": c.account, "f": map[string]any{"action": "job_failed"}, "p": c.purpose})
		if code, _ := fault(t, answer); code != "" {
			if code != c.want {
				t.Errorf("%s, account %v: %s, want %s", c.name, c.account, code, c.want)
			}
			continue
		}
		want := strings.Replace(c.want, "%s", strings.Replace(fmt.Sprint(c.account), "<nil>", "0", 1), 1)
		if got, _ := reported(t, answer); strings.Join(got, "; ") != want {
			t.Errorf("%s, account %v, purpose %q: %q, want %q", c.name, c.account, c.purpose, got, want)
		}
	}
	if n := len(recorded(t, e, "1", chat.AuditReported)); n != 5 {
		t.Errorf("%d of 5 looks at the trail of account 1 are on record", n)
	}
}

// TestMaskedAdministrators see that something was done, and no values, whatever their purpose.
func TestMaskedAdministrators(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	if err := e.vault.Record(t.Context(), chat.AuditEntry{AccountID: 1, Action: chat.JobGivenUp, EntityType: "account", EntityID: "1", Details: map[string]any{"reason": "policy"}}); err != nil {
		t.Fatal(err)
	}
	variables := map[string]any{"a": "1", "f": map[string]any{"action": "job_failed"}, "p": "why"}
	admin := fmt.Sprint(storetest.Value[int64](t, e.store, `SELECT user_id FROM account_users WHERE account_id = 1 AND role = 1
		AND user_id IN (SELECT id FROM users WHERE type IS NULL) ORDER BY 1 LIMIT 1`))
	mask := `mutation($id: ID!) { setPiiMasking(input: {agentId: $id, masked: true, reason: "a test", expectedVersion: 0}) { __typename } }`
	if code, _ := fault(t, e.ask(t, "root", mask, map[string]any{"id": admin})); code != "" {
		t.Fatal(code)
	}
	if got, _ := reported(t, e.ask(t, "admin", askReport, variables)); strings.Join(got, "; ") != "account 1 MASKED reason" {
		t.Errorf("%q", got)
	}
}

func TestAuditReportPages(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	for i := range 5 {
		if err := e.vault.Record(t.Context(), chat.AuditEntry{AccountID: 1, Action: chat.JobGivenUp, EntityType: "thing", EntityID: fmt.Sprint(i)}); err != nil {
			t.Fatal(err)
		}
	}
	variables := map[string]any{"a": "1", "f": map[string]any{"entityType": "thing"}, "n": 2}
	first, next := reported(t, e.ask(t, "admin", askReport, variables))
	variables["c"] = next
	second, _ := reported(t, e.ask(t, "admin", askReport, variables))
	if got := strings.Join(append(first, second...), ", "); got != "thing 4 MASKED, thing 3 MASKED, thing 2 MASKED, thing 1 MASKED" {
		t.Errorf("%s", got)
	}
	for field, bad := range map[string]map[string]any{
		"after": {"a": nil, "c": next}, "first": {"a": "1", "n": 101}, "purpose": {"a": "1", "p": "for ann@example.com"},
		"filter.action": {"a": "1", "f": map[string]any{"action": strings.Repeat("a", 201)}}, "filter.entityId": {"a": "1", "f": map[string]any{"entityId": "\x00"}},
	} {
		if code, got := fault(t, e.ask(t, "root", askReport, bad)); code != "INVALID" || got != field {
			t.Errorf("%v: %s %s", bad, code, got)
		}
	}
}

// TestServicesSayTheirPurposeInAHeader, as they do for whatever else they ask.
func TestServicesSayTheirPurposeInAHeader(t *testing.T) {
	t.Parallel()
	e := newEdge(t)
	token := newToken(t, e, chat.ScopeAuditRead)
	if err := e.vault.Record(t.Context(), chat.AuditEntry{AccountID: 1, Action: chat.JobGivenUp, EntityType: "account", EntityID: "1", Details: map[string]any{"reason": "policy"}}); err != nil {
		t.Fatal(err)
	}
	r := newRequest(t, "", askReport, map[string]any{"a": "1", "f": map[string]any{"action": "job_failed"}})
	r.Header.Set("Authorization", "Bearer "+token)
	r.Header.Set(resolvers.PurposeHeader, "the yearly audit")
	if answer := e.send(t.Context(), r); !bytes.Contains(answer.body, []byte(`OPEN`)) {
		t.Errorf("%s", answer.body)
	}
	if runs := recorded(t, e, "1", chat.AuditReported); len(runs) != 1 || runs[0].Details["purpose"] != "the yearly audit" || runs[0].Details["rows"] != 1.0 {
		t.Errorf("%+v", runs)
	}
}
