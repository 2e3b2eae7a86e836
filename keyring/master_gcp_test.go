package keyring

import (
	"context"
	"crypto/cipher"
	"fmt"
	"hash/crc32"
	"net"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"cloud.google.com/go/kms/apiv1/kmspb"
	"google.golang.org/api/option"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/credentials/insecure"
	"google.golang.org/grpc/status"
	"google.golang.org/protobuf/types/known/wrapperspb"

	"github.com/cloakroom/cloakroom/keyring/transittest"
)

const gcpRing = "projects/support/locations/europe-west1/keyRings/cloakroom"

// cloudRing speaks Google Cloud KMS's protocol to the real clients, Tink's and Google's own. It checks our requests and what
// we make of errors; authentication with real Google, and that Google is consistent with this, it cannot show.
type cloudRing struct {
	kmspb.UnimplementedKeyManagementServiceServer
	mu     sync.Mutex
	keys   map[string]*cloudKey
	refuse codes.Code
}

type cloudKey struct {
	made     *kmspb.CryptoKey
	versions []cipher.AEAD
	states   []kmspb.CryptoKeyVersion_CryptoKeyVersionState
}

func newCloudRing() *cloudRing {
	v := &cloudRing{keys: make(map[string]*cloudKey)}
	v.add(gcpRing+"/cryptoKeys/master", nil)
	return v
}

func (v *cloudRing) add(name string, key *kmspb.CryptoKey) {
	v.keys[name] = &cloudKey{key, []cipher.AEAD{transittest.NewGCM()}, []kmspb.CryptoKeyVersion_CryptoKeyVersionState{kmspb.CryptoKeyVersion_ENABLED}}
}

// find gives a key for use, its newest version; the lock is the caller's.
func (v *cloudRing) find(name string) (*cloudKey, int, error) {
	key := v.keys[name]
	switch {
	case v.refuse != codes.OK:
		return nil, 0, status.Error(v.refuse, "you asked")
	case key == nil:
		return nil, 0, status.Error(codes.NotFound, "CryptoKey not found: you asked")
	}
	version := len(key.versions) - 1
	if state := key.states[version]; state != kmspb.CryptoKeyVersion_ENABLED {
		return nil, 0, status.Errorf(codes.FailedPrecondition, "%s/cryptoKeyVersions/%d is not enabled, current state is: %s.", name, version+1, state)
	}
	return key, version, nil
}

func checksum(b []byte) *wrapperspb.Int64Value {
	return wrapperspb.Int64(int64(crc32.Checksum(b, crc32.MakeTable(crc32.Castagnoli))))
}

func (v *cloudRing) Encrypt(_ context.Context, in *kmspb.EncryptRequest) (*kmspb.EncryptResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, version, err := v.find(in.Name)
	if err != nil {
		return nil, err
	}
	if len(in.Plaintext) > 64<<10 {
		return nil, status.Error(codes.InvalidArgument, "too long: you asked")
	}
	sealed := append([]byte{byte(version)}, key.versions[version].Seal(nil, nil, in.Plaintext, in.AdditionalAuthenticatedData)...)
	return &kmspb.EncryptResponse{
		Name: fmt.Sprintf("%s/cryptoKeyVersions/%d", in.Name, version+1), Ciphertext: sealed, CiphertextCrc32C: checksum(sealed),
		VerifiedPlaintextCrc32C:                   in.PlaintextCrc32C.GetValue() == checksum(in.Plaintext).Value,
		VerifiedAdditionalAuthenticatedDataCrc32C: in.AdditionalAuthenticatedDataCrc32C.GetValue() == checksum(in.AdditionalAuthenticatedData).Value,
	}, nil
}

func (v *cloudRing) Decrypt(_ context.Context, in *kmspb.DecryptRequest) (*kmspb.DecryptResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key, _, err := v.find(in.Name)
	if err != nil {
		return nil, err
	}
	if len(in.Ciphertext) > 0 && int(in.Ciphertext[0]) < len(key.versions) {
		plaintext, err := key.versions[in.Ciphertext[0]].Open(nil, nil, in.Ciphertext[1:], in.AdditionalAuthenticatedData)
		if err == nil {
			return &kmspb.DecryptResponse{Plaintext: plaintext, PlaintextCrc32C: checksum(plaintext)}, nil
		}
	}
	return nil, status.Error(codes.InvalidArgument, "Decryption failed: verify that 'name' refers to the correct CryptoKey: you asked")
}

func (v *cloudRing) CreateCryptoKey(_ context.Context, in *kmspb.CreateCryptoKeyRequest) (*kmspb.CryptoKey, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	name := in.Parent + "/cryptoKeys/" + in.CryptoKeyId
	if v.keys[name] != nil {
		return nil, status.Error(codes.AlreadyExists, "you asked")
	}
	v.add(name, in.CryptoKey)
	return in.CryptoKey, nil
}

