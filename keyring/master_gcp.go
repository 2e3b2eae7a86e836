package keyring

import (
	"context"
	"errors"
	"fmt"
	"path"
	"regexp"
	"strings"
	"time"

	kms "cloud.google.com/go/kms/apiv1"
	"cloud.google.com/go/kms/apiv1/kmspb"
	"github.com/tink-crypto/tink-go-gcpkms/v2/integration/gcpkms"
	"github.com/tink-crypto/tink-go/v2/tink"
	"google.golang.org/api/iterator"
	"google.golang.org/api/option"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/durationpb"
)

const gcpKMS = "gcp-kms://"

// gcpKey is a key of Google Cloud KMS, through Tink's own integration.
type gcpKey struct {
	name string // "projects/…/cryptoKeys/…"
	tink *gcpkms.Client
	keys *kms.KeyManagementClient // what Tink's does not do: making and destroying
}

var gcpName = regexp.MustCompile(`^(projects/[a-z0-9.:-]+/locations/[a-z0-9-]+/keyRings/[\w-]{1,63})/cryptoKeys/[\w-]{1,63}$`)

// At most so many bytes are wrapped by one request; by a key in hardware 8 KiB, the associated data included.
const gcpLimit = 64 << 10

func parseGCP(ctx context.Context, s KeyServices, name string) (service, error) {
	if !gcpName.MatchString(name) {
		return nil, fmt.Errorf("write %sprojects/P/locations/L/keyRings/R/cryptoKeys/K", gcpKMS)
	}
	options := append([]option.ClientOption{option.WithTelemetryDisabled()}, s.gcp...)
	client, err := gcpkms.NewClient(ctx, gcpKMS, gcpkms.WithGoogleAPIClientOptions(options...))
	if err != nil {
		return nil, noGoogle(err)
	}
	keys, err := kms.NewKeyManagementClient(ctx, options...)
	if err != nil {
		return nil, errors.Join(noGoogle(err), client.Close())
	}
	return &gcpKey{name, client, keys}, nil
}

// URI names the key.
func (k *gcpKey) URI() string { return gcpKMS + k.name }

func (k *gcpKey) child(name string) service { return &gcpKey{k.name + "-" + name, k.tink, k.keys} }

func (k *gcpKey) open(context.Context) error {
	if !gcpName.MatchString(k.name) {
		return fmt.Errorf("%s is too long: Google's names of keys have 63 characters at most", path.Base(k.name))
	}
	return nil // wrapping with it tells the rest
}

// aead is Tink's. Its GetAEADWithContext would open a connection for each key.
func (k *gcpKey) aead() (tink.AEADWithContext, error) {
	primitive, err := k.tink.GetAEAD(k.URI())
	if err != nil {
		return nil, fmt.Errorf("prepare Tink's client: %w", err)
	}
	withContext, ok := primitive.(tink.AEADWithContext)
	if !ok {
		return nil, errors.New("prepare Tink's client: it takes no context")
	}
	return withContext, nil
}

func (k *gcpKey) EncryptWithContext(ctx context.Context, plaintext, associatedData []byte) ([]byte, error) {
	if len(plaintext) > gcpLimit {
		return nil, fmt.Errorf("%d bytes are too many: Google wraps %d at most", len(plaintext), gcpLimit)
	}
	primitive, err := k.aead()
	if err != nil {
		return nil, err
	}
	wrapped, err := primitive.EncryptWithContext(ctx, plaintext, associatedData)
	return wrapped, gcpFault(err)
}

func (k *gcpKey) DecryptWithContext(ctx context.Context, wrapped, associatedData []byte) ([]byte, error) {
	primitive, err := k.aead()
	if err != nil {
		return nil, err
	}
	plaintext, err := primitive.DecryptWithContext(ctx, wrapped, associatedData)
	if status.Code(err) == codes.InvalidArgument { // Google's word for a ciphertext that does not authenticate
		return nil, ErrRefused
	}
	return plaintext, gcpFault(err)
}

// create makes the key in its ring, which must be there. Google never gives a name to a second key, so a key whose
// versions are destroyed stays gone.
func (k *gcpKey) create(ctx context.Context) error {
	ring, id := gcpName.FindStringSubmatch(k.name)[1], path.Base(k.name)
	_, err := k.keys.CreateCryptoKey(ctx, &kmspb.CreateCryptoKeyRequest{Parent: ring, CryptoKeyId: id, CryptoKey: &kmspb.CryptoKey{
		Purpose:                  kmspb.CryptoKey_ENCRYPT_DECRYPT,
		DestroyScheduledDuration: durationpb.New(24 * time.Hour), // the shortest there is
	}})
	if status.Code(err) == codes.AlreadyExists {
		return nil
	}
	return gcpFault(err)
}

// destroy begins the end of every version that is not at its end already. The name stays.
func (k *gcpKey) destroy(ctx context.Context) error {
	versions := k.keys.ListCryptoKeyVersions(ctx, &kmspb.ListCryptoKeyVersionsRequest{Parent: k.name})
	for {
		version, err := versions.Next()
		if errors.Is(err, iterator.Done) || status.Code(err) == codes.NotFound {
			return nil
		}
		if err != nil {
			return gcpFault(err)
		}
		if version.State != kmspb.CryptoKeyVersion_ENABLED && version.State != kmspb.CryptoKeyVersion_DISABLED {
			continue
		}
		_, err = k.keys.DestroyCryptoKeyVersion(ctx, &kmspb.DestroyCryptoKeyVersionRequest{Name: version.Name})
		if err = gcpFault(err); err != nil && !errors.Is(err, ErrNoKey) { // or another process was faster
			return err
		}
	}
}

func noGoogle(err error) error {
	return fmt.Errorf("ask Google Cloud KMS: see whether there are credentials (GOOGLE_APPLICATION_CREDENTIALS, or the "+
		"machine's service account): %w", err)
}

// gcpFault says what an error of Google's means. Its code is kept, its message only when there was no answer: it may
// quote the request.
func gcpFault(err error) error {
	if err == nil {
		return nil
	}
	answer, ok := status.FromError(err)
	if !ok { // Tink's own: a checksum that does not fit
		return fmt.Errorf("ask Google Cloud KMS: %w", err)
	}
	hint := "see Google's own log, Cloud Audit Logs"
	switch answer.Code() {
	case codes.NotFound:
		return ErrNoKey
	case codes.FailedPrecondition:
		if strings.Contains(answer.Message(), "DESTROY") {
			return fmt.Errorf("%w: its version is destroyed, or will be", ErrNoKey)
		}
		hint = "the key's version is disabled: enable it"
	case codes.PermissionDenied:
		hint = "there is no such key, or the credentials need roles/cloudkms.cryptoKeyEncrypterDecrypter for it; to make and destroy " +
			"keys beside it also roles/cloudkms.admin for its ring"
	case codes.Unauthenticated:
		hint = "the credentials are wrong or have run out: renew them"
	case codes.ResourceExhausted:
		hint = "it limits how often it is asked: see your quotas"
	case codes.InvalidArgument:
		hint = "it does not take the request: see whether the key's purpose is ENCRYPT_DECRYPT"
	case codes.Unavailable:
		return fmt.Errorf("ask Google Cloud KMS: it cannot be reached: see whether the way from here is open, and Google's status: %s", answer.Message())
	}
	return fmt.Errorf("ask Google Cloud KMS: it answers %s: %s", answer.Code(), hint)
}
