package outbox

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"
)

const name = "account-1/000000000001.checkpoint"

func one(t *testing.T, list string) *Destination {
	t.Helper()
	destinations, err := Open(t.Context(), list)
	if err != nil || len(destinations) != 1 {
		t.Fatalf("%v, %v", destinations, err)
	}
	return destinations[0]
}

// keeps holds a destination to its promise: once and for all.
func keeps(t *testing.T, d *Destination) {
	t.Helper()
	for range 2 { // the answer to the first may have been lost
		if err := d.Put(t.Context(), name, []byte("first")); err != nil {
			t.Fatal(err)
		}
	}
	if err := d.Put(t.Context(), name, []byte("other")); !errors.Is(err, ErrOther) {
		t.Errorf("another text under the same name: %v", err)
	}
	if err := d.Put(t.Context(), "account-2/000000000001.checkpoint", []byte("other")); err != nil {
		t.Error(err)
	}
}

func TestDirectory(t *testing.T) {
	t.Parallel()
	folder := filepath.Join(t.TempDir(), "audit")
	d := one(t, " file://"+folder+" ,")
	keeps(t, d)
	if d.Directory != folder || d.Name != "file://"+folder {
		t.Errorf("%+v", d)
	}
	text, err := os.ReadFile(filepath.Join(folder, name))
	files, globErr := filepath.Glob(filepath.Join(folder, "*", "*"))
	hidden, hiddenErr := filepath.Glob(filepath.Join(folder, "*", ".*"))
	if err := errors.Join(err, globErr, hiddenErr); err != nil || string(text) != "first" || len(files) != 2 || len(hidden) != 0 {
		t.Errorf("%q, %v, %v, %v", text, files, hidden, err)
	}
	var writers sync.WaitGroup
	for i := range 20 {
		writers.Go(func() {
			err := d.Put(t.Context(), "account-3/000000000001.checkpoint", bytes.Repeat([]byte{byte('a' + i)}, 5000))
			if err != nil && !errors.Is(err, ErrOther) {
				t.Error(err)
			}
		})
	}
	writers.Wait()
	if text, err = os.ReadFile(filepath.Join(folder, "account-3/000000000001.checkpoint")); err != nil || len(text) != 5000 || bytes.Count(text, text[:1]) != 5000 {
		t.Errorf("%d bytes, %v", len(text), err)
	}
	if err := os.WriteFile(filepath.Join(folder, "account-4"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := d.Put(t.Context(), "account-4/000000000001.checkpoint", []byte("x")); err == nil || strings.Contains(err.Error(), folder) {
		t.Errorf("%v", err)
	}
}

// strictS3 speaks the two calls that are used, and refuses what S3 would refuse of them.
type strictS3 struct {
	mu      sync.Mutex
	objects map[string][]byte
	status  int // to be answered to everything, if not 0
}

var authorization = regexp.MustCompile(`^AWS4-HMAC-SHA256 Credential=AKIDTEST/\d{8}/eu-test-1/s3/aws4_request, SignedHeaders=([a-z0-9;-]+), Signature=[0-9a-f]{64}$`)

func (s *strictS3) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	body, err := io.ReadAll(r.Body)
	sum := sha256.Sum256(body)
	signed := authorization.FindStringSubmatch(r.Header.Get("Authorization"))
	at, timeErr := time.Parse("20060102T150405Z", r.Header.Get("X-Amz-Date"))
	switch {
	case s.status != 0:
		w.WriteHeader(s.status)
		_, _ = io.WriteString(w, "<Error><Message>secret of the other side</Message></Error>")
	case err != nil || signed == nil || timeErr != nil || time.Since(at).Abs() > 15*time.Minute || r.Header.Get("X-Amz-Content-Sha256") != hex.EncodeToString(sum[:]) ||
		!strings.Contains(signed[1], "host;") || !strings.Contains(signed[1], "x-amz-content-sha256;x-amz-date"):
		w.WriteHeader(http.StatusForbidden)
	case r.Method == http.MethodPut && (r.Header.Get("If-None-Match") != "*" || r.ContentLength != int64(len(body)) ||
		r.Header.Get("X-Amz-Checksum-Sha256") != base64.StdEncoding.EncodeToString(sum[:]) || !strings.Contains(signed[1], "x-amz-checksum-sha256")):
		w.WriteHeader(http.StatusBadRequest)
	case r.Method == http.MethodPut && s.objects[r.URL.Path] != nil:
		w.WriteHeader(http.StatusPreconditionFailed)
	case r.Method == http.MethodPut:
		s.objects[r.URL.Path] = body
	case r.Method == http.MethodGet && s.objects[r.URL.Path] != nil:
		_, _ = w.Write(s.objects[r.URL.Path])
	case r.Method == http.MethodGet:
		w.WriteHeader(http.StatusNotFound)
	default:
		w.WriteHeader(http.StatusMethodNotAllowed)
	}
}

func TestBucket(t *testing.T) { // sets the environment that AWS's libraries read
	t.Setenv("AWS_ACCESS_KEY_ID", "AKIDTEST")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "s3cret")
	t.Setenv("AWS_EC2_METADATA_DISABLED", "true")
	t.Setenv("AWS_CONFIG_FILE", filepath.Join(t.TempDir(), "none"))
	s := &strictS3{objects: make(map[string][]byte)}
	server := httptest.NewServer(s)
	defer server.Close()
	d := one(t, "s3://trail/of cloakroom/?region=eu-test-1&path_style=true&endpoint="+server.URL)
	keeps(t, d)
	if len(s.objects) != 2 || string(s.objects["/trail/of cloakroom/"+name]) != "first" || d.Name != "s3://trail/of cloakroom" {
		t.Errorf("%q, %s", s.objects, d.Name)
	}
	for _, s.status = range []int{http.StatusForbidden, http.StatusInternalServerError, http.StatusMovedPermanently, http.StatusConflict, http.StatusPreconditionFailed} {
		if err := d.Put(t.Context(), name, []byte("first")); err == nil || strings.Contains(err.Error(), "secret") || !strings.Contains(err.Error(), "answers") {
			t.Errorf("%d: %v", s.status, err)
		}
	}
	for list, want := range map[string]string{
		"s3://trail?region=eu-1":                                 "https://trail.s3.eu-1.amazonaws.com",
		"s3://trail?region=eu-1&endpoint=https://minio:9000":     "https://trail.minio:9000",
		"s3://trail?endpoint=https://m&path_style=true&region=x": "https://m/trail",
	} {
		u, err := bucketURL("trail", "eu-1", strings.TrimPrefix(regexp.MustCompile(`endpoint=[^&]*`).FindString(list), "endpoint="), strings.Contains(list, "path_style"))
		if err != nil || u.String() != want {
			t.Errorf("%s: %v, %v", list, u, err)
		}
	}
	for _, bad := range []string{"s3://trail", "s3://trail?region=eu-1&endpoint=http://elsewhere", "s3://trail?region=eu-1&endpoint=minio"} {
		if _, err := Open(t.Context(), bad); err == nil {
			t.Errorf("%s is a destination", bad)
		}
	}
}

