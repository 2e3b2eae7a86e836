package chat

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// list reads a stretch of the ids 1 to n as store does: one row more than the page, backwards when it is asked so.
func list(n int, page Page) []int64 {
	var rows []int64
	for id := int64(1); id <= int64(n); id++ {
		if page.From == nil || !page.Backward && id > page.From.ID || page.Backward && id < page.From.ID {
			rows = append(rows, id)
		}
	}
	if page.Backward {
		slices.Reverse(rows)
	}
	return rows[:min(len(rows), page.Limit+1)]
}

func idPosition(id int64) *Position { return &Position{ID: id} }

func TestSliceWalksEveryRowOnce(t *testing.T) {
	t.Parallel()
	for range 2000 {
		n, page := rand.IntN(40), Page{Limit: 1 + rand.IntN(12), Backward: rand.IntN(2) == 0}
		var walked []int64
		for pages := 0; ; pages++ {
			rows, info := Slice(list(n, page), page, idPosition)
			if len(rows) > page.Limit || !slices.IsSorted(rows) {
				t.Fatalf("n %d, page %+v: %v", n, page, rows)
			}
			first, last := len(rows) > 0 && rows[0] == 1, len(rows) > 0 && rows[len(rows)-1] == int64(n)
			if len(rows) > 0 && (info.Start.ID != rows[0] || info.End.ID != rows[len(rows)-1]) {
				t.Fatalf("cursors at %d and %d of %v", info.Start.ID, info.End.ID, rows)
			}
			if len(rows) > 0 && (info.HasNextPage == last || info.HasPreviousPage == first) {
				t.Fatalf("n %d, page %+v, %v: next %v, previous %v", n, page, rows, info.HasNextPage, info.HasPreviousPage)
			}
			if len(rows) == 0 && (info.Start != nil || info.End != nil || pages > 0) {
				t.Fatalf("n %d, page %+v: an empty page %d, cursors %v and %v", n, page, pages, info.Start, info.End)
			}
			if page.Backward {
				walked = append(slices.Clone(rows), walked...)
				page.From = info.Start
				if !info.HasPreviousPage {
					break
				}
			} else {
				walked = append(walked, rows...)
				page.From = info.End
				if !info.HasNextPage {
					break
				}
			}
		}
		if want := list(n, Page{Limit: n}); !slices.Equal(walked, want) {
			t.Fatalf("walked %v, want %v", walked, want)
		}
	}
}

func TestCursorsAreSealedWhenAskedFor(t *testing.T) {
	t.Parallel()
	sealed := 0
	info := PageInfo{Start: idPosition(1), Seal: func(at *Position) (string, error) {
		sealed++
		if at.ID == 3 {
			return "", context.Canceled
		}
		return fmt.Sprintf("c%d", at.ID), nil
	}}
	if sealed != 0 {
		t.Error("sealed before it was asked for")
	}
	if c, err := info.StartCursor(); err != nil || *c != "c1" {
		t.Errorf("%v, %v", c, err)
	}
	if c, err := info.EndCursor(); err != nil || c != nil {
		t.Errorf("a page without an end has cursor %v, %v", c, err)
	}
	connection := ContactConnection{Nodes: []*Contact{{ID: 1}, {ID: 3}}, PageInfo: &info,
		Position: func(c *Contact) *Position { return idPosition(c.ID) }}
	edges := connection.Edges()
	if c, err := edges[0].Cursor(); err != nil || c != "c1" || edges[0].Node.ID != 1 {
		t.Errorf("%v, %v", c, err)
	}
	if _, err := edges[1].Cursor(); !errors.Is(err, context.Canceled) {
		t.Errorf("the error of a cursor is %v", err)
	}
	conversations := ConversationConnection{Nodes: []*Conversation{{ID: 2}}, PageInfo: &info,
		Position: func(c *Conversation) *Position { return idPosition(c.ID) }}
	messages := MessageConnection{Nodes: []*Message{{ID: 5}}, PageInfo: &info, Position: func(m *Message) *Position { return idPosition(m.ID) }}
	c2, _ := conversations.Edges()[0].Cursor()
	c5, _ := messages.Edges()[0].Cursor()
	if c2 != "c2" || c5 != "c5" {
		t.Errorf("cursors %s and %s", c2, c5)
	}
}

