package masking

import (
	"fmt"
	"slices"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// who is one row of the policy's table: everything that Decide may look at.
type who struct {
	kind     chat.ViewerKind
	role     chat.Role // in account 1, "" for no membership
	flag     bool      // contact_pii_masking of account 1
	setting  chat.Masking
	readable bool
	scopes   []chat.Scope // of a service
}

func (w who) viewer() *chat.Viewer {
	account := chat.Account{ID: 1, Settings: chat.AccountSettings{ContactPIIMasking: w.flag}}
	other := chat.Account{ID: 2, Settings: chat.AccountSettings{ContactPIIMasking: !w.flag}}
	v := &chat.Viewer{Masking: w.setting}
	if w.readable {
		v.Policy = chat.PolicyRead
	}
	if w.kind == chat.KindService {
		v.Service = &chat.Service{Scopes: w.scopes, Accounts: []chat.Account{other}}
		if w.role != "" {
			v.Service.Accounts = append(v.Service.Accounts, account)
		}
		return v
	}
	v.User, v.SuperAdmin = &chat.User{ID: 7}, w.kind == chat.KindSuperAdmin
	// In account 2 everybody is what they are not in account 1: a decision that takes the wrong account shows.
	opposite := chat.Administrator
	if w.role == chat.Administrator {
		opposite = chat.Agent
	}
	v.Memberships = []chat.Membership{{Account: other, Role: opposite}}
	if w.role != "" {
		v.Memberships = append(v.Memberships, chat.Membership{Account: account, Role: w.role})
	}
	return v
}

// want is the policy once more, written down the other way round: first what shows, and nothing else does.
func (w who) want(kind chat.Kind) Verdict {
	if w.role == "" {
		return Hide
	}
	if w.kind == chat.KindService {
		needed := map[chat.Kind]string{
			chat.Email: "contact:pii.email", chat.Phone: "contact:pii.phone", chat.Identifier: "contact:pii.identifier",
			chat.ChannelAddress: "channel:address", chat.Attribute: "contact:pii.attributes",
		}
		if kind == chat.Name {
			return verdict(slices.Contains(w.scopes, "contact:pii.email") && slices.Contains(w.scopes, "contact:pii.phone"))
		}
		return verdict(slices.Contains(w.scopes, chat.Scope(needed[kind])))
	}
	if !w.readable {
		return Hide
	}
	switch {
	case !w.flag: // the account masks nobody
		return Show
	case w.setting.Version > 0 && !w.setting.Masked: // a super admin exempted them
		return Show
	case w.setting.Version == 0 && w.role == chat.Administrator: // nobody decided about an administrator
		return Show
	}
	return Hide
}

var settings = []chat.Masking{{}, {Masked: true, Version: 1}, {Version: 1}, {Masked: true, Version: 9}, {Version: 2}, {Masked: true}}

// everybody enumerates every combination, services with every subset of the scopes that open something.
func everybody() []who {
	var all []who
	for _, flag := range []bool{false, true} {
		for _, readable := range []bool{false, true} {
			for _, setting := range settings {
				for _, role := range []chat.Role{"", chat.Agent, chat.Administrator, "A_LATER_ROLE"} {
					for _, kind := range []chat.ViewerKind{chat.KindAgent, chat.KindSuperAdmin} {
						all = append(all, who{kind: kind, role: role, flag: flag, setting: setting, readable: readable})
					}
				}
			}
			for _, role := range []chat.Role{"", "in the account"} {
				for _, scopes := range subsets(chat.ScopePIIEmail, chat.ScopePIIPhone, chat.ScopePIIIdentifier, chat.ScopeChannelAddress, chat.ScopePIIAttributes) {
					all = append(all, who{kind: chat.KindService, role: role, flag: flag, readable: readable, scopes: scopes})
				}
			}
		}
	}
	return all
}

func subsets(scopes ...chat.Scope) [][]chat.Scope {
	all := [][]chat.Scope{nil}
	for _, s := range scopes {
		for _, set := range all {
			all = append(all, append(slices.Clone(set), s))
		}
	}
	return all
}

func TestDecide(t *testing.T) {
	t.Parallel()
	kinds := append(slices.Clone(chat.Kinds), "A_LATER_KIND")
	rows := 0
	for _, w := range everybody() {
		v := w.viewer()
		masked := false
		for _, kind := range kinds {
			rows++
			want := w.want(kind)
			if kind == "A_LATER_KIND" && w.kind == chat.KindService {
				want = Hide
			}
			got := Decide(v, 1, kind)
			if got != want {
				t.Errorf("%+v, %s: %d, want %d", w, kind, got, want)
			}
			if got, state := State(v, 1, kind, true), map[Verdict]chat.PIIState{Show: chat.Visible, Hide: chat.Hidden}[want]; got != state {
				t.Errorf("%+v, %s: state %s, want %s", w, kind, got, state)
			}
			if got := State(v, 1, kind, false); got != chat.Absent {
				t.Errorf("%+v, %s: state %s of what is not there", w, kind, got)
			}
			masked = masked || want == Hide && (kind == chat.Email || kind == chat.Phone)
			if Decide(v, 3, kind) == Show {
				t.Errorf("%+v, %s: shown in an account they do not belong to", w, kind)
			}
		}
		if got := MaskedIn(v, 1); got != masked {
			t.Errorf("%+v: MaskedIn is %v", w, got)
		}
	}
	if rows < 2000 {
		t.Errorf("the table has %d rows", rows)
	}
}

func TestDecideHidesFromWhoeverIsNotFilledIn(t *testing.T) {
	t.Parallel()
	zero := []*chat.Viewer{{}, {User: &chat.User{ID: 1}}, {SuperAdmin: true, Policy: chat.PolicyRead}, {Service: &chat.Service{Scopes: chat.Scopes}},
		{User: &chat.User{ID: 1}, Memberships: []chat.Membership{{Account: chat.Account{ID: 1}, Role: chat.Administrator}}}}
	for i, v := range zero {
		for _, kind := range chat.Kinds {
			for account := range int64(3) {
				if Decide(v, account, kind) != Hide {
					t.Errorf("viewer %d sees %s of account %d", i, kind, account)
				}
			}
		}
	}
	var none Verdict
	if none != Hide {
		t.Error("a decision nobody took shows")
	}
}

func TestServiceWithOtherScopesSeesNothing(t *testing.T) {
	t.Parallel()
	opens := []chat.Scope{chat.ScopePIIEmail, chat.ScopePIIPhone, chat.ScopePIIIdentifier, chat.ScopeChannelAddress, chat.ScopePIIAttributes}
	var others []chat.Scope
	for _, s := range chat.Scopes {
		if !slices.Contains(opens, s) {
			others = append(others, s)
		}
	}
	v := who{kind: chat.KindService, role: "in the account", readable: true, scopes: others}.viewer()
	for _, kind := range chat.Kinds {
		if Decide(v, 1, kind) == Show {
			t.Errorf("%s is shown for other scopes", kind)
		}
	}
	v.Service.Scopes = opens
	for _, kind := range chat.Kinds {
		if Decide(v, 1, kind) == Hide {
			t.Errorf("%s is shown for no scope", kind)
		}
	}
}

func TestMasked(t *testing.T) {
	t.Parallel()
	agent, administrator := chat.Agent, chat.Administrator
	for _, c := range []struct {
		setting chat.Masking
		role    *chat.Role
		want    bool
	}{
		{chat.Masking{}, nil, true}, {chat.Masking{}, &agent, true}, {chat.Masking{}, &administrator, false},
		{chat.Masking{Masked: true, Version: 1}, &administrator, true}, {chat.Masking{Version: 1}, &agent, false},
		{chat.Masking{Version: 1}, nil, false}, {chat.Masking{Masked: true}, &administrator, false},
	} {
		if got := Masked(c.setting, c.role); got != c.want {
			t.Errorf("%+v, %v: %v", c.setting, c.role, got)
		}
	}
}

func TestPolicyVersion(t *testing.T) {
	t.Parallel()
	// Whoever sees something else has another version; whoever differs in nothing has the same one.
	seen := map[string]string{}
	for _, w := range everybody() {
		v := w.viewer()
		version := PolicyVersion(v)
		if again := PolicyVersion(w.viewer()); again != version {
			t.Errorf("%+v: %s, then %s", w, version, again)
		}
		sees := fmt.Sprint(v.Kind(), v.Policy, v.Masking)
		for _, a := range v.Accounts() {
			for _, kind := range chat.Kinds {
				sees += fmt.Sprint("/", a.ID, kind, Decide(v, a.ID, kind))
			}
		}
		if other, ok := seen[version]; ok && other != sees {
			t.Errorf("one version for two policies:\n%s\n%s", other, sees)
		}
		seen[version] = sees
	}
	v := who{kind: chat.KindAgent, role: chat.Agent, flag: true, readable: true}.viewer()
	before := PolicyVersion(v)
	for what, change := range map[string]func(v *chat.Viewer){
		"the setting":             func(v *chat.Viewer) { v.Masking = chat.Masking{Version: 1} },
		"masked, said explicitly": func(v *chat.Viewer) { v.Masking = chat.Masking{Masked: true, Version: 1} },
		"the flag":                func(v *chat.Viewer) { v.Memberships[1].Account.Settings.ContactPIIMasking = false },
		"the role":                func(v *chat.Viewer) { v.Memberships[1].Role = chat.Administrator },
		"the policy unreadable":   func(v *chat.Viewer) { v.Policy = chat.PolicyUnreadable },
		"a membership":            func(v *chat.Viewer) { v.Memberships = v.Memberships[:1] },
	} {
		changed := who{kind: chat.KindAgent, role: chat.Agent, flag: true, readable: true}.viewer()
		change(changed)
		if PolicyVersion(changed) == before {
			t.Errorf("%s changed, the version did not", what)
		}
	}
}
