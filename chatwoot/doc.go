// Package chatwoot is the room of what we know of Chatwoot itself: its enums, its quirks, its rules of replying.
// Rows' integers and JSON columns come in, as a Chatwoot 4.14.2 database holds them.
// Out go the contract's words and plain values; no error here holds what was in a row.
package chatwoot
