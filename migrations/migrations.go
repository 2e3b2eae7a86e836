// Package migrations is the room of Cloakroom's own Postgres schema, `cloakroom`, in goose format.
// Nothing comes in; the SQL files are embedded in the program.
// What leaves is the file system alone: store runs it, and no statement here alters a table of Chatwoot's.
package migrations

import "embed"

// Files holds the migrations, in goose's naming.
//
//go:embed *.sql
var Files embed.FS
