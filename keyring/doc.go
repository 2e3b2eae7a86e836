// Package keyring is the room of keys: it seals and opens values, derives blind indexes and aliases,
// and is the only room that knows Tink.
// Wrapped keysets come in from the store, a master key from the configuration, and plaintext from vault.
// No key ever leaves in clear, and what does not open leaves as one opaque error, chat.ErrUnreadable.
//
// The tree of keys: the master key (in a file or a KMS) wraps each account's keysets, one per purpose
// and generation; the "data" keyset wraps one random subject key per contact, and the key of an epoch
// wraps that once more; the subject key seals what the contact said and is. Destroying a subject key
// therefore erases a contact, and destroying the epoch's key, which the key service keeps, erases it in
// every copy.
package keyring
