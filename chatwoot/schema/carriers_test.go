package schema

import (
	"fmt"
	"strings"
	"testing"
)

func TestEveryCarrierIsPlantedThrice(t *testing.T) {
	t.Parallel()
	planted := map[string]int{}
	for _, c := range demo(t).Canaries() {
		if c.AccountID == Acme || c.AccountID == 0 {
			planted[c.Carrier]++
		}
	}
	for _, carrier := range Carriers() {
		if planted[carrier] < 3 {
			t.Errorf("%s: %d values, want 3 or more", carrier, planted[carrier])
		}
	}
	if len(planted) != len(Carriers()) {
		t.Errorf("%d carriers planted, %d listed", len(planted), len(Carriers()))
	}
}

// carrierPlaces says where each group of carriers lies, so that a carrier's name cannot drift from its column.
var carrierPlaces = map[string]string{
	"P01": "contacts.email", "P02": "contacts.phone_number", "P03": "contacts.identifier", "P04": "contacts.name",
	"P05": "contacts.additional_attributes", "P06": "contacts.custom_attributes", "P07": "active_storage_blobs.filename",
	"P08": "companies.domain", "P09": "notes.content", "P10": "contact_inboxes.source_id", "P12": "contact_inboxes.pubsub_token",
	"P13": "messages.source_id", "P14": "messages.content_attributes", "P15": "messages.content_attributes",
	"P16": "messages.content_attributes", "P17": "messages.content_attributes", "P18": "messages.processed_message_content",
	"P19": "messages.additional_attributes", "P23": "contacts.additional_attributes", "P27": "messages.content",
	"P29": "notifications.meta", "P31": "custom_filters.query",
	carrierReferer: "conversations.additional_attributes", carrierSubject: "conversations.additional_attributes",
	carrierInReplyTo: "conversations.additional_attributes", carrierTalkCustom: "conversations.custom_attributes",
	carrierTalkID: "conversations.identifier", carrierTalkUUID: "conversations.uuid",
	carrierCard: "attachments.fallback_title", carrierCardName: "attachments.meta", carrierTranscribed: "attachments.meta",
	carrierFile: "active_storage_blobs.filename", carrierCall: "calls.meta", carrierTranscript: "calls.transcript",
	carrierContent: "messages.content", carrierFeedback: "csat_survey_responses.feedback_message",
}

func TestCanariesLieWhereTheirCarrierSays(t *testing.T) {
	t.Parallel()
	d := demo(t)
	columns := columnTexts(t, d)
	for _, c := range d.Canaries() {
		if c.Carrier == carrierCredential {
			continue
		}
		place, ok := carrierPlaces[c.Carrier]
		if !ok {
			place, ok = carrierPlaces[c.Carrier[:3]]
		}
		if !ok {
			t.Fatalf("no place known for %s", c.Carrier)
		}
		if !strings.Contains(columns[place], c.Value) {
			t.Errorf("%s: %q does not stand in %s", c.Carrier, c.Value, place)
		}
	}
}

func columnTexts(t *testing.T, d Data) map[string]string {
	t.Helper()
	texts := map[string]*strings.Builder{}
	for _, table := range d.Tables {
		for i, column := range table.Columns {
			var text strings.Builder
			for _, values := range table.Rows {
				if s, ok := values[i].(string); ok {
					text.WriteString(s)
					text.WriteByte('\n')
				}
			}
			texts[table.Name+"."+column] = &text
		}
	}
	out := map[string]string{}
	for place, text := range texts {
		out[place] = text.String()
	}
	return out
}

// TestContentHoldsNoOtherCanary is what lets a test ask for messages and scan the answer for addresses.
func TestContentHoldsNoOtherCanary(t *testing.T) {
	t.Parallel()
	d := demo(t)
	var contents strings.Builder
	for _, m := range rows(t, d, "messages") {
		if s, ok := m["content"].(string); ok && m["message_type"] != activity {
			contents.WriteString(s)
			contents.WriteByte('\n')
		}
	}
	text := contents.String()
	for _, c := range d.Canaries() {
		if !c.FreeText && strings.Contains(text, c.Value) {
			t.Errorf("%s: %q stands in a message's content", c.Carrier, c.Value)
		}
		if len(c.Value) < 8 {
			t.Errorf("%s: %q is too short to be told from other text", c.Carrier, c.Value)
		}
	}
}

