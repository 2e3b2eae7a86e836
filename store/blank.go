package store

import (
	"context"
	"fmt"
)

// blankPlain empties the personal columns of an account whose rows all have sealed twins. source_id must stay
// unique within its inbox, hence a random stand-in that nothing reads.
var blankPlain = []string{
	`UPDATE contacts t SET email = NULL, phone_number = NULL, identifier = NULL, additional_attributes = '{}', custom_attributes = '{}',
 location = '', country_code = '', name = CASE WHEN s.name_sealed IS NULL THEN t.name ELSE '' END
 FROM cloakroom.contacts s WHERE s.account_id = $1 AND t.account_id = $1 AND s.contact_id = t.id`,
	`UPDATE contact_inboxes t SET source_id = gen_random_uuid()::text
 FROM cloakroom.contact_inboxes s WHERE s.account_id = $1 AND s.contact_inbox_id = t.id`,
	`UPDATE conversations t SET additional_attributes = '{}', custom_attributes = '{}', identifier = NULL
 FROM cloakroom.conversations s WHERE s.account_id = $1 AND t.account_id = $1 AND s.conversation_id = t.id`,
	`UPDATE messages t SET content = NULL, content_attributes = NULL, processed_message_content = NULL, source_id = NULL,
 additional_attributes = '{}', external_source_ids = '{}', sentiment = '{}'
 FROM cloakroom.messages s WHERE s.account_id = $1 AND t.account_id = $1 AND s.conversation_id = t.conversation_id AND s.message_id = t.id`,
	`UPDATE active_storage_blobs b SET filename = 'file' FROM active_storage_attachments f, cloakroom.attachments s
 WHERE s.account_id = $1 AND f.record_type = 'Attachment' AND f.record_id = s.attachment_id AND b.id = f.blob_id`,
	`UPDATE attachments t SET fallback_title = NULL, meta = '{}', external_url = NULL
 FROM cloakroom.attachments s WHERE s.account_id = $1 AND t.account_id = $1 AND s.attachment_id = t.id`,
	`UPDATE notes t SET content = '' FROM cloakroom.notes s WHERE s.account_id = $1 AND t.account_id = $1 AND s.note_id = t.id`,
}

// blankCopies empties what Chatwoot derives from messages and contacts and Cloakroom does not serve.
var blankCopies = []string{
	`UPDATE csat_survey_responses SET feedback_message = NULL, csat_review_notes = NULL WHERE account_id = $1`,
	`UPDATE notifications SET meta = '{}' WHERE account_id = $1`,
	`UPDATE calls SET transcript = NULL, meta = '{}' WHERE account_id = $1`,
	`UPDATE companies SET domain = NULL, name = 'Company ' || id, description = NULL, additional_attributes = '{}', custom_attributes = '{}' WHERE account_id = $1`,
	`UPDATE custom_filters SET query = '{"payload": []}' WHERE account_id = $1`,
	`UPDATE active_storage_blobs b SET filename = 'avatar' FROM active_storage_attachments f, contacts c
 WHERE c.account_id = $1 AND f.record_type = 'Contact' AND f.record_id = c.id AND b.id = f.blob_id`,
	`UPDATE integrations_hooks SET access_token = NULL, settings = '{}' WHERE account_id = $1`,
}

// BlankDemo empties the personal columns of the demo's sealed account, for which no Rails is running, and has
// PostgreSQL rewrite the tables, so that no old row version keeps what was there. It is not for a live Chatwoot.
func (s *Store) BlankDemo(ctx context.Context, accountID int64) error {
	err := s.InTx(ctx, func(tx *Store) error {
		for _, sql := range append(blankPlain[:len(blankPlain):len(blankPlain)], blankCopies...) {
			if _, err := tx.db.Exec(ctx, sql, accountID); err != nil {
				return fmt.Errorf("empty the plain columns of account %d: %w", accountID, err)
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	for _, table := range []string{"contacts", "contact_inboxes", "conversations", "messages", "attachments", "notes",
		"active_storage_blobs", "csat_survey_responses", "notifications", "calls", "companies", "custom_filters", "integrations_hooks"} {
		if _, err := s.db.Exec(ctx, "VACUUM (FULL, ANALYZE) "+table); err != nil {
			return fmt.Errorf("rewrite table %s: %w", table, err)
		}
	}
	return nil
}
