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
	rows  int64
}

// weighed lists what is weighed: tables without their indexes, columns by the sum of their values, indexes whole.
var weighed = []struct{ side, what, sql, rows string }{
	{"sealed", "message_tokens, heap", table1("cloakroom.message_tokens"), messagesCount},
	{"sealed", "message_tokens_by_token, GIN", index1("cloakroom.message_tokens_by_token"), messagesCount},
	{"sealed", "message_tokens_by_time", index1("cloakroom.message_tokens_by_time"), messagesCount},
	{"sealed", "message_tokens_pkey", index1("cloakroom.message_tokens_pkey"), messagesCount},
	{"twin", "messages.words, the tsvector column", `SELECT sum(pg_column_size(words))::int8 FROM twin.messages`, messagesCount},
	{"twin", "messages_by_word, GIN", index1("twin.messages_by_word"), messagesCount},
	{"twin", "messages_by_time", index1("twin.messages_by_time"), messagesCount},
	{"sealed", "contact_tokens, heap", table1("cloakroom.contact_tokens"), contactsCount},
	{"sealed", "contact_tokens_by_token, GIN", index1("cloakroom.contact_tokens_by_token"), contactsCount},
	{"sealed", "contact_tokens_pkey", index1("cloakroom.contact_tokens_pkey"), contactsCount},
	{"sealed", "name in clear, GIN of Chatwoot's", index1("public.index_contacts_on_name_email_phone_number_identifier"), contactsCount},
	{"twin", "contacts_by_part, GIN of trigrams", index1("twin.contacts_by_part"), contactsCount},
	{"sealed", "contact_labels, heap", table1("cloakroom.contact_labels"), contactsCount},
	{"sealed", "contact_labels, its indexes", `SELECT pg_indexes_size('cloakroom.contact_labels')`, contactsCount},
	{"twin", "contacts_by_email", index1("twin.contacts_by_email"), contactsCount},
	{"sealed", "attribute_tags, heap", table1("cloakroom.attribute_tags"), contactsCount},
	{"sealed", "attribute_tags, its indexes", `SELECT pg_indexes_size('cloakroom.attribute_tags')`, contactsCount},
	{"twin", "contacts_by_segment", index1("twin.contacts_by_segment"), contactsCount},
	{"sealed", "lookup_tags, heap and indexes", `SELECT pg_total_relation_size('cloakroom.lookup_tags')`, contactsCount},
	{"sealed", "messages, heap", table1("cloakroom.messages"), messagesCount},
	{"twin", "messages.content, the column", `SELECT sum(pg_column_size(content))::int8 FROM twin.messages`, messagesCount},
}

const (
	messagesCount = `SELECT count(*) FROM twin.messages`
	contactsCount = `SELECT count(*) FROM twin.contacts`
)

func table1(name string) string { return `SELECT pg_table_size('` + name + `')` }
func index1(name string) string { return `SELECT pg_relation_size('` + name + `')` }

// weigh reads the sizes.
func (b *searchBench) weigh(ctx context.Context) error {
	counted := make(map[string]int64)
	one := func(sql string) (n int64, err error) {
		return n, b.db.QueryRow(ctx, sql, pgx.QueryExecModeExec).Scan(&n)
	}
	for _, w := range weighed {
		bytes, err := one(w.sql)
		if err == nil && counted[w.rows] == 0 {
			counted[w.rows], err = one(w.rows)
		}
		if err != nil {
			return fmt.Errorf("weigh %s: %w", w.what, err)
		}
		b.weights = append(b.weights, weight{w.what, w.side, bytes, counted[w.rows]})
	}
	return nil
}
