package vault

import (
	"encoding/json"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// facts writes the lists of what Chatwoot keeps in clear.
func (x *exporting) facts() {
	open, first := false, true
	err := x.vault.store.EachExportFact(x.ctx, x.account.ID, x.contactID, func(name string) error {
		if open {
			x.text("]")
		}
		open, first = true, true
		x.text(",\n\"" + name + `":[`)
		return x.err
	}, func(fact json.RawMessage) error {
		x.separate(first)
		first = false
		x.json(fact)
		return x.err
	})
	if open {
		x.text("]")
	}
	if x.err == nil {
		x.err = err
	}
}

// audit writes what is on record about the contact, this export included.
func (x *exporting) audit() {
	types := []string{recordNames[chat.ContactRecord], recordNames[chat.ContactAttributesRecord]}
	for after := int64(0); x.err == nil; {
		page, err := x.vault.store.ListEntityAudit(x.ctx, x.account.ID, types, chat.FormatID(x.contactID), after, exportPage)
		if err != nil {
			x.err = err
			return
		}
		for i := range page {
			x.separate(after == 0 && i == 0)
			x.entry(&page[i])
		}
		if len(page) < exportPage {
			return
		}
		after = page[len(page)-1].ID
	}
}

func (x *exporting) entry(row *store.AuditRow) {
	var details any = unreadableValue
	if known, err := openDetails(x.keys, row); err != nil {
		x.unreadable++
	} else {
		delete(known, detailFrom) // where colleagues sit is not the customer's
		details = known
	}
	x.json(map[string]any{"id": row.ID, "at": row.OccurredAt.UTC(), "action": row.Action, "actor": row.Actor.Kind + " " + row.Actor.ID, "details": details})
}
