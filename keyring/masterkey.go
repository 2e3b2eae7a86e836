package keyring

import (
	"context"
	"errors"

	"github.com/tink-crypto/tink-go/v2/tink"
)

// MasterKey is a key that never leaves its key service, or its file. What it wraps is bound to the associated data.
type MasterKey interface {
	tink.AEADWithContext
	// URI names the key, without credentials.
	URI() string
	// Child opens the key of that name beside this one, made when create; ErrNoKey when it is not there.
	Child(ctx context.Context, name string, create bool) (MasterKey, error)
	// Destroy takes the key away for good, or begins what the service wants for it; nil when it is gone already.
	Destroy(ctx context.Context) error
}

// ErrNoKey is a key that its service does not have.
var ErrNoKey = errors.New("the key service has no such key")
