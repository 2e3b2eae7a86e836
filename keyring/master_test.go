package keyring

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/tink-crypto/tink-go/v2/aead"
	"github.com/tink-crypto/tink-go/v2/insecurecleartextkeyset"
	"github.com/tink-crypto/tink-go/v2/keyset"
	tinkpb "github.com/tink-crypto/tink-go/v2/proto/tink_go_proto"
)

func TestMasterKeyFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "not", "there", "yet", "master.json")
	if _, err := OpenMasterKey(t.Context(), localFile+path, false); err == nil || !strings.Contains(err.Error(), path) {
		t.Errorf("a missing file gave error %v, want its name", err)
	}
	made, err := OpenMasterKey(t.Context(), localFile+path, true)
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]os.FileMode{path: 0o600, filepath.Dir(path): 0o700 | os.ModeDir} {
		if info, err := os.Stat(name); err != nil || info.Mode() != want {
			t.Errorf("%s has mode %v, want %v, error %v", name, info.Mode(), want, err)
		}
	}
	if left, err := os.ReadDir(filepath.Dir(path)); err != nil || len(left) != 1 {
		t.Errorf("%d files lie beside the key, error %v", len(left), err)
	}
	sealed, err := made.EncryptWithContext(t.Context(), []byte("x"), []byte("here"))
	if err != nil {
		t.Fatal(err)
	}
	for _, create := range []bool{false, true} {
		again, err := OpenMasterKey(t.Context(), localFile+path, create)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := again.DecryptWithContext(t.Context(), sealed, []byte("here")); err != nil || string(got) != "x" {
			t.Errorf("the key read again does not open what it sealed: %v", err)
		}
		if _, err := again.DecryptWithContext(t.Context(), sealed, []byte("there")); err == nil {
			t.Error("the key ignores the associated data")
		}
	}
}

// TestMasterKeyRace lets ten processes start on a fresh machine at once.
func TestMasterKeyRace(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "keys", "master.json")
	var done sync.WaitGroup
	sealed := make([][]byte, 10)
	for i := range sealed {
		done.Go(func() {
			master, err := OpenMasterKey(t.Context(), localFile+path, true)
			if err != nil {
				t.Error(err)
				return
			}
			if sealed[i], err = master.EncryptWithContext(t.Context(), []byte("x"), nil); err != nil {
				t.Error(err)
			}
		})
	}
	done.Wait()
	master, err := OpenMasterKey(t.Context(), localFile+path, false)
	if err != nil {
		t.Fatal(err)
	}
	for i := range sealed {
		if _, err := master.DecryptWithContext(t.Context(), sealed[i], nil); err != nil {
			t.Errorf("process %d has another key than the file: %v", i, err)
		}
	}
}

func TestMasterKeyRefused(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	good, weak := masterJSON(t, aead.AES256GCMKeyTemplate()), masterJSON(t, aead.AES128GCMKeyTemplate())
	write := func(name string, mode os.FileMode, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, mode); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil { // whatever the umask was
			t.Fatal(err)
		}
		return localFile + path
	}
	for name, try := range map[string]struct{ uri, want string }{
		"group may read":   {write("group", 0o640, good), "chmod 600"},
		"all may read":     {write("all", 0o604, good), "chmod 600"},
		"a directory":      {localFile + dir, "regular file"},
		"empty":            {write("empty", 0o600, nil), "not a Tink keyset"},
		"not a keyset":     {write("text", 0o600, []byte("hunter2")), "not a Tink keyset"},
		"cut off":          {write("cut", 0o600, good[:len(good)/2]), "not a Tink keyset"},
		"AES-128":          {write("weak", 0o600, weak), "AES256-GCM"},
		"no file named":    {localFile, "names no file"},
		"another scheme":   {"azure-kms://hunter2.example", `"azure-kms"`},
		"all the schemes":  {"azure-kms://x", "write local-file://PATH or hcvault://HOST"},
		"a token in it":    {"hcvault://vault.example/transit/keys/k?token=hunter2", "VAULT_TOKEN_FILE"},
		"a user in it":     {"hcvault://hunter2@vault.example/transit/keys/k", "VAULT_TOKEN_FILE"},
		"a query for AWS":  {"aws-kms://arn:aws:kms:eu-west-1:111122223333:key/k?secret=hunter2", "settings of their own"},
		"no key in Vault":  {"hcvault://vault.example/transit/hunter2", "MOUNT/keys/NAME"},
		"up and out":       {"hcvault://vault.example/../sys/keys/hunter2", "MOUNT/keys/NAME"},
		"no ARN":           {"aws-kms://hunter2", "arn:aws:kms"},
		"another service":  {"aws-kms://arn:aws:s3:eu-west-1:111122223333:hunter2", "arn:aws:kms"},
		"no key in Google": {"gcp-kms://projects/hunter2", "cryptoKeys/K"},
		"no scheme":        {"/etc/key", "no scheme"},
		"nothing":          {"", "no scheme"},
		"under a file":     {write("file", 0o600, good) + "/master.json", "not a directory"},
		"a scheme nearby":  {"local-files://x", `"local-files"`},
	} {
		master, err := OpenMasterKey(t.Context(), try.uri, true)
		if err == nil || master != nil || !strings.Contains(err.Error(), try.want) {
			t.Errorf("%s: error %v, want one with %s", name, err, try.want)
		}
		if err != nil && strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: the error shows what is in the file or the URI", name)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := OpenMasterKey(ctx, write("late", 0o600, good), false); !errors.Is(err, context.Canceled) {
		t.Errorf("after the context's end the error is %v", err)
	}
}

func masterJSON(t *testing.T, key *tinkpb.KeyTemplate) []byte {
	t.Helper()
	handle, err := keyset.NewHandle(key)
	if err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	if err := insecurecleartextkeyset.Write(handle, keyset.NewJSONWriter(&b)); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}
