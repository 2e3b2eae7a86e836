package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/store/storetest"
)

type changes = map[chat.Field]*chat.PII

func to(s string) *chat.PII {
	p := chat.PII(s)
	return &p
}

func (r *replica) put(id int64, change changes) {
	r.t.Helper()
	if err := r.PutContact(r.t.Context(), r.account(schema.Acme), id, change); err != nil {
		r.t.Errorf("change contact %d: %v", id, err)
	}
}

// whole gives every value of a contact as the next request would show it, its true name included.
func (r *replica) whole(id int64) map[string]string {
	r.t.Helper()
	c := r.contacts(r.account(schema.Acme), id)[0]
	c.ListedName = plainValue(r, id, "name")
	rows := Rows{Contacts: []*chat.Contact{c}, ContactAttributes: []*chat.Contact{c}}
	return values(r.t, rows)
}

func TestPutContact(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	want := r.whole(everything)
	name := func(f string) string { return fmt.Sprintf("contact %d %s", everything, f) }
	r.put(everything, changes{chat.FieldEmail: to("new.address@example.org"), chat.FieldIdentifier: nil})
	want[name("email")] = "new.address@example.org"
	delete(want, name("identifier"))
	if diff := cmp.Diff(want, r.whole(everything)); diff != "" {
		t.Error(diff)
	}
	r.put(everything, changes{chat.FieldProfile: to(`{"city":"Porto"}`), chat.FieldCustomAttributes: to(`{}`), chat.FieldPhone: to("")})
	want[fmt.Sprintf("contact_attributes %d profile", everything)] = `{"city":"Porto"}`
	delete(want, fmt.Sprintf("contact_attributes %d custom_attributes", everything))
	delete(want, name("phone_number"))
	if diff := cmp.Diff(want, r.whole(everything)); diff != "" {
		t.Error(diff)
	}
	if v := storetest.Value[int64](t, r.store, `SELECT row_version FROM cloakroom.contacts WHERE account_id = 1 AND contact_id = $1`, everything); v != 3 {
		t.Errorf("row version %d after two changes", v)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM contacts WHERE email LIKE 'new.address%'`); n != 0 {
		t.Error("the new address stands in Chatwoot's column")
	}
	if n := r.counted(unreadableCounter, ""); n != 0 {
		t.Errorf("%v values did not open", n)
	}
}

func TestPutContactFindsNewAddressesAndNoOldOnes(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	find := func(f chat.Field, value string) string {
		c, err := r.LookupContact(t.Context(), r.account(schema.Acme), LookupField{Field: f, Value: chat.PII(value)})
		if err != nil {
			return string(chat.CodeOf(err))
		}
		return chat.FormatID(c.ID)
	}
	oldEmail, phone, identifier := plainValue(r, everything, "email"), plainValue(r, everything, "phone_number"), plainValue(r, everything, "identifier")
	r.put(everything, changes{chat.FieldEmail: to("Moved@Example.org")})
	for _, c := range []struct {
		f     chat.Field
		value string
		want  string
	}{
		{chat.FieldEmail, oldEmail, "NOT_FOUND"}, {chat.FieldEmail, " moved@example.ORG", "1"},
		{chat.FieldPhone, phone, "1"}, {chat.FieldIdentifier, identifier, "1"},
	} {
		if got := find(c.f, c.value); got != c.want {
			t.Errorf("by %s: %s, want %s", fieldNames[c.f], got, c.want)
		}
	}
	r.put(everything, changes{chat.FieldEmail: nil, chat.FieldPhone: nil, chat.FieldIdentifier: nil})
	if got := find(chat.FieldEmail, "moved@example.org") + find(chat.FieldPhone, phone) + find(chat.FieldIdentifier, identifier); got != strings.Repeat("NOT_FOUND", 3) {
		t.Error(got)
	}
	if n := storetest.Value[int64](t, r.store, `SELECT count(*) FROM cloakroom.lookup_tags WHERE account_id = 1 AND contact_id = $1`, everything); n != 0 {
		t.Errorf("%d tags are left", n)
	}
}

// TestPutContactName follows the rule of sealing: a name is sealed away exactly while it is an address.
func TestPutContactName(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	for i, step := range []struct {
		change changes
		listed string
		full   string
	}{
		{changes{chat.FieldName: to("Inês Moura")}, "Inês Moura", "Inês Moura"},
		{changes{chat.FieldEmail: to("inês moura@example.org")}, "", "Inês Moura"}, // the local part of an address now
		{changes{chat.FieldCustomAttributes: nil}, "", "Inês Moura"},
		{changes{chat.FieldEmail: to("other@example.org")}, "Inês Moura", "Inês Moura"},
		{changes{chat.FieldName: to("+1 555-201-0001")}, "", "+1 555-201-0001"},
		{changes{chat.FieldName: to("Inês")}, "Inês", "Inês"},
		{changes{chat.FieldName: nil}, "", ""},
	} {
		r.put(everything, step.change)
		c := r.contacts(r.account(schema.Acme), everything)[0]
		c.ListedName = plainValue(r, everything, "name")
		full, err := c.FullName()
		if c.ListedName != step.listed || full != step.full || err != nil {
			t.Errorf("step %d: listed %q, full %q, %v", i, c.ListedName, full, err)
		}
	}
	// While plain columns are kept beside the sealed ones, a name that was sealed away is left as Chatwoot has it.
	account := r.account(schema.Acme)
	account.Settings.Phases[chat.Contacts] = chat.ReadSealed
	const other = schema.ContactNamedByEmail
	before := plainValue(r, other, "name")
	if err := r.PutContact(t.Context(), account, other, changes{chat.FieldCustomAttributes: nil}); err != nil {
		t.Fatal(err)
	}
	if after := plainValue(r, other, "name"); after != before || before == "" {
		t.Errorf("listed %q, then %q", before, after)
	}
}

func TestPutContactRefuses(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	acme := r.account(schema.Acme)
	const mail = "nobody@example.org"
	for name, c := range map[string]struct {
		account *chat.Account
		id      int64
		change  changes
		code    chat.Code
	}{
		"an unknown contact":           {acme, 999_999, changes{chat.FieldEmail: to(mail)}, chat.NotFound},
		"another account's contact":    {acme, schema.ContactOfBorealis, changes{chat.FieldEmail: to(mail)}, chat.NotFound},
		"an account in clear":          {r.account(schema.Borealis), schema.ContactOfBorealis, changes{chat.FieldEmail: to(mail)}, chat.Internal},
		"a field of a message":         {acme, everything, changes{chat.FieldContent: to(mail)}, chat.Internal},
		"a profile that is no object":  {acme, everything, changes{chat.FieldProfile: to(`["` + mail + `"]`)}, chat.Internal},
		"attributes that are not JSON": {acme, everything, changes{chat.FieldCustomAttributes: to(mail)}, chat.Internal},
	} {
		err := r.PutContact(t.Context(), c.account, c.id, c.change)
		if err == nil || chat.CodeOf(err) != c.code || strings.Contains(err.Error(), "nobody") {
			t.Errorf("%s: %v", name, err)
		}
	}
	if v := storetest.Value[int64](t, r.store, `SELECT max(row_version) FROM cloakroom.contacts`); v != 1 {
		t.Errorf("row version %d after changes that were refused", v)
	}
}

// TestPutContactOverBroken: a value that does not open stops a change that would keep it, not one that replaces it.
func TestPutContactOverBroken(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	storetest.Exec(t, r.store, `UPDATE cloakroom.contacts SET email_sealed = '\x0102' WHERE account_id = 1 AND contact_id = $1`, everything)
	before := r.whole(everything)
	err := r.PutContact(t.Context(), r.account(schema.Acme), everything, changes{chat.FieldPhone: to("+351912345678")})
	if !errors.Is(err, chat.ErrUnreadable) {
		t.Errorf("%v", err)
	}
	if diff := cmp.Diff(before, r.whole(everything)); diff != "" {
		t.Errorf("a change that failed left a trace: %s", diff)
	}
	r.put(everything, changes{chat.FieldEmail: to("fresh@example.org")})
	if got := r.email(everything); got != "fresh@example.org" {
		t.Error(got)
	}
}

func TestPutContactWritersLoseNothing(t *testing.T) {
	t.Parallel()
	one := newSealed(t)
	two := newReplica(t, one.store, nil)
	const rounds = 8
	fields := map[chat.Field]string{chat.FieldEmail: "w%d@example.org", chat.FieldPhone: "+35191234567%d", chat.FieldIdentifier: "crm-w%d",
		chat.FieldName: "Name %d", chat.FieldProfile: `{"city":"C%d"}`, chat.FieldCustomAttributes: `{"k":%d}`}
	var writers sync.WaitGroup
	for f, format := range fields {
		writers.Go(func() {
			for i := range rounds {
				r := []*replica{one, two}[i%2]
				r.put(everything, changes{f: to(fmt.Sprintf(format, i))})
			}
		})
	}
	writers.Wait()
	c := two.contacts(two.account(schema.Acme), everything)[0]
	c.ListedName = plainValue(two, everything, "name")
	for f, format := range fields {
		v := &c.Values
		if f == chat.FieldProfile || f == chat.FieldCustomAttributes {
			v = &c.Attributes
		}
		got := show(v.Get(f))
		if f == chat.FieldName {
			got, _ = c.FullName()
		}
		if want := fmt.Sprintf(format, rounds-1); got != want {
			t.Errorf("%s is %q, want %q", fieldNames[f], got, want)
		}
	}
	version := storetest.Value[int64](t, one.store, `SELECT row_version FROM cloakroom.contacts WHERE account_id = 1 AND contact_id = $1`, everything)
	if want := int64(1 + rounds*len(fields)); version != want {
		t.Errorf("row version %d, want %d", version, want)
	}
}

// TestPutContactReadersRace has readers fill the cache all the while: after a change returns, nobody reads what was.
func TestPutContactReadersRace(t *testing.T) {
	t.Parallel()
	writer := newSealed(t)
	reader := newReplica(t, writer.store, nil)
	ctx, stop := context.WithCancel(t.Context())
	var readers sync.WaitGroup
	for range 3 {
		readers.Go(func() {
			account := reader.account(schema.Acme)
			for ctx.Err() == nil {
				c := &chat.Contact{ID: everything, AccountID: schema.Acme}
				if err := reader.Load(t.Context(), account, Rows{Contacts: []*chat.Contact{c}}); err != nil {
					t.Error(err)
					return
				}
				if _, err := c.Email(); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	for i := range 40 {
		want := fmt.Sprintf("race%d@example.org", i)
		writer.put(everything, changes{chat.FieldEmail: to(want)})
		for range 3 {
			if got := reader.email(everything); got != want {
				t.Errorf("change %d: %s", i, got)
			}
		}
	}
	stop()
	readers.Wait()
}

// dropFails lets a client's drops fail, and counts what it publishes. Fills carry NX, drops do not.
type dropFails struct {
	failing   atomic.Bool
	after     atomic.Int64 // drops that still succeed
	published atomic.Int64
}

var errDrop = errors.New("no connection")

func (h *dropFails) DialHook(next redis.DialHook) redis.DialHook { return next }

func (h *dropFails) ProcessHook(next redis.ProcessHook) redis.ProcessHook {
	return func(ctx context.Context, cmd redis.Cmder) error {
		if cmd.Name() == "publish" {
			h.published.Add(1)
		}
		return next(ctx, cmd)
	}
}

func (h *dropFails) ProcessPipelineHook(next redis.ProcessPipelineHook) redis.ProcessPipelineHook {
	return func(ctx context.Context, cmds []redis.Cmder) error {
		drop := cmds[0].Name() == "set" && fmt.Sprint(cmds[0].Args()[len(cmds[0].Args())-1]) != "nx"
		if drop && h.failing.Load() && h.after.Add(-1) < 0 {
			for _, cmd := range cmds {
				cmd.SetErr(errDrop)
			}
			return errDrop
		}
		return next(ctx, cmds)
	}
}

func TestPutContactRedisFails(t *testing.T) {
	t.Parallel()
	for name, succeed := range map[string]int64{"before the commit": 0, "after the commit": 1} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			writer := newSealed(t)
			hook := new(dropFails)
			writer.client.AddHook(hook)
			reader := newReplica(t, writer.store, nil)
			before := reader.account(schema.Acme).Settings.CacheEpoch
			if old := reader.email(everything); old != plainValue(reader, everything, "email") {
				t.Fatal(old)
			}
			reader.Settle()
			hook.after.Store(succeed)
			hook.failing.Store(true)
			writer.put(everything, changes{chat.FieldEmail: to("down@example.org")})
			for _, r := range []*replica{reader, writer} {
				if got := r.email(everything); got != "down@example.org" {
					t.Errorf("read %q", got)
				}
			}
			if e := reader.account(schema.Acme).Settings.CacheEpoch; e <= before {
				t.Errorf("epoch %d after %d", e, before)
			}
			if hook.published.Load() == 0 {
				t.Error("other replicas were not told")
			}
			hook.failing.Store(false)
			writer.put(everything, changes{chat.FieldEmail: to("up@example.org")})
			if got := reader.email(everything); got != "up@example.org" {
				t.Errorf("read %q", got)
			}
		})
	}
}

// TestPutContactOfAnOldEpoch: the epoch moved since the caller read the account; the record under the new one goes.
func TestPutContactOfAnOldEpoch(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	stale := r.account(schema.Acme)
	if err := r.store.MoveCacheEpoch(t.Context(), schema.Acme); err != nil {
		t.Fatal(err)
	}
	_ = r.email(everything)
	r.Settle()
	if err := r.PutContact(t.Context(), stale, everything, changes{chat.FieldEmail: to("stale@example.org")}); err != nil {
		t.Fatal(err)
	}
	if got := r.email(everything); got != "stale@example.org" {
		t.Error(got)
	}
}

// TestPutContactRollsBack: the caller goes away in the middle, and nothing has happened.
func TestPutContactRollsBack(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	before := r.whole(everything)
	ctx, cancel := context.WithCancel(t.Context())
	err := r.store.InTx(t.Context(), func(tx *store.Store) error { // holds the row, so that the change waits for it
		if _, err := tx.LockContact(t.Context(), schema.Acme, everything); err != nil {
			return err
		}
		done := make(chan error)
		go func() {
			done <- r.PutContact(ctx, r.account(schema.Acme), everything, changes{chat.FieldEmail: to("x@example.org")})
		}()
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("%v", err)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(before, r.whole(everything)); diff != "" {
		t.Error(diff)
	}
}
