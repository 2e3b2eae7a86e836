package chat

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// values holds fields in clear.
func values(fields map[Field]string) Values {
	var present Fields
	for f := range fields {
		present = present.With(f)
	}
	return Values{Present: present, Open: func(f Field) (PII, error) { return PII(fields[f]), nil }}
}

// clear makes values comparable: PII as text, attributes as their JSON.
func clear(list []PII) []string {
	var texts []string
	for _, p := range list {
		texts = append(texts, p.Reveal())
	}
	return texts
}

func text(p *PII) string {
	if p == nil {
		return "-"
	}
	return p.Reveal()
}

func attributes(list []*CustomAttribute) map[string]string {
	m := map[string]string{}
	for _, a := range list {
		m[a.Key] = "-"
		if a.Value != nil {
			m[a.Key] = string(a.Value.Reveal())
		}
	}
	return m
}

type headers struct {
	Subject                         string
	From, To, Cc, Bcc               []string
	MessageID, InReplyTo, Submitted string
}

func TestEmailHeaders(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		raw  string
		want *headers // nil: the message was no e-mail
	}{
		"incoming": {`{"cc_email":["c@x.example"],"bcc_email":null,"email":{"from":["a@x.example"],"to":["b@x.example","d@x.example"],"cc":null,"bcc":[],
			"subject":"Hi","message_id":"m1@x.example","in_reply_to":"m0@x.example","references":["r@x.example"],"date":"2026-06-01T10:00:00Z",
			"multipart":true,"number_of_attachments":0,"headers":null,"text_content":{"full":"hi","reply":"hi","quoted":"hi"}}}`,
			&headers{Subject: "Hi", From: []string{"a@x.example"}, To: []string{"b@x.example", "d@x.example"}, MessageID: "m1@x.example", InReplyTo: "m0@x.example", Submitted: "-"}},
		"outgoing": {`{"to_emails":["a@x.example"],"cc_emails":["b@x.example"],"bcc_emails":["c@x.example"],"email":{"html_content":{"full":"<p>","reply":"<p>"}}}`,
			&headers{To: []string{"a@x.example"}, Cc: []string{"b@x.example"}, Bcc: []string{"c@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"both": {`{"to_emails":["a@x.example"],"email":{"to":"b@x.example"}}`,
			&headers{To: []string{"a@x.example", "b@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"one string for a list": {`{"cc_emails":"a@x.example"}`, &headers{Cc: []string{"a@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"submitted":             {`{"submitted_email":"a@x.example"}`, &headers{MessageID: "-", InReplyTo: "-", Submitted: "a@x.example"}},
		"subject alone":         {`{"email":{"subject":""}}`, &headers{MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"nulls and blanks":      {`{"to_emails":[null,"","a@x.example"],"cc_emails":null,"bcc_emails":"","submitted_email":""}`, &headers{To: []string{"a@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"a list of other types": {`{"to_emails":[1,{"address":"z"},"a@x.example"]}`, &headers{To: []string{"a@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"one part of another type": {`{"submitted_email":5,"cc_emails":["a@x.example"]}`,
			&headers{Cc: []string{"a@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"email of another type": {`{"email":"x","submitted_email":"a@x.example"}`, &headers{MessageID: "-", InReplyTo: "-", Submitted: "a@x.example"}},
		"a subject of another type": {`{"email":{"subject":5,"from":["a@x.example"],"message_id":["m"]}}`,
			&headers{From: []string{"a@x.example"}, MessageID: "-", InReplyTo: "-", Submitted: "-"}},
		"only blanks":     {`{"to_emails":[],"cc_emails":[""],"submitted_email":null}`, nil},
		"no e-mail":       {`{"in_reply_to":5,"items":[{"title":"x"}],"deleted":true}`, nil},
		"empty":           {`{}`, nil},
		"not an object":   {`["a@x.example"]`, nil},
		"not JSON":        {`--- !ruby/hash`, nil},
		"null":            {`null`, nil},
		"broken in there": {`{"to_emails":["a@x.example"`, nil},
	} {
		m := &Message{AccountID: 3, Values: values(map[Field]string{FieldContentAttributes: c.raw})}
		h, err := m.Email()
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		var got *headers
		if h != nil {
			got = &headers{From: clear(h.From), To: clear(h.To), Cc: clear(h.Cc), Bcc: clear(h.Bcc),
				MessageID: text(h.MessageID), InReplyTo: text(h.InReplyTo), Submitted: text(h.SubmittedEmail)}
			if h.Subject != nil {
				got.Subject = *h.Subject
			}
			if h.Owner() != 3 {
				t.Errorf("%s: owned by account %d", name, h.Owner())
			}
			if want := len(got.From)+len(got.To)+len(got.Cc)+len(got.Bcc) > 0 || got.Submitted != "-"; h.HasAddress() != want {
				t.Errorf("%s: HasAddress is %v", name, h.HasAddress())
			}
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
	}
	if h, err := new(Message).Email(); h != nil || err != nil {
		t.Errorf("a message without attributes has headers %v, %v", h, err)
	}
}

func TestContactProfile(t *testing.T) {
	t.Parallel()
	const full = `{"company_name":"Acme","city":"Lisboa","country":"Portugal","country_code":"PT","social_profiles":{"github":"ann","twitter":null,"x":{"id":1}},
		"screen_name":"ann","created_at_ip":"192.0.2.1","avatar_url_hash":"0123","last_avatar_sync_at":"2026-01-01","external":{"crm":7},"language_code":null}`
	c := &Contact{AccountID: 2, Attributes: values(map[Field]string{FieldProfile: full, FieldCustomAttributes: `{"b":1,"a":[" x"],"n":null}`})}
	p, err := c.Profile()
	if err != nil {
		t.Fatal(err)
	}
	if *p.CompanyName != "Acme" || *p.City != "Lisboa" || *p.Country != "Portugal" || *p.CountryCode != "PT" || p.AccountID != 2 {
		t.Errorf("%+v", p)
	}
	if diff := cmp.Diff(map[string]string{"github": `"ann"`, "twitter": "-", "x": `{"id":1}`}, attributes(p.SocialProfiles)); diff != "" {
		t.Error(diff)
	}
	others := map[string]string{"screen_name": `"ann"`, "created_at_ip": `"192.0.2.1"`, "external": `{"crm":7}`, "language_code": "-"}
	if diff := cmp.Diff(others, attributes(p.Others)); diff != "" {
		t.Errorf("an address can be confirmed by what is left: %s", diff)
	}
	list, err := c.CustomAttributes()
	if err != nil || len(list) != 3 || list[0].Key != "a" || list[1].Key != "b" || list[2].Key != "n" || list[0].Owner() != 2 {
		t.Errorf("custom attributes %v, %v", list, err)
	}
	if diff := cmp.Diff(map[string]string{"a": `[" x"]`, "b": "1", "n": "-"}, attributes(list)); diff != "" {
		t.Error(diff)
	}
	p, err = (&Contact{Attributes: values(map[Field]string{FieldProfile: `{"city":5,"country":null,"company_name":"","social_profiles":"none"}`})}).Profile()
	if err != nil || p.City != nil || p.Country != nil || p.CompanyName != nil {
		t.Errorf("%+v, %v", p, err)
	}
	if diff := cmp.Diff(map[string]string{"city": "5", "social_profiles": `"none"`}, attributes(p.Others)); diff != "" {
		t.Error(diff)
	}
	for _, absent := range []map[Field]string{{}, {FieldProfile: "{}"}} {
		if p, err := (&Contact{Attributes: values(absent)}).Profile(); p != nil || err != nil {
			t.Errorf("%v: %v, %v", absent, p, err)
		}
	}
}

func TestValues(t *testing.T) {
	t.Parallel()
	broken := Values{Present: Fields(0).With(FieldEmail), Open: func(Field) (PII, error) { return "", ErrUnreadable }}
	c := &Contact{ID: 1, ListedName: "Ann", Values: broken}
	if p, err := c.Email(); p != nil || !errors.Is(err, ErrUnreadable) {
		t.Errorf("%v, %v", p, err)
	}
	if p, err := c.PhoneNumber(); p != nil || err != nil {
		t.Errorf("an absent phone: %v, %v", p, err)
	}
	if name, err := c.FullName(); name != "Ann" || err != nil {
		t.Errorf("%v, %v", name, err)
	}
	c.Values = values(map[Field]string{FieldName: secret})
	if name, err := c.FullName(); name != secret || err != nil {
		t.Errorf("%v, %v", name, err)
	}
	if _, err := (&Contact{}).Email(); err == nil || errors.Is(err, ErrUnreadable) {
		t.Errorf("values that were not loaded: %v", err)
	}
	if _, err := (&Contact{}).Alias(); err == nil {
		t.Error("an alias without keys")
	}
	for _, raw := range []string{`[1]`, `"x"`, `{`, `5`} {
		if _, err := (&Conversation{Values: values(map[Field]string{FieldCustomAttributes: raw})}).CustomAttributes(); !errors.Is(err, ErrUnreadable) {
			t.Errorf("%s: %v", raw, err)
		}
	}
	if list, err := (&Conversation{Values: values(nil)}).CustomAttributes(); len(list) != 0 || err != nil {
		t.Errorf("%v, %v", list, err)
	}
	v := values(map[Field]string{FieldMeta: `{"a":null}`})
	object, err := v.Object(FieldMeta)
	if diff := cmp.Diff(map[string]json.RawMessage{"a": json.RawMessage("null")}, object); diff != "" || err != nil {
		t.Error(diff, err)
	}
}
