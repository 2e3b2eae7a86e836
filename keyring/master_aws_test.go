package keyring

import (
	"context"
	"crypto/cipher"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/config"

	"github.com/cloakroom/cloakroom/keyring/transittest"
)

const awsWhere = "arn:aws:kms:eu-west-1:111122223333:"

// trent speaks AWS KMS's protocol to the real SDK. It checks our requests and what we make of errors; that real AWS
// accepts the SDK's signatures, and is consistent with this, it cannot show.
type trent struct {
	mu      sync.Mutex
	keys    map[string]*trentKey
	aliases map[string]string // to the id of a key
	shy     int               // so many more requests do not see an alias
	refuse  string            // answer every request with this error
	seen    []string
}

type trentKey struct {
	gcm   cipher.AEAD
	state string
}

func newTrent() *trent {
	return &trent{keys: map[string]*trentKey{"k-0": {transittest.NewGCM(), "Enabled"}}, aliases: make(map[string]string)}
}

type trentRequest struct {
	KeyId, AliasName, TargetKeyId, Description string
	Plaintext, CiphertextBlob                  []byte
	EncryptionContext                          map[string]string
	PendingWindowInDays                        int
}

// awsError is a code of AWS's, and a message that quotes.
type awsError string

func (v *trent) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	v.mu.Lock()
	defer v.mu.Unlock()
	body, _ := io.ReadAll(r.Body)
	action := strings.TrimPrefix(r.Header.Get("X-Amz-Target"), "TrentService.")
	v.seen = append(v.seen, action+" "+string(body))
	var in trentRequest
	var answer any = awsError("SerializationException")
	if json.Unmarshal(body, &in) == nil {
		answer = v.answer(action, in)
	}
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=AKIDEXAMPLE/") {
		answer = awsError("UnrecognizedClientException")
	}
	if v.refuse != "" {
		answer = awsError(v.refuse)
	}
	w.Header().Set("Content-Type", "application/x-amz-json-1.1")
	if code, ok := answer.(awsError); ok {
		message := fmt.Sprintf("you asked %s", body)
		if code == "KMSInvalidStateException" {
			message = "the key is pending deletion. " + message
		}
		w.WriteHeader(http.StatusBadRequest)
		answer = map[string]string{"__type": string(code), "message": message}
	}
	_ = json.NewEncoder(w).Encode(answer)
}

func (v *trent) answer(action string, in trentRequest) any {
	id := strings.TrimPrefix(strings.TrimPrefix(in.KeyId, awsWhere), "key/")
	if alias, ok := strings.CutPrefix(id, "alias/"); ok && action != "ScheduleKeyDeletion" { // which takes no alias
		id = v.aliases[alias]
		if v.shy > 0 {
			v.shy--
			id = ""
		}
	}
	key := v.keys[id]
	switch action {
	case "CreateKey":
		id = fmt.Sprintf("k-%d", len(v.keys))
		v.keys[id] = &trentKey{transittest.NewGCM(), "Enabled"}
		return map[string]any{"KeyMetadata": map[string]any{"KeyId": id, "Arn": awsWhere + "key/" + id, "KeyState": "Enabled"}}
	case "CreateAlias":
		name := strings.TrimPrefix(in.AliasName, "alias/")
		if v.aliases[name] != "" {
			return awsError("AlreadyExistsException")
		}
		v.aliases[name] = in.TargetKeyId
		return struct{}{}
	}
	if key == nil {
		return awsError("NotFoundException")
	}
	switch action {
	case "DescribeKey":
		return map[string]any{"KeyMetadata": map[string]any{"KeyId": id, "Arn": awsWhere + "key/" + id, "KeyState": key.state}}
	case "ScheduleKeyDeletion":
		if key.state != "Enabled" {
			return awsError("KMSInvalidStateException")
		}
		key.state = "PendingDeletion"
		return map[string]any{"KeyId": id}
	}
	if key.state != "Enabled" {
		return awsError("KMSInvalidStateException")
	}
	return key.use(action, id, in)
}

