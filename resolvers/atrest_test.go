package resolvers_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// mustBeSealed reads every column of Cloakroom's tables, every column of Chatwoot's as far as account 1 is concerned,
// and every key and value in Redis.
func mustBeSealed(t *testing.T, e *edge, needles *leaktest.Needles) {
	t.Helper()
	for _, table := range tablesOf(t, e, "cloakroom") {
		for column, text := range columnsOf(t, e, "cloakroom", table, "true") {
			mustBeClean(t, needles, "cloakroom."+table+"."+column, text)
		}
	}
	for _, table := range tablesOf(t, e, "public") {
		for column, text := range columnsOf(t, e, "public", table, rowsOfAcme(t, e, table)) {
			if keptByRails[table+"."+column] == "" {
				mustBeClean(t, needles, table+"."+column, text)
			}
		}
	}
	mustBeClean(t, needles, "Redis", redisText(t, e))
}

func tablesOf(t testing.TB, e *edge, space string) []string {
	t.Helper()
	names := storetest.Value[string](t, e.store, `SELECT string_agg(table_name, ' ' ORDER BY table_name)
 FROM information_schema.tables WHERE table_schema = $1 AND table_type = 'BASE TABLE'`, space)
	return strings.Fields(names)
}

// columnsOf gives each column of some rows as one text. Of bytea the bytes themselves are scanned: the escape format
// leaves printable ones as they are.
func columnsOf(t testing.TB, e *edge, space, table, where string) map[string][]byte {
	t.Helper()
	columns := storetest.Value[string](t, e.store, `SELECT string_agg(column_name || ' ' || (data_type = 'bytea'), ',')
 FROM information_schema.columns WHERE table_schema = $1 AND table_name = $2`, space, table)
	texts := make(map[string][]byte)
	for _, c := range strings.Split(columns, ",") {
		name, isBytes, _ := strings.Cut(c, " ")
		value := fmt.Sprintf(`%q::text`, name)
		if isBytes == "true" {
			value = fmt.Sprintf(`encode(%q, 'escape')`, name)
		}
		text := storetest.Value[string](t, e.store,
			fmt.Sprintf(`SELECT COALESCE(string_agg(%s, E'\n'), '') FROM %s.%q WHERE %s`, value, space, table, where))
		texts[name] = []byte(text)
	}
	return texts
}

// rowsOfAcme is which rows of Chatwoot's table concern account 1; all of them where the table does not say.
func rowsOfAcme(t testing.TB, e *edge, table string) string {
	t.Helper()
	switch {
	case table == "contact_inboxes":
		return `inbox_id IN (SELECT id FROM inboxes WHERE account_id = 1)`
	case table == "active_storage_blobs": // files of account 2's attachments and avatars are its own
		return `id NOT IN (SELECT blob_id FROM active_storage_attachments f WHERE
 f.record_type = 'Attachment' AND f.record_id IN (SELECT id FROM attachments WHERE account_id = 2) OR
 f.record_type = 'Contact' AND f.record_id IN (SELECT id FROM contacts WHERE account_id = 2))`
	case slices.Contains(strings.Fields(storetest.Value[string](t, e.store, `SELECT COALESCE(string_agg(column_name, ' '), '')
 FROM information_schema.columns WHERE table_schema = 'public' AND table_name = $1`, table)), "account_id"):
		return `account_id = 1`
	default:
		return `true`
	}
}

// keptByRails are the columns of Chatwoot's tables that keep a planted value, each with the reason.
var keptByRails = map[string]string{
	"contact_inboxes.pubsub_token": "a credential of Rails' own, made from nothing personal; Cloakroom does not serve it",
	"conversations.uuid":           "an opaque id in Rails' survey links, made from nothing personal",
}

// redisText gives every key and value.
func redisText(t testing.TB, e *edge) []byte {
	t.Helper()
	keys, err := e.redis.Keys(t.Context(), "*").Result()
	if err != nil || len(keys) < 1000 {
		t.Fatalf("Redis holds %d keys, %v: too few for a cache of the whole account", len(keys), err)
	}
	var text strings.Builder
	for chunk := range slices.Chunk(keys, 500) {
		values, err := e.redis.MGet(t.Context(), chunk...).Result()
		if err != nil {
			t.Fatalf("read Redis: %v", err)
		}
		for i, value := range values {
			_, _ = fmt.Fprintln(&text, chunk[i])
			_, _ = fmt.Fprintln(&text, value)
		}
	}
	return []byte(text.String())
}