func TestOwnAddressesAreNoCanaries(t *testing.T) {
	t.Parallel()
	d := demo(t)
	for _, c := range d.Canaries() {
		for _, u := range d.Users {
			if c.Value == u.Email {
				t.Errorf("%s: a colleague's address", c.Carrier)
			}
		}
		for _, in := range inboxes {
			if c.Value == in.address {
				t.Errorf("%s: an inbox's address", c.Carrier)
			}
		}
	}
}

func TestMessageTexts(t *testing.T) {
	t.Parallel()
	d := demo(t)
	for account, least := range map[int64]int{Acme: 3000, Borealis: 150} {
		texts := d.MessageTexts(account)
		if len(texts) < least {
			t.Errorf("account %d: %d fragments, want %d or more", account, len(texts), least)
		}
		seen := map[string]bool{}
		for _, text := range texts {
			if len(text) < 12 || seen[text] {
				t.Errorf("account %d: fragment %q is short or comes twice", account, text)
			}
			seen[text] = true
		}
	}
}

var landmarks = map[int64]row{
	ContactWithEverything:        {"name": "Inês Moura", "email": "ines.moura.001@example.com", "phone_number": "+15552010001", "identifier": "crm-9001"},
	ContactNamedByPhone:          {"name": "+15552010013", "email": nil},
	ContactNamedBySpacedPhone:    {"name": "+1 555-201-0016"},
	ContactNamedByBracketedPhone: {"name": "(555) 201-0019"},
	ContactNamedByDigits:         {"name": "15552010022"},
	ContactNamedInActivity:       {"name": "+1 555-201-0025"},
	ContactIdentifiedByPhone:     {"identifier": "+15552010031"},
	ContactIdentifiedByJID:       {"identifier": "15552010034@s.whatsapp.net"},
	ContactWithoutAddress:        {"email": nil, "phone_number": nil, "identifier": nil},
	ContactWithBlankPhone:        {"email": nil, "phone_number": "", "identifier": nil},
	ContactWithTelPhone:          {"phone_number": "tel:+15552010043"},
	ContactWithSharedPhone + 1:   {"phone_number": "+15552010050"},
	ContactInBritain:             {"phone_number": "+447700900063"},
	ContactWithBlankIdentifier:   {"identifier": ""},
	ContactBlocked:               {"blocked": true},
	ContactWithoutName:           {"name": ""},
	ContactOfBorealis:            {"account_id": Borealis, "phone_number": "+15552020301"},
}

func TestLandmarks(t *testing.T) {
	t.Parallel()
	contacts := map[int64]row{}
	for _, r := range rows(t, demo(t), "contacts") {
		contacts[r["id"].(int64)] = r
	}
	for id, want := range landmarks {
		for column, value := range want {
			if got := contacts[id][column]; got != value {
				t.Errorf("contact %d: %s is %v, want %v", id, column, got, value)
			}
		}
	}
	text := func(id int64, column string) string { return fmt.Sprint(contacts[id][column]) }
	if text(ContactNamedByEmail, "name") != text(ContactNamedByEmail, "email") {
		t.Error("contact 4 is not named by the e-mail")
	}
	if local, _, _ := strings.Cut(text(ContactNamedByLocalPart, "email"), "@"); text(ContactNamedByLocalPart, "name") != local {
		t.Error("contact 7 is not named by the local part")
	}
	if text(ContactIdentifiedByEmail, "identifier") != text(ContactIdentifiedByEmail, "email") {
		t.Error("contact 28 is not identified by the e-mail")
	}
	if text(ContactWithLowerCaseTwin, "email") != strings.ToLower(text(ContactWithUpperCaseEmail, "email")) || text(ContactWithLowerCaseTwin, "email") == text(ContactWithUpperCaseEmail, "email") {
		t.Error("contacts 46 and 47 are no twins")
	}
	if _, ok := contacts[ContactDeleted]; ok {
		t.Error("contact 271 has a row")
	}
}

func TestAccountsShareNoAddress(t *testing.T) {
	t.Parallel()
	var acme, borealis = map[string]bool{}, 0
	for _, c := range demo(t).Canaries() {
		if c.AccountID == Acme {
			acme[c.Value] = true
		}
	}
	for _, c := range demo(t).Canaries() {
		if c.AccountID == Borealis {
			borealis++
			if acme[c.Value] {
				t.Errorf("%s of Borealis is planted in Acme as well", c.Carrier)
			}
		}
	}
	if borealis == 0 {
		t.Error("Borealis has no canaries to compare")
	}
}
