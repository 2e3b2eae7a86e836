package schema

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/crypto/bcrypt"
)

var noon = time.Date(2026, 6, 10, 12, 0, 0, 0, time.UTC)

var demoOnce = sync.OnceValues(func() (Data, error) { return Demo(noon) })

func demo(t *testing.T) Data {
	t.Helper()
	d, err := demoOnce()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// rows reads a table as one map per row.
func rows(t *testing.T, d Data, name string) []row {
	t.Helper()
	table, ok := d.Table(name)
	if !ok {
		t.Fatalf("no table %s", name)
	}
	out := make([]row, len(table.Rows))
	for i, values := range table.Rows {
		out[i] = row{}
		for j, column := range table.Columns {
			out[i][column] = values[j]
		}
	}
	return out
}

func count(rs []row, want func(row) bool) (n int) {
	for _, r := range rs {
		if want(r) {
			n++
		}
	}
	return n
}

func TestDemoIsTheSameEveryTime(t *testing.T) {
	t.Parallel()
	again, err := Demo(noon.In(time.FixedZone("", 3600)).Add(300 * time.Millisecond))
	if err != nil {
		t.Fatal(err)
	}
	first := demo(t)
	for i, table := range first.Tables {
		if !reflect.DeepEqual(table, again.Tables[i]) {
			t.Errorf("two runs differ in %s", table.Name)
		}
	}
	first.Tables, again.Tables = nil, nil
	if !reflect.DeepEqual(first, again) {
		t.Error("two runs differ in users, canaries or texts")
	}
}

func TestDemoPassword(t *testing.T) {
	t.Parallel()
	if err := bcrypt.CompareHashAndPassword([]byte(demoPasswordHash), []byte(DemoPassword)); err != nil {
		t.Error(err)
	}
	if cost, err := bcrypt.Cost([]byte(demoPasswordHash)); err != nil || cost != 11 {
		t.Errorf("cost %d, %v; Chatwoot's is 11", cost, err)
	}
}

func TestDemoCounts(t *testing.T) {
	t.Parallel()
	d := demo(t)
	for _, c := range []struct {
		table    string
		account  int64
		min, max int
	}{
		{"contacts", Acme, 240, 300}, {"conversations", Acme, 340, 400}, {"messages", Acme, 5500, 8000},
		{"contacts", Borealis, 40, 40}, {"conversations", Borealis, 40, 40}, {"messages", Borealis, 300, 330},
		{"teams", Acme, 3, 3}, {"labels", Acme, 5, 10}, {"inboxes", Acme, 10, 10}, {"notes", Acme, 10, 100},
		{"csat_survey_responses", Acme, 3, 60}, {"calls", Acme, 3, 60}, {"notifications", Acme, 20, 99},
		{"mentions", Acme, 5, 50}, {"conversation_participants", Acme, 5, 50}, {"custom_filters", Acme, 4, 9},
		{"custom_attribute_definitions", Acme, 5, 20}, {"companies", Acme, 3, 9}, {"integrations_hooks", Acme, 2, 9},
	} {
		n := count(rows(t, d, c.table), func(r row) bool { return r["account_id"] == c.account })
		if n < c.min || n > c.max {
			t.Errorf("account %d has %d %s, want %d to %d", c.account, n, c.table, c.min, c.max)
		}
	}
}

func TestDemoAgentsHaveConversations(t *testing.T) {
	t.Parallel()
	acme := slices.DeleteFunc(rows(t, demo(t), "conversations"), func(r row) bool { return r["account_id"] != Acme })
	assigned := func(user int64) func(row) bool {
		return func(r row) bool { return r["assignee_id"] == user && r["status"] == open }
	}
	for _, user := range []int64{Max, Eve} {
		if n := count(acme, assigned(user)); n < 30 {
			t.Errorf("user %d has %d open conversations, want 30 or more", user, n)
		}
	}
	for user := Max; user <= Zoe; user++ {
		if count(acme, assigned(user)) == 0 {
			t.Errorf("user %d has no open conversation", user)
		}
	}
}

func TestDemoConversationsInEveryState(t *testing.T) {
	t.Parallel()
	acme := slices.DeleteFunc(rows(t, demo(t), "conversations"), func(r row) bool { return r["account_id"] != Acme })
	for what, want := range map[string]func(row) bool{
		"open":         func(r row) bool { return r["status"] == open },
		"resolved":     func(r row) bool { return r["status"] == resolved },
		"pending":      func(r row) bool { return r["status"] == pending },
		"snoozed":      func(r row) bool { return r["status"] == snoozed && r["snoozed_until"] != nil },
		"unassigned":   func(r row) bool { return r["status"] == open && r["assignee_id"] == nil },
		"of a bot":     func(r row) bool { return r["assignee_agent_bot_id"] != nil && r["assignee_id"] == nil },
		"never seen":   func(r row) bool { return r["agent_last_seen_at"] == nil },
		"labelled":     func(r row) bool { return r["cached_label_list"] != nil },
		"of a team":    func(r row) bool { return r["team_id"] != nil },
		"urgent":       func(r row) bool { return r["priority"] == int64(3) },
		"low":          func(r row) bool { return r["priority"] == int64(0) },
		"no priority":  func(r row) bool { return r["priority"] == nil },
		"orphaned":     func(r row) bool { return r["contact_id"].(int64) >= ContactDeleted && r["contact_id"].(int64) < 300 },
		"Max's team's": func(r row) bool { return r["inbox_id"] == BillingMail && r["team_id"] == Billing },
	} {
		if n := count(acme, want); n < 2 {
			t.Errorf("%d conversations are %s, want 2 or more", n, what)
		}
	}
}

func TestDemoConversationTimes(t *testing.T) {
	t.Parallel()
	for _, r := range rows(t, demo(t), "conversations") {
		if (r["status"] == snoozed) != (r["snoozed_until"] != nil) {
			t.Errorf("conversation %v: snoozed_until does not go with status", r["id"])
		}
		if r["last_activity_at"].(time.Time).After(noon) || r["created_at"].(time.Time).After(r["last_activity_at"].(time.Time)) {
			t.Errorf("conversation %v: begun %v, last active %v", r["id"], r["created_at"], r["last_activity_at"])
		}
	}
}

func TestDemoMessagesOfEveryKind(t *testing.T) {
	t.Parallel()
	messages := slices.DeleteFunc(rows(t, demo(t), "messages"), func(r row) bool { return r["account_id"] != Acme })
	attrs := func(prefix string) func(row) bool {
		return func(r row) bool { s, _ := r["content_attributes"].(string); return strings.HasPrefix(s, prefix) }
	}
	for what, want := range map[string]func(row) bool{
		"incoming":         func(r row) bool { return r["message_type"] == incoming },
		"activity":         func(r row) bool { return r["message_type"] == activity },
		"template":         func(r row) bool { return r["message_type"] == template },
		"private":          func(r row) bool { return r["private"] == true },
		"failed":           func(r row) bool { return r["status"] == int64(3) },
		"deleted":          func(r row) bool { return r["content"] == deletedText },
		"by a bot":         func(r row) bool { return r["sender_type"] == "AgentBot" },
		"by Captain":       func(r row) bool { return r["sender_type"] == "Captain::Assistant" },
		"by nobody":        func(r row) bool { return r["sender_type"] == nil && r["message_type"] == outgoing },
		"by a gone user":   func(r row) bool { return r["sender_id"] == goneUser },
		"without content":  func(r row) bool { return r["content"] == nil },
		"attributes NULL":  func(r row) bool { return r["content_attributes"] == nil },
		"attributes {}":    func(r row) bool { return r["content_attributes"] == "{}" },
		"doubly encoded":   attrs(`"{`),
		"native":           attrs(`{"`),
		"not JSON inside":  attrs(`"---`),
		"with escaped NUL": func(r row) bool { s, _ := r["content_attributes"].(string); return strings.Contains(s, `\u0000`) },
	} {
		if n := count(messages, want); n < 2 {
			t.Errorf("%d messages are %s, want 2 or more", n, what)
		}
	}
	if count(messages, func(r row) bool { s, _ := r["content"].(string); return len(s) >= 64<<10 }) != 1 {
		t.Error("want one message of 64 KB")
	}
}

func TestDemoUnread(t *testing.T) {
	t.Parallel()
	d := demo(t)
	unread := map[int64]int{}
	seen := map[int64]any{}
	for _, r := range rows(t, d, "conversations") {
		seen[r["id"].(int64)] = r["agent_last_seen_at"]
	}
	for _, m := range rows(t, d, "messages") {
		id := m["conversation_id"].(int64)
		if at, ok := seen[id].(time.Time); m["message_type"] == incoming && (!ok || m["created_at"].(time.Time).After(at)) {
			unread[id]++
		}
	}
	if n := unread[ConversationID(Acme, 1)]; n <= 10 {
		t.Errorf("conversation 1 has %d unread, want more than the cap of 10", n)
	}
	for display, want := range map[int64]int{3: 3, 5: 0, 69: 2} {
		if n := unread[ConversationID(Acme, display)]; n != want {
			t.Errorf("conversation %d has %d unread, want %d", display, n, want)
		}
	}
	if seen[ConversationID(Acme, 2)] != nil {
		t.Error("conversation 2 has been seen")
	}
	over := 0
	for _, n := range unread {
		if n > 10 {
			over++
		}
	}
	if over < 10 {
		t.Errorf("%d conversations have more than 10 unread, want 10 or more", over)
	}
}

func TestLabelsAgree(t *testing.T) {
	t.Parallel()
	d := demo(t)
	names := map[any]string{}
	for _, r := range rows(t, d, "tags") {
		names[r["id"]] = r["name"].(string)
	}
	tagged := map[string][]string{}
	for _, r := range rows(t, d, "taggings") {
		key := fmt.Sprint(r["taggable_type"], r["taggable_id"])
		tagged[key] = append(tagged[key], names[r["tag_id"]])
	}
	for _, r := range rows(t, d, "conversations") {
		cached, _ := r["cached_label_list"].(string)
		if want := strings.Join(tagged[fmt.Sprint("Conversation", r["id"])], ", "); cached != want {
			t.Errorf("conversation %v: cached %q, tagged %q", r["id"], cached, want)
		}
	}
}

func TestDemoUsers(t *testing.T) {
	t.Parallel()
	settings := map[string]int{}
	for _, u := range demo(t).Users {
		settings[u.Setting]++
		if u.Email == "" || u.Password != DemoPassword || len(u.Accounts) == 0 {
			t.Errorf("user %d is not complete", u.ID)
		}
	}
	if d := cmp.Diff(map[string]int{"masked": 1, "exempt": 1, "": 10}, settings); d != "" {
		t.Error(d)
	}
}
