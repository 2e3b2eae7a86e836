package outbox

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"github.com/aws/aws-sdk-go-v2/config"
)

// s3 is a bucket of S3, or of what speaks like it. Two calls are all that is needed, so they are written out here and
// signed by AWS's own signer.
type s3 struct {
	base        *url.URL // of the bucket
	prefix      string
	region      string
	credentials aws.CredentialsProvider
	now         func() time.Time
}

// bucket reads s3://bucket/prefix?region=…&endpoint=…&path_style=true. Credentials come from where AWS's libraries look.
func bucket(ctx context.Context, u *url.URL) (*Destination, error) {
	query := u.Query()
	options := []func(*config.LoadOptions) error{}
	if region := query.Get("region"); region != "" {
		options = append(options, config.WithRegion(region))
	}
	loaded, err := config.LoadDefaultConfig(ctx, options...)
	if err != nil {
		return nil, errors.New("AWS's settings cannot be read")
	}
	if loaded.Region == "" {
		return nil, errors.New("an s3:// destination needs its region, as ?region=… or in AWS_REGION")
	}
	b := &s3{prefix: strings.Trim(u.Path, "/"), region: loaded.Region, credentials: loaded.Credentials, now: time.Now}
	if b.base, err = bucketURL(u.Host, loaded.Region, query.Get("endpoint"), query.Get("path_style") == "true"); err != nil {
		return nil, err
	}
	return &Destination{Name: strings.TrimSuffix("s3://"+u.Host+"/"+b.prefix, "/"), put: b.put}, nil
}

func bucketURL(name, region, endpoint string, pathStyle bool) (*url.URL, error) {
	if endpoint == "" {
		endpoint = "https://s3." + region + ".amazonaws.com"
	}
	u, err := url.Parse(endpoint)
	if err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !loopback(u.Hostname())) {
		return nil, errors.New("the endpoint of an s3:// destination must be an https:// URL")
	}
	if pathStyle {
		return u.JoinPath(name), nil
	}
	u.Host = name + "." + u.Host
	return u, nil
}

// put writes an object where there is none. The checksum is asked for by buckets with Object Lock.
func (b *s3) put(ctx context.Context, name string, text []byte) error {
	sum := sha256.Sum256(text)
	status, _, err := b.do(ctx, http.MethodPut, name, text, http.Header{
		"If-None-Match": {"*"}, "Content-Type": {"text/plain; charset=utf-8"}, "X-Amz-Checksum-Sha256": {base64.StdEncoding.EncodeToString(sum[:])},
	})
	switch {
	case err != nil:
		return err
	case status == http.StatusOK:
		return nil
	case status == http.StatusPreconditionFailed:
		return b.compare(ctx, name, text)
	}
	return fmt.Errorf("it answers %d to a PUT", status)
}

func (b *s3) compare(ctx context.Context, name string, text []byte) error {
	status, there, err := b.do(ctx, http.MethodGet, name, nil, nil)
	switch {
	case err != nil:
		return err
	case status != http.StatusOK:
		return fmt.Errorf("something lies there under this name, and it answers %d to a GET", status)
	case !bytes.Equal(there, text):
		return ErrOther
	}
	return nil
}

func (b *s3) do(ctx context.Context, method, name string, body []byte, header http.Header) (int, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, method, b.base.JoinPath(b.prefix, name).String(), bytes.NewReader(body))
	if err != nil {
		return 0, nil, errors.New("its URL cannot be asked")
	}
	for name, values := range header {
		request.Header[name] = values
	}
	sum := sha256.Sum256(body)
	hash := hex.EncodeToString(sum[:])
	request.Header.Set("X-Amz-Content-Sha256", hash)
	credentials, err := b.credentials.Retrieve(ctx)
	if err != nil {
		return 0, nil, errors.New("AWS has no credentials for it")
	}
	err = v4.NewSigner().SignHTTP(ctx, credentials, request, hash, "s3", b.region, b.now(), func(o *v4.SignerOptions) { o.DisableURIPathEscaping = true })
	if err != nil {
		return 0, nil, errors.New("a request to it cannot be signed")
	}
	return send(request)
}
