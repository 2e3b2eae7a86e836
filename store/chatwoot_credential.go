package store

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
)

// CredentialTable is a table of Chatwoot's that holds credentials of third parties.
type CredentialTable struct {
	Name    string
	Columns []string // those that this Chatwoot has
}

// Which columns of Chatwoot's hold credentials, or say what they are for. Releases differ in them: what a table does not
// have is passed over. Each has id and account_id.
var credentialColumns = []CredentialTable{
	{"integrations_hooks", []string{"app_id", "reference_id", "access_token", "settings"}},
	{"channel_email", []string{"provider", "imap_password", "smtp_password", "provider_config"}},
	{"channel_facebook_pages", []string{"user_access_token", "page_access_token"}},
	{"channel_instagram", []string{"access_token", "expires_at"}},
	{"channel_tiktok", []string{"access_token", "refresh_token", "expires_at"}},
	{"channel_line", []string{"line_channel_secret", "line_channel_token"}},
	{"channel_telegram", []string{"bot_token"}},
	{"channel_twilio_sms", []string{"auth_token"}},
	{"channel_twitter_profiles", []string{"twitter_access_token", "twitter_access_token_secret"}},
	{"channel_whatsapp", []string{"provider_config"}},
	{"channel_sms", []string{"provider_config"}},
	{"channel_voice", []string{"provider_config"}},
	{"channel_api", []string{"secret"}},
	{"agent_bots", []string{"secret", "bot_config"}},
	{"webhooks", []string{"secret"}},
}

// ListCredentialTables gives the tables that hold credentials in this Chatwoot. Those that the role may not read are among
// them, so that reading them fails instead of finding nothing.
func (s *Store) ListCredentialTables(ctx context.Context) ([]CredentialTable, error) {
	names, err := collect(ctx, s.db, scanText, tableColumns)
	if err != nil {
		return nil, fmt.Errorf("read Chatwoot's columns: %w", err)
	}
	have := make(map[string]bool, len(names))
	for _, name := range names {
		have[name] = true
	}
	var tables []CredentialTable
	for _, t := range credentialColumns {
		kept := CredentialTable{Name: t.Name}
		for _, column := range t.Columns {
			if have[t.Name+"."+column] {
				kept.Columns = append(kept.Columns, column)
			}
		}
		if len(kept.Columns) > 0 && have[t.Name+".account_id"] {
			tables = append(tables, kept)
		}
	}
	return tables, nil
}

// CredentialRow is a row of such a table: the columns that are not null, as text.
type CredentialRow struct {
	ID      int64
	Columns map[string]chat.Secret
}

// ListCredentialRows reads an account's rows of a table that ListCredentialTables gave, by id, after one.
func (s *Store) ListCredentialRows(ctx context.Context, t CredentialTable, accountID, after int64, limit int) ([]CredentialRow, error) {
	rows, err := collect(ctx, s.db, t.scan, t.statement(), accountID, after, limit)
	if err != nil {
		return nil, fmt.Errorf("read %s of account %d: %w", t.Name, accountID, err)
	}
	return rows, nil
}

// statement names only what stands in credentialColumns. Times are written as RFC 3339 has them, whatever the server's
// style of dates.
func (t CredentialTable) statement() string {
	columns := make([]string, len(t.Columns))
	for i, column := range t.Columns {
		if columns[i] = "t." + column + "::text"; strings.HasSuffix(column, "_at") {
			columns[i] = "to_char(t." + column + `, 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`
		}
	}
	return "SELECT t.id::int8, ARRAY[" + strings.Join(columns, ", ") + "] FROM " + t.Name +
		" t WHERE t.account_id = $1 AND t.id > $2 ORDER BY t.id LIMIT $3"
}

func (t CredentialTable) scan(rows pgx.Rows) (CredentialRow, error) {
	r := CredentialRow{Columns: make(map[string]chat.Secret, len(t.Columns))}
	var values []*string
	if err := rows.Scan(&r.ID, &values); err != nil {
		return r, fmt.Errorf("read a row of %s", t.Name) // the driver's error may quote what was in it
	}
	for i, value := range values {
		if value != nil {
			r.Columns[t.Columns[i]] = chat.Secret(*value)
		}
	}
	return r, nil
}

const listAccounts = `SELECT id::int8 FROM accounts ORDER BY id`

// ListAccounts gives every account of Chatwoot's.
func (s *Store) ListAccounts(ctx context.Context) ([]int64, error) {
	ids, err := collect(ctx, s.db, scanID, listAccounts)
	if err != nil {
		return nil, fmt.Errorf("list the accounts: %w", err)
	}
	return ids, nil
}
