package leaktest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// Hidden gives what masking hides of some accounts, 0 being the installation's own credentials: every planted value but
// those in texts that people wrote.
func Hidden(demo schema.Data, accountIDs ...int64) *Needles { return planted(demo, accountIDs, false) }

// Sealed gives everything that must not lie anywhere in clear: every planted value of some accounts, and fragments of
// their messages.
func Sealed(demo schema.Data, accountIDs ...int64) *Needles {
	n := planted(demo, accountIDs, true)
	for _, id := range accountIDs {
		for _, fragment := range demo.MessageTexts(id) {
			n.PlantText("text of a message", fragment)
		}
	}
	return n
}

func planted(demo schema.Data, accountIDs []int64, freeText bool) *Needles {
	n := NewNeedles()
	for _, c := range demo.Canaries() {
		if slices.Contains(accountIDs, c.AccountID) && (freeText || !c.FreeText) {
			n.Plant(c.Carrier, c.Value)
		}
	}
	return n
}

// Shown are the carriers that the schema shows to viewers who may see them: whoever looks for leaks proves first that
// these are found where they may be. The others, such as hashes of addresses, tokens of channels and raw headers, have
// no field.
var Shown = []string{
	"P01 contacts.email", "P02 contacts.phone_number", "P03 contacts.identifier", "P04 contacts.name",
	"P05 additional_attributes.social_profiles", "P05 additional_attributes.screen_name", "P05 additional_attributes.username",
	"P05 additional_attributes.source_id", "P05 additional_attributes.external", "P05 additional_attributes.description",
	"P05 additional_attributes.created_at_ip", "P05 additional_attributes.unknown_key", "P06 contacts.custom_attributes",
	"P10 contact_inboxes.source_id", "P14 content_attributes.email", "P14 content_attributes.email.message_id",
	"P15 content_attributes.cc_emails", "P16 content_attributes.submitted_email", "P21 attachments.fallback_title",
	"P21 attachments.meta", "P21 attachment file name", "P22 conversations.additional_attributes.mail_subject",
	"P22 conversations.custom_attributes",
}

// FindInAnswer is Find for a JSON text, and says of each hit where it stands. What no single value or key holds, such
// as a value that two of them make together, is given without.
func (n *Needles) FindInAnswer(body []byte) []Hit {
	hits := n.Find(body)
	if len(hits) == 0 {
		return nil
	}
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	var answer any
	if decoder.Decode(&answer) != nil {
		return hits
	}
	where := make(map[needle]string)
	n.locate(answer, "", where)
	for i, h := range hits {
		hits[i].Path = where[needle{h.Carrier, h.Form, h.Text}]
	}
	return hits
}

// locate notes the first place of each needle.
func (n *Needles) locate(value any, path string, where map[needle]string) {
	switch v := value.(type) {
	case map[string]any:
		for key, inner := range v {
			below := key
			if path != "" {
				below = path + "." + key
			}
			n.look(key, below+" (the key)", where)
			n.locate(inner, below, where)
		}
	case []any:
		for i, inner := range v {
			n.locate(inner, fmt.Sprintf("%s[%d]", path, i), where)
		}
	case string:
		n.look(v, path, where)
	case json.Number:
		n.look(v.String(), path, where)
	}
}

func (n *Needles) look(text, path string, where map[needle]string) {
	for _, h := range n.Find([]byte(text)) {
		key := needle{h.Carrier, h.Form, h.Text}
		if first, found := where[key]; !found || path < first {
			where[key] = path
		}
	}
}
