package main

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/aead/aesgcm"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/insecuresecretdataaccess"
	"github.com/tink-crypto/tink-go/v2/keyset"
	"github.com/tink-crypto/tink-go/v2/prf/hmacprf"
	"github.com/tink-crypto/tink-go/v2/tink"
)

// floorKeys are the account's keys as the floor uses them: Tink unwraps them once at the start, and crypto/cipher and
// crypto/hmac do the rest.
type floorKeys struct {
	account         uint64
	generation      uint16 // of the data keyset
	prefix          []byte // in front of what Tink sealed
	data            cipher.AEAD
	epoch           uint16
	epochPrefix     []byte
	epochKey        cipher.AEAD
	index           []byte
	indexGeneration int
}

const activeKeysets = `SELECT purpose, generation, keyset_sealed FROM cloakroom.account_keysets
 WHERE account_id = $1 AND state = 'active' AND purpose IN ('data', 'index')`

func readFloorKeys(ctx context.Context, db *pgxpool.Pool, masterURI string, account int64) (*floorKeys, error) {
	master, err := readFloorMaster(masterURI)
	if err != nil {
		return nil, err
	}
	rows, err := db.Query(ctx, activeKeysets, account)
	if err != nil {
		return nil, fmt.Errorf("read keysets: %w", err)
	}
	defer rows.Close()
	k := &floorKeys{account: uint64(account)}
	for rows.Next() {
		var purpose string
		var generation int
		var wrapped []byte
		if err := rows.Scan(&purpose, &generation, &wrapped); err != nil {
			return nil, fmt.Errorf("read keysets: %w", err)
		}
		if err := k.add(ctx, master, purpose, generation, wrapped); err != nil {
			return nil, fmt.Errorf("open the %s keyset: %w", purpose, err)
		}
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read keysets: %w", err)
	}
	if k.data == nil || k.index == nil {
		return nil, errors.New("the account has no active keysets")
	}
	return k, k.readEpoch(ctx, db, masterURI)
}

// readEpoch opens the epoch in force, whose key is a file beside the master key's.
func (k *floorKeys) readEpoch(ctx context.Context, db *pgxpool.Pool, masterURI string) error {
	var number uint16
	var name string
	var wrapped []byte
	err := db.QueryRow(ctx, `SELECT epoch, name, keyset_sealed FROM cloakroom.key_epochs WHERE state = 'active'`).Scan(&number, &name, &wrapped)
	if err != nil {
		return fmt.Errorf("read the epoch: %w", err)
	}
	master, err := readFloorMaster(masterURI + "-" + name)
	if err != nil {
		return err
	}
	bound := append(binary.BigEndian.AppendUint32(nil, 5), "epoch"...)
	bound = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(bound, 2), number)
	bound = append(binary.BigEndian.AppendUint32(bound, uint32(len(name))), name...)
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(wrapped)), master, bound)
	if err != nil {
		return fmt.Errorf("open the epoch: %w", err)
	}
	primary, err := handle.Primary()
	if err != nil {
		return err
	}
	key, ok := primary.Key().(*aesgcm.Key)
	if !ok {
		return errors.New("the epoch's key is of an unknown sort")
	}
	k.epoch, k.epochPrefix = number, key.OutputPrefix()
	k.epochKey, err = newGCM(key.KeyBytes().Data(insecuresecretdataaccess.Token{}))
	return err
}

// floorMaster gives a key in memory the shape that reading a wrapped keyset asks for.
type floorMaster struct{ tink.AEAD }

func (m floorMaster) EncryptWithContext(_ context.Context, plaintext, associatedData []byte) ([]byte, error) {
	return m.Encrypt(plaintext, associatedData)
}

func (m floorMaster) DecryptWithContext(_ context.Context, ciphertext, associatedData []byte) ([]byte, error) {
	return m.Decrypt(ciphertext, associatedData)
}

func readFloorMaster(uri string) (floorMaster, error) {
	path, ok := strings.CutPrefix(uri, "local-file://")
	if !ok {
		return floorMaster{}, errors.New("the floor's master key is a local file")
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return floorMaster{}, fmt.Errorf("read the master key: %w", err)
	}
	handle, err := insecurecleartextkeyset.Read(keyset.NewJSONReader(bytes.NewReader(text)))
	if err != nil {
		return floorMaster{}, errors.New("the master key is not a keyset")
	}
	primitive, err := aead.New(handle)
	return floorMaster{primitive}, err
}

func (k *floorKeys) add(ctx context.Context, master floorMaster, purpose string, generation int, wrapped []byte) error {
	bound := binary.BigEndian.AppendUint32(nil, uint32(len(purpose)))
	bound = append(bound, purpose...)
	bound = binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint32(bound, 8), k.account)
	bound = binary.BigEndian.AppendUint16(binary.BigEndian.AppendUint32(bound, 2), uint16(generation))
	handle, err := keyset.ReadWithContext(ctx, keyset.NewBinaryReader(bytes.NewReader(wrapped)), master, bound)
	if err != nil {
		return err
	}
	primary, err := handle.Primary()
	if err != nil {
		return err
	}
	switch key := primary.Key().(type) {
	case *aesgcm.Key:
		k.prefix, k.generation = key.OutputPrefix(), uint16(generation)
		k.data, err = newGCM(key.KeyBytes().Data(insecuresecretdataaccess.Token{}))
		return err
	case *hmacprf.Key:
		k.index, k.indexGeneration = key.KeyBytes().Data(insecuresecretdataaccess.Token{}), generation
		return nil
	}
	return errors.New("a key of an unknown sort")
}

func newGCM(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, err
	}
	return cipher.NewGCM(block)
}

// tag is the blind index of an e-mail.
func (k *floorKeys) tag(email string) []byte {
	b := make([]byte, 0, 64)
	for _, part := range []string{"eq", "\x00\x01", "\x00\x01", email} { // table contacts, field email
		b = binary.BigEndian.AppendUint32(b, uint32(len(part)))
		b = append(b, part...)
	}
	mac := hmac.New(sha256.New, k.index)
	mac.Write(b)
	return mac.Sum(nil)[:16]
}
