// Package chatwoot is the room of what we know of Chatwoot itself: its channels and its rules of replying.
// Facts about a row come in, as a Chatwoot 4.14.2 database holds them.
// Out go plain answers; nothing here reads or writes, and no error holds what was in a row.
package chatwoot
