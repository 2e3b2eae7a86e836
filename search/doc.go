// Package search is the room of what text is found by: the words of a message, the parts of an address, Chatwoot's
// patterns and conditions, as pure rules.
// Texts and queries come in, in clear, from whoever holds the key; nothing is read from anywhere else.
// What leaves are words and parts that keyring makes tokens of, and yes or no; no text is kept.
package search