func TestWebhook(t *testing.T) {
	t.Parallel()
	status, got := http.StatusAccepted, ""
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body) // what does not come is not got
		got = r.Method + " " + r.URL.String() + " " + string(body)
		w.Header().Set("Location", "/elsewhere")
		w.WriteHeader(status)
		_, _ = io.WriteString(w, "secret of the other side")
	}))
	d := one(t, server.URL+"/hooks/t0ken?key=s3cret")
	if err := d.Put(t.Context(), name, []byte("note")); err != nil || got != "POST /hooks/t0ken?key=s3cret note" {
		t.Errorf("%v, %q", err, got)
	}
	if strings.Contains(d.Name, "t0ken") || strings.Contains(d.Name, "s3cret") {
		t.Error(d.Name)
	}
	for _, status = range []int{http.StatusFound, http.StatusTemporaryRedirect, http.StatusBadRequest, http.StatusServiceUnavailable} {
		if err := d.Put(t.Context(), name, []byte("note")); err == nil || strings.Contains(err.Error(), "secret") || strings.Contains(got, "elsewhere") {
			t.Errorf("%d: %v, %q", status, err, got)
		}
	}
	server.Close()
	if err := d.Put(t.Context(), name, []byte("note")); err == nil || strings.Contains(err.Error(), "t0ken") {
		t.Errorf("%v", err)
	}
}

func TestOpenRefuses(t *testing.T) {
	t.Parallel()
	for _, list := range []string{"file://relative", "/var/audit", "http://elsewhere/hook", "ftp://host/x", "https://", "file:///ok,nonsense", "https://user:s3cret@[broken"} {
		if _, err := Open(t.Context(), list); err == nil || strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: %v", list, err)
		}
	}
	if none, err := Open(t.Context(), " , "); err != nil || none != nil {
		t.Errorf("%v, %v", none, err)
	}
}
