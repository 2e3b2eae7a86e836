package main

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// weight is how much room something takes.
type weight struct {
	what  string
	side  string // sealed or twin
	bytes int64
	rows  int
}

// weighed lists what is weighed: tables without their indexes, columns by the sum of their values, indexes whole.
var weighed = []struct {
	side, what, sql string
	rows            rowsOf
}{
	{"sealed", "message_tokens, heap", heapOf("cloakroom.message_tokens"), ofMessages},
	{"sealed", "message_tokens_by_token, GIN", indexOf("cloakroom.message_tokens_by_token"), ofMessages},
	{"sealed", "message_tokens_by_time", indexOf("cloakroom.message_tokens_by_time"), ofMessages},
	{"sealed", "message_tokens_pkey", indexOf("cloakroom.message_tokens_pkey"), ofMessages},
	{"twin", "messages.words, the tsvector column", `SELECT sum(pg_column_size(words))::int8 FROM twin.messages`, ofMessages},
	{"twin", "messages_by_word, GIN", indexOf("twin.messages_by_word"), ofMessages},
	{"twin", "messages_by_time", indexOf("twin.messages_by_time"), ofMessages},
	{"sealed", "contact_tokens, heap", heapOf("cloakroom.contact_tokens"), ofContacts},
	{"sealed", "contact_tokens_by_token, GIN", indexOf("cloakroom.contact_tokens_by_token"), ofContacts},
	{"sealed", "contact_tokens_pkey", indexOf("cloakroom.contact_tokens_pkey"), ofContacts},
	{"sealed", "name in clear, GIN of Chatwoot's", indexOf("public.index_contacts_on_name_email_phone_number_identifier"), ofAllContacts},
	{"twin", "contacts_by_part, GIN of trigrams", indexOf("twin.contacts_by_part"), ofAllContacts},
	{"sealed", "contact_labels, heap", heapOf("cloakroom.contact_labels"), ofContacts},
	{"sealed", "contact_labels, its indexes", `SELECT pg_indexes_size('cloakroom.contact_labels')`, ofContacts},
	{"twin", "contacts_by_email", indexOf("twin.contacts_by_email"), ofAllContacts},
	{"sealed", "attribute_tags, heap", heapOf("cloakroom.attribute_tags"), ofContacts},
	{"sealed", "attribute_tags, its indexes", `SELECT pg_indexes_size('cloakroom.attribute_tags')`, ofContacts},
	{"twin", "contacts_by_segment", indexOf("twin.contacts_by_segment"), ofAllContacts},
	{"sealed", "lookup_tags, heap and indexes", `SELECT pg_total_relation_size('cloakroom.lookup_tags')`, ofAllContacts},
	{"sealed", "messages, heap", heapOf("cloakroom.messages"), ofMessages},
	{"twin", "messages.content, the column", `SELECT sum(pg_column_size(content))::int8 FROM twin.messages`, ofMessages},
}

// rowsOf says what a row is of, for bytes a row.
type rowsOf int

const (
	ofMessages    rowsOf = iota
	ofContacts           // of the account: the small one is not indexed
	ofAllContacts        // of both accounts
)

func heapOf(name string) string  { return `SELECT pg_table_size('` + name + `')` }
func indexOf(name string) string { return `SELECT pg_relation_size('` + name + `')` }

// weigh reads the sizes, and what the server is.
func (b *searchBench) weigh(ctx context.Context) error {
	const server = `SELECT 'PostgreSQL ' || current_setting('server_version') || ' with shared_buffers of ' || current_setting('shared_buffers')`
	if err := b.db.QueryRow(ctx, server).Scan(&b.server); err != nil {
		return fmt.Errorf("ask what the server is: %w", err)
	}
	for _, w := range weighed {
		var bytes int64
		if err := b.db.QueryRow(ctx, w.sql, pgx.QueryExecModeExec).Scan(&bytes); err != nil {
			return fmt.Errorf("weigh %s: %w", w.what, err)
		}
		rows := map[rowsOf]int{ofMessages: b.data.messages, ofContacts: b.data.contacts, ofAllContacts: b.data.contacts + smallContacts}[w.rows]
		b.weights = append(b.weights, weight{w.what, w.side, bytes, rows})
	}
	return nil
}
