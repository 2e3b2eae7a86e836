package keyring

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"regexp"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/config"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/option"
)

// KeyServices is what key services want beside a key's URI. This package reads no environment: cmd hands it in.
// AWS and Google find their credentials the way their own tools do.
type KeyServices struct {
	VaultToken     string
	VaultTokenFile string // read again for every request, so that an agent can renew it
	VaultNamespace string
	VaultCACert    string // file of the authorities to trust, in PEM, in place of the system's

	aws []func(*config.LoadOptions) error // tests: where AWS is, and as whom
	gcp []option.ClientOption             // tests: where Google is
}

// Format hides the settings from whoever prints them.
func (KeyServices) Format(f fmt.State, _ rune) { fmt.Fprint(f, "[redacted]") }

// ErrRefused is a wrapped key that its master key does not open: wrapped by another key, for another place,
// changed since, or by a version that is no longer allowed. Trying again is of no use.
var ErrRefused = errors.New("the master key does not open it")

// A wrap costs a key service milliseconds. What takes longer than this is an outage, whatever the caller allows.
const serviceTimeout = 10 * time.Second

// service is what each key service does in its own way; masterKey does the rest alike for all.
type service interface {
	tink.AEADWithContext
	URI() string
	// open looks whether the key is there, as far as wrapping with it does not tell.
	open(ctx context.Context) error
	// create makes the key; nil when it is there already.
	create(ctx context.Context) error
	// child names a key beside this one, without asking for it. The name has been checked.
	child(name string) service
	// destroy is MasterKey's Destroy.
	destroy(ctx context.Context) error
}

// schemes are the key services there are, with the form of their URIs.
var schemes = []struct {
	prefix, form string
	parse        func(ctx context.Context, s KeyServices, rest string) (service, error)
}{
	{localFile, localFile + "PATH", parseLocal},
	{vaultHTTPS, vaultHTTPS + "HOST[:PORT]/MOUNT/keys/NAME", parseVault},
	{vaultHTTP, vaultHTTP + "HOST[:PORT]/MOUNT/keys/NAME", parseVaultHTTP},
	{awsKMS, awsKMS + "arn:aws:kms:REGION:ACCOUNT:key/ID", parseAWS},
	{gcpKMS, gcpKMS + "projects/P/locations/L/keyRings/R/cryptoKeys/K", parseGCP},
}

// OpenMasterKey is Open for keys that need no settings.
func OpenMasterKey(ctx context.Context, uri string, create bool) (MasterKey, error) {
	return KeyServices{}.Open(ctx, uri, create)
}

// Open opens the key that wraps every keyset, and tries it: it must open what it wrapped, and nothing that was
// wrapped for another place. uri is one of
//
//	local-file://PATH                                         a Tink keyset in clear, mode 0600
//	hcvault://HOST[:PORT]/MOUNT/keys/NAME                     Transit of Vault or OpenBao; hcvault+http:// without TLS
//	aws-kms://arn:aws:kms:REGION:ACCOUNT:key/ID               or …:alias/NAME
//	gcp-kms://projects/P/locations/L/keyRings/R/cryptoKeys/K
//
// With create, a key that is missing is made; two processes that start together end up with the same one.
// ErrNoKey is a key that is not there. Errors say what to do and hold no key and no credential.
func (s KeyServices) Open(ctx context.Context, uri string, create bool) (MasterKey, error) {
	key, err := s.parse(ctx, uri)
	if err != nil {
		return nil, fmt.Errorf("open the master key: %w", err)
	}
	master, err := ready(ctx, key, create)
	if errors.Is(err, ErrNoKey) {
		err = fmt.Errorf("%w: see whether MASTER_KEY names the right key, or restore it from where you keep it; "+
			"without it nothing that was sealed can be opened", err)
	}
	if err != nil {
		return nil, fmt.Errorf("open the master key: %w", err)
	}
	return master, nil
}

func (s KeyServices) parse(ctx context.Context, uri string) (service, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	var forms []string
	for _, scheme := range schemes {
		forms = append(forms, scheme.form)
		rest, ok := strings.CutPrefix(uri, scheme.prefix)
		if !ok {
			continue
		}
		if scheme.prefix != localFile && strings.ContainsAny(rest, "@?#") {
			return nil, fmt.Errorf("the URI of a %s key holds no credentials and no parameters: they belong into settings of "+
				"their own, such as VAULT_TOKEN_FILE; write %s", strings.TrimSuffix(scheme.prefix, "://"), scheme.form)
		}
		return scheme.parse(ctx, s, rest)
	}
	name, _, found := strings.Cut(uri, "://")
	if !found {
		return nil, fmt.Errorf("its URI has no scheme: write %s", strings.Join(forms, " or "))
	}
	return nil, fmt.Errorf("scheme %q is not supported: write %s", name, strings.Join(forms, " or "))
}

