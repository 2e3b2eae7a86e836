package keyring

import "fmt"

// Certify gives the 32 bytes by which this installation knows a certificate again: ask account 0 with the hash of it.
// They come from the keyset that is never rotated, because certificates are kept for longer than any other key.
func (a *Account) Certify(sum []byte) ([]byte, error) {
	tag, err := a.alias.active.primitive.ComputePrimaryPRF(appendPrefixed(appendPrefixed(nil, "erasure certificate"), sum), 32)
	if err != nil {
		return nil, fmt.Errorf("certify an erasure: %w", err)
	}
	return tag, nil
}