func TestIDUnmarshalGQL(t *testing.T) {
	t.Parallel()
	for _, v := range []any{"1", "42", "9223372036854775807", int(7), int64(7), json.Number("7")} {
		var id ID
		if err := id.UnmarshalGQL(v); err != nil || id < 1 {
			t.Errorf("%T %v: %v, %v", v, v, id, err)
		}
	}
	for _, v := range []any{
		nil, "", " ", "0", "-1", "1 ", " 1", "1.0", "1e3", "0x1", "1_000", "٧", "9223372036854775808", "abc", "1; DROP TABLE x",
		0, int64(-5), json.Number("1.5"), json.Number("99999999999999999999"), 1.0, true, []any{"1"}, map[string]any{"id": 1},
	} {
		id := ID(99)
		err := id.UnmarshalGQL(v)
		if err == nil || id != 99 {
			t.Errorf("%T %v was taken for id %d", v, v, id)
			continue
		}
		if s, ok := v.(string); ok && len(s) > 2 && strings.Contains(err.Error(), s) {
			t.Errorf("the error quotes the value: %v", err)
		}
	}
	var b strings.Builder
	ID(42).MarshalGQL(&b)
	if b.String() != `"42"` || FormatID(42) != "42" {
		t.Error(b.String())
	}
}

func TestVisibility(t *testing.T) {
	t.Parallel()
	role := func(names ...string) Permissions { return Permissions{HasRole: true, Names: names} }
	member := func(r Role, p Permissions) *Viewer {
		return &Viewer{User: &User{ID: 7}, Memberships: []Membership{{Account: Account{ID: 1}, Role: r, Permissions: p}}}
	}
	service := func(account int64, scopes ...Scope) *Viewer {
		return &Viewer{Service: &Service{Scopes: scopes, Accounts: []Account{{ID: account}}}}
	}
	super := member(Agent, Permissions{})
	super.SuperAdmin = true
	stranger := member(Administrator, Permissions{})
	stranger.Memberships[0].Account.ID = 2
	for name, c := range map[string]struct {
		viewer *Viewer
		want   Visibility
	}{
		"administrator":                      {member(Administrator, Permissions{}), Visibility{ReachAll, 7}},
		"administrator, custom role ignored": {member(Administrator, role()), Visibility{ReachAll, 7}},
		"agent":                              {member(Agent, Permissions{}), Visibility{ReachInboxes, 7}},
		"agent, permissions without a role":  {member(Agent, Permissions{Names: []string{"conversation_participating_manage"}}), Visibility{ReachInboxes, 7}},
		"role: manage":                       {member(Agent, role("conversation_manage")), Visibility{ReachInboxes, 7}},
		"role: unassigned":                   {member(Agent, role("conversation_unassigned_manage")), Visibility{ReachUnassigned, 7}},
		"role: participating":                {member(Agent, role("conversation_participating_manage")), Visibility{ReachMine, 7}},
		"role: the strongest wins":           {member(Agent, role("conversation_participating_manage", "conversation_unassigned_manage", "conversation_manage")), Visibility{ReachInboxes, 7}},
		"role: the second strongest":         {member(Agent, role("conversation_participating_manage", "conversation_unassigned_manage")), Visibility{ReachUnassigned, 7}},
		"role without conversations":         {member(Agent, role("contact_manage", "report_manage")), Visibility{ReachNothing, 7}},
		"role without permissions":           {member(Agent, role()), Visibility{ReachNothing, 7}},
		"role: an unknown permission":        {member(Agent, role("conversation_manage_all", "CONVERSATION_MANAGE")), Visibility{ReachNothing, 7}},
		"super admin who is an agent":        {super, Visibility{ReachInboxes, 7}},
		"super admin who is no member":       {&Viewer{User: &User{ID: 7}, SuperAdmin: true}, Visibility{}},
		"administrator of another account":   {stranger, Visibility{}},
		"service":                            {service(1, ScopeConversationRead), Visibility{Reach: ReachAll}},
		"service without the scope":          {service(1, ScopeContactRead, ScopePIIEmail), Visibility{}},
		"service of another account":         {service(2, ScopeConversationRead), Visibility{}},
		"nobody":                             {&Viewer{}, Visibility{}},
	} {
		if diff := cmp.Diff(c.want, c.viewer.Visibility(1)); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
}