func (v *cloudRing) ListCryptoKeyVersions(_ context.Context, in *kmspb.ListCryptoKeyVersionsRequest) (*kmspb.ListCryptoKeyVersionsResponse, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	key := v.keys[in.Parent]
	if key == nil {
		return nil, status.Error(codes.NotFound, "you asked")
	}
	var out kmspb.ListCryptoKeyVersionsResponse
	for i, state := range key.states {
		out.CryptoKeyVersions = append(out.CryptoKeyVersions, &kmspb.CryptoKeyVersion{Name: fmt.Sprintf("%s/cryptoKeyVersions/%d", in.Parent, i+1), State: state})
	}
	return &out, nil
}

func (v *cloudRing) DestroyCryptoKeyVersion(_ context.Context, in *kmspb.DestroyCryptoKeyVersionRequest) (*kmspb.CryptoKeyVersion, error) {
	v.mu.Lock()
	defer v.mu.Unlock()
	name, number, _ := strings.Cut(in.Name, "/cryptoKeyVersions/")
	i, _ := strconv.Atoi(number)
	v.keys[name].states[i-1] = kmspb.CryptoKeyVersion_DESTROY_SCHEDULED
	return &kmspb.CryptoKeyVersion{Name: in.Name}, nil
}

// fakeGCP serves a cloudRing, behind a gate when there is one.
func fakeGCP(t *testing.T, v *cloudRing, g *gate) (*grpc.Server, KeyServices) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := grpc.NewServer(grpc.UnaryInterceptor(func(ctx context.Context, in any, _ *grpc.UnaryServerInfo, next grpc.UnaryHandler) (any, error) {
		if g.wait(ctx); ctx.Err() != nil {
			return nil, ctx.Err()
		}
		return next(ctx, in)
	}))
	kmspb.RegisterKeyManagementServiceServer(server, v)
	go func() { _ = server.Serve(listener) }() // until it is stopped
	t.Cleanup(server.Stop)
	return server, KeyServices{gcp: []option.ClientOption{
		option.WithEndpoint(listener.Addr().String()), option.WithoutAuthentication(),
		option.WithGRPCDialOption(grpc.WithTransportCredentials(insecure.NewCredentials())),
	}}
}

// TestGCPFaults reads what an operator reads.
func TestGCPFaults(t *testing.T) {
	t.Parallel()
	for code, want := range map[codes.Code]string{
		codes.PermissionDenied: "cryptoKeyEncrypterDecrypter", codes.Unauthenticated: "renew them", codes.NotFound: "right key",
		codes.FailedPrecondition: "enable it", codes.InvalidArgument: "ENCRYPT_DECRYPT", codes.Internal: "Audit Logs", codes.ResourceExhausted: "quotas",
	} {
		v := newCloudRing()
		v.refuse = code
		_, settings := fakeGCP(t, v, &gate{})
		_, err := settings.Open(t.Context(), gcpKMS+gcpRing+"/cryptoKeys/master", false)
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "you asked") {
			t.Errorf("%s: error %v, want one with %q that quotes nothing", code, err, want)
		}
	}
}

// TestGCPDestroysEveryVersion covers a key that Google has rotated, and one version disabled; and how a child is made.
func TestGCPDestroysEveryVersion(t *testing.T) {
	t.Parallel()
	v := newCloudRing()
	_, settings := fakeGCP(t, v, &gate{})
	master, err := settings.Open(t.Context(), gcpKMS+gcpRing+"/cryptoKeys/master", false)
	if err != nil {
		t.Fatal(err)
	}
	child, err := master.Child(t.Context(), "epoch", true)
	if err != nil {
		t.Fatal(err)
	}
	key := v.keys[gcpRing+"/cryptoKeys/master-epoch"]
	if key.made.Purpose != kmspb.CryptoKey_ENCRYPT_DECRYPT || key.made.GetDestroyScheduledDuration().AsDuration() != 24*time.Hour {
		t.Errorf("the child was made as %v", key.made)
	}
	key.versions = append(key.versions, transittest.NewGCM(), transittest.NewGCM())
	key.states = append(key.states, kmspb.CryptoKeyVersion_DISABLED, kmspb.CryptoKeyVersion_ENABLED)
	if err := child.Destroy(t.Context()); err != nil {
		t.Fatal(err)
	}
	for i, state := range key.states {
		if state != kmspb.CryptoKeyVersion_DESTROY_SCHEDULED {
			t.Errorf("version %d is %s", i+1, state)
		}
	}
}