// ready gives a key that has been tried, made before where it is missing and wanted.
func ready(ctx context.Context, key service, create bool) (MasterKey, error) {
	m := masterKey{key}
	err := m.try(ctx)
	if create && errors.Is(err, ErrNoKey) {
		err = m.make(ctx)
	}
	if err != nil {
		return nil, err
	}
	return m, nil
}

// masterKey gives every key service the same deadline, the same trial and the same words.
type masterKey struct{ service }

func (m masterKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) (wrapped []byte, err error) {
	err = m.ask(ctx, "wrap with", func(ctx context.Context) (err error) {
		wrapped, err = m.service.EncryptWithContext(ctx, plaintext, associatedData)
		return err
	})
	return wrapped, err
}

func (m masterKey) DecryptWithContext(ctx context.Context, wrapped, associatedData []byte) (plaintext []byte, err error) {
	err = m.ask(ctx, "unwrap with", func(ctx context.Context) (err error) {
		plaintext, err = m.service.DecryptWithContext(ctx, wrapped, associatedData)
		return err
	})
	return plaintext, err
}

var childName = regexp.MustCompile(`^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$`)

// Child gives the key of that name beside this one. A name is up to 40 of a-z, 0-9 and inner hyphens.
func (m masterKey) Child(ctx context.Context, name string, create bool) (MasterKey, error) {
	if !childName.MatchString(name) {
		return nil, fmt.Errorf("open a key beside %s: its name must be of a-z, 0-9 and inner hyphens, 40 at most", m.URI())
	}
	return ready(ctx, m.child(name), create)
}

// Destroy takes the key away: at once from a file and from Vault, after 7 days from AWS, after 24 hours (a key made
// elsewhere: its own delay) from Google. A process that has read a key file keeps the key until it ends.
func (m masterKey) Destroy(ctx context.Context) error {
	return m.ask(ctx, "destroy", m.destroy)
}

// ask is one request to the service, in its time.
func (m masterKey) ask(ctx context.Context, doing string, request func(context.Context) error) error {
	if err := ctx.Err(); err != nil {
		return fmt.Errorf("%s %s: %w", doing, m.URI(), err)
	}
	within, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	err := request(within)
	late := within.Err()
	switch {
	case err == nil:
		return nil
	case errors.Is(late, context.Canceled):
		return fmt.Errorf("%s %s: %w", doing, m.URI(), late)
	case late != nil: // what libraries make of a deadline is not worth reading, nor always a deadline
		return fmt.Errorf("%s %s: the key service gave no answer in time: see whether it is up and can be reached from here: %w", doing, m.URI(), late)
	default:
		return fmt.Errorf("%s %s: %w", doing, m.URI(), err)
	}
}

// try wraps something and opens it. A service that forgets the associated data lets rows be exchanged unseen, and
// there are such: Transit before associated_data, keys of other kinds, clients that send it under another name.
func (m masterKey) try(ctx context.Context) error {
	if err := m.ask(ctx, "find", m.open); err != nil {
		return err
	}
	sample, here, there := make([]byte, 32), []byte("cloakroom: a trial"), []byte("cloakroom: another place")
	_, _ = rand.Read(sample) // never fails
	wrapped, err := m.EncryptWithContext(ctx, sample, here)
	if err != nil {
		return err
	}
	opened, err := m.DecryptWithContext(ctx, wrapped, here)
	if err != nil {
		return err
	}
	if !bytes.Equal(opened, sample) {
		return fmt.Errorf("try %s: what it wrapped opens as something else", m.URI())
	}
	switch _, err = m.DecryptWithContext(ctx, wrapped, there); {
	case err == nil:
		return fmt.Errorf("try %s: it does not bind what it wraps to its place (associated data), so it protects nothing: use another key", m.URI())
	case errors.Is(err, ErrRefused):
		return nil
	default:
		return err
	}
}

// make makes the key and waits until it can be used: a service may need seconds to tell all of itself.
func (m masterKey) make(ctx context.Context) error {
	if err := m.ask(ctx, "make", m.create); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, serviceTimeout)
	defer cancel()
	for wait := 100 * time.Millisecond; ; wait *= 2 {
		err := m.try(ctx)
		if !errors.Is(err, ErrNoKey) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(wait):
		}
	}
}