func (k *trentKey) use(action, id string, in trentRequest) any {
	bound, _ := json.Marshal(in.EncryptionContext) // with its keys in order
	switch action {
	case "Encrypt":
		if len(in.Plaintext) > 4096 || len(in.Plaintext) == 0 {
			return awsError("ValidationException")
		}
		return map[string]any{"CiphertextBlob": append([]byte(id+"|"), k.gcm.Seal(nil, nil, in.Plaintext, bound)...), "KeyId": awsWhere + "key/" + id}
	case "Decrypt":
		name, sealed, _ := strings.Cut(string(in.CiphertextBlob), "|")
		if strings.HasPrefix(name, "k-") && name != id {
			return awsError("IncorrectKeyException")
		}
		plaintext, err := k.gcm.Open(nil, nil, []byte(sealed), bound)
		if err != nil || name != id {
			return awsError("InvalidCiphertextException")
		}
		return map[string]any{"Plaintext": plaintext}
	}
	return awsError("UnknownOperationException")
}

func fakeAWS(t *testing.T, handler http.Handler) (*httptest.Server, KeyServices) {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	credentials := aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{AccessKeyID: "AKIDEXAMPLE", SecretAccessKey: "hvs.secret"}, nil
	})
	return server, KeyServices{aws: []func(*config.LoadOptions) error{config.WithBaseEndpoint(server.URL), config.WithCredentialsProvider(credentials)}}
}

// TestAWSIsTinks holds the requests to what tink-go-awskms sends: its SDK is at its end, so it is no dependency of ours.
func TestAWSIsTinks(t *testing.T) {
	t.Parallel()
	v := newTrent()
	_, settings := fakeAWS(t, v)
	master, err := settings.Open(t.Context(), awsKMS+awsWhere+"key/k-0", false)
	if err != nil {
		t.Fatal(err)
	}
	v.seen = nil
	for _, associatedData := range []string{"here", ""} {
		wrapped, err := master.EncryptWithContext(t.Context(), []byte("keyset"), []byte(associatedData))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := master.DecryptWithContext(t.Context(), wrapped, []byte(associatedData)); err != nil {
			t.Fatal(err)
		}
	}
	for i, request := range v.seen {
		here := strings.Contains(request, `"EncryptionContext":{"associatedData":"68657265"}`)
		if !strings.Contains(request, `"KeyId":"`+awsWhere+`key/k-0"`) || here != (i < 2) || !here && strings.Contains(request, "EncryptionContext") {
			t.Errorf("request %d is not Tink's: %s", i, request)
		}
	}
}

// TestAWSFaults reads what an operator reads.
func TestAWSFaults(t *testing.T) {
	t.Parallel()
	for code, want := range map[string]string{
		"AccessDeniedException": "kms:Decrypt", "ExpiredTokenException": "renew them", "DisabledException": "enable it",
		"NotFoundException": "right key", "KMSInvalidStateException": "can be cancelled", "Unheard": "CloudTrail", "LimitExceededException": "quotas",
	} {
		t.Run(code, func(t *testing.T) {
			t.Parallel()
			v := newTrent()
			v.refuse = code
			_, settings := fakeAWS(t, v)
			_, err := settings.Open(t.Context(), awsKMS+awsWhere+"key/k-0", false)
			if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "you asked") {
				t.Errorf("error %v, want one with %q that quotes nothing", err, want)
			}
		})
	}
}

// TestAWSMakes covers what is special about making keys: AWS does not know a new one at once everywhere, and chooses ids.
func TestAWSMakes(t *testing.T) {
	t.Parallel()
	v := newTrent()
	v.shy = 3
	_, settings := fakeAWS(t, v)
	if _, err := settings.Open(t.Context(), awsKMS+awsWhere+"alias/new", true); err != nil {
		t.Errorf("a key that shows late: %v", err)
	}
	if _, err := settings.Open(t.Context(), awsKMS+awsWhere+"key/chosen", true); err == nil || !strings.Contains(err.Error(), "alias") {
		t.Errorf("making a key of a chosen id gave error %v, want one that asks for an alias", err)
	}
}

// TestAWSRace lets two processes make one key: the second gives its own back.
func TestAWSRace(t *testing.T) {
	t.Parallel()
	v := newTrent()
	_, settings := fakeAWS(t, v)
	master, err := settings.Open(t.Context(), awsKMS+awsWhere+"key/k-0", false)
	if err != nil {
		t.Fatal(err)
	}
	first := master.(masterKey).child("epoch").(*awsKey)
	for range 2 { // both saw that there is none
		if err := first.create(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	states := []string{v.keys["k-1"].state, v.keys["k-2"].state}
	if !slices.Equal(states, []string{"Enabled", "PendingDeletion"}) || v.aliases["cloakroom-epoch"] != "k-1" {
		t.Errorf("the keys are %v, the alias names %s", states, v.aliases["cloakroom-epoch"])
	}
}
