package provider

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	"golang.org/x/oauth2"

	"github.com/cloakroom/cloakroom/chat"
)

// settings is what the operator says of one provider.
type settings struct {
	ClientID         string `json:"client_id"`
	ClientSecretFile string `json:"client_secret_file"`
	Tenant           string `json:"tenant"`     // of Microsoft's
	TokenURL         string `json:"token_url"`  // of one that is not built in; of one that is, in place of its own
	RevokeURL        string `json:"revoke_url"` // likewise
	AuthStyle        string `json:"auth_style"` // header, params or none
	ContentType      string `json:"content_type"`
	ScopeSeparator   string `json:"scope_separator"`
	Rotates          *bool  `json:"rotates_refresh_token"`
	GraceSeconds     *int64 `json:"grace_seconds"`
}

// Load reads the file that PROVIDERS names: a JSON object of providers' names and their settings. Without a path none is
// configured. All that is wrong is said at once, with the file and the field, and never a value.
func Load(path string) (*Providers, error) {
	p := &Providers{byName: make(map[string]*configured), client: client()}
	if path == "" {
		return p, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, unreadable(err))
	}
	var byName map[string]json.RawMessage
	if err := decode(text, &byName); err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	var problems []error
	for _, name := range slices.Sorted(maps.Keys(byName)) {
		c, err := configure(name, byName[name], filepath.Dir(path))
		if err != nil {
			problems = append(problems, fmt.Errorf("%s: %q: %w", path, name, err))
		}
		p.byName[name] = c
	}
	if err := errors.Join(problems...); err != nil {
		return nil, err
	}
	return p, nil
}

// client follows no redirect: a refresh token goes where it was sent, or nowhere.
func client() *http.Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.MaxResponseHeaderBytes = 64 << 10
	transport.MaxIdleConnsPerHost = 2
	return &http.Client{Transport: transport, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
}

// decode reads one JSON value. What encoding/json says of a fault can quote the text; its place and field do not.
func decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	err := decoder.Decode(into)
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil && !decoder.More():
		return nil
	case errors.As(err, &kind) && kind.Field != "":
		return fmt.Errorf("%s must be a %s", kind.Field, map[bool]string{true: "text", false: kind.Type.String()}[kind.Type.String() == "string"])
	case errors.As(err, &kind):
		return errors.New("it must be an object")
	case errors.As(err, &syntax):
		return fmt.Errorf("it is no JSON from byte %d on", syntax.Offset)
	case err != nil && strings.HasPrefix(err.Error(), "json: unknown field "):
		return fmt.Errorf("there is no setting %s", strings.TrimPrefix(err.Error(), "json: unknown field "))
	}
	return errors.New("it is not one whole JSON value")
}

// nameForm is that of providers in the vault.
var (
	nameForm   = regexp.MustCompile(`^[a-z0-9][a-z0-9_-]{0,49}$`)
	tenantForm = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9.-]{0,99}$`)
)

// configure puts together what is known of a provider and what the operator says of it.
func configure(name string, text json.RawMessage, directory string) (*configured, error) {
	if !nameForm.MatchString(name) {
		return nil, errors.New("a name must be 1 to 50 of a-z, 0-9, _ and -")
	}
	var s settings
	if err := decode(text, &s); err != nil {
		return nil, err
	}
	c, known := builtIn(name)
	if !known {
		c = configured{auth: oauth2.AuthStyleInHeader} // RFC 6749, 2.3.1: every server takes it
	}
	return &c, errors.Join(
		c.takePlaces(s, known), c.takeTenant(s), c.takeForm(s), c.takePolicy(s), c.takeClient(s, directory),
	)
}

func (c *configured) takePlaces(s settings, known bool) error {
	var problems []error
	for _, place := range []struct {
		field, said string
		into        *string
	}{{"token_url", s.TokenURL, &c.tokenURL}, {"revoke_url", s.RevokeURL, &c.revokeURL}} {
		shop := strings.Contains(*place.into, subjectPart)
		switch {
		case place.said == "" && place.field == "token_url" && !known:
			problems = append(problems, errors.New("token_url is missing"))
		case place.said == "":
		case !safe(place.said, shop):
			problems = append(problems, fmt.Errorf("%s must be an https:// URL without user, password and fragment", place.field))
		default:
			*place.into = place.said
		}
	}
	return errors.Join(problems...)
}

// safe says that a token may be sent to a place: over TLS, or within this machine.
func safe(place string, shop bool) bool {
	if shop {
		place = strings.ReplaceAll(place, subjectPart, "shop.myshopify.com")
	}
	u, err := url.Parse(place)
	if err != nil || u.Host == "" || u.User != nil || u.Fragment != "" || strings.ContainsAny(place, "{}") {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && (u.Hostname() == "localhost" || net.ParseIP(u.Hostname()).IsLoopback())
}

func (c *configured) takeTenant(s settings) error {
	switch {
	case !strings.Contains(c.tokenURL, tenantPart) && s.Tenant != "":
		return errors.New("tenant is for microsoft alone")
	case !strings.Contains(c.tokenURL, tenantPart):
		return nil
	case s.Tenant == "":
		s.Tenant = "common"
	case !tenantForm.MatchString(s.Tenant):
		return errors.New("tenant must be an id or a domain")
	}
	c.tokenURL = strings.ReplaceAll(c.tokenURL, tenantPart, s.Tenant)
	return nil
}

// takeForm reads how requests and answers are written.
func (c *configured) takeForm(s settings) error {
	styles := map[string]oauth2.AuthStyle{"header": oauth2.AuthStyleInHeader, "params": oauth2.AuthStyleInParams, "none": oauth2.AuthStyleInParams}
	style, ok := styles[s.AuthStyle]
	switch {
	case s.AuthStyle != "" && !ok:
		return errors.New("auth_style must be header, params or none")
	case !slices.Contains([]string{"", "form", "json"}, s.ContentType):
		return errors.New("content_type must be form or json")
	case !slices.Contains([]string{"", "space", "comma"}, s.ScopeSeparator):
		return errors.New("scope_separator must be space or comma")
	}
	if ok {
		c.auth = style
	}
	if s.ContentType != "" {
		c.json = s.ContentType == "json"
	}
	if s.ScopeSeparator != "" {
		c.commas = s.ScopeSeparator == "comma"
	}
	return nil
}

func (c *configured) takePolicy(s settings) error {
	if s.Rotates != nil {
		c.policy.Rotates = *s.Rotates
	}
	if s.GraceSeconds == nil {
		return nil
	}
	if *s.GraceSeconds < 0 || *s.GraceSeconds > int64(maxLife/time.Second) {
		return errors.New("grace_seconds must be a number of seconds from 0 up")
	}
	c.policy.Grace = time.Duration(*s.GraceSeconds) * time.Second
	return nil
}

func (c *configured) takeClient(s settings, directory string) error {
	c.clientID, c.secretFile = s.ClientID, s.ClientSecretFile
	switch {
	case s.ClientID == "":
		return errors.New("client_id is missing")
	case s.AuthStyle == "none" && s.ClientSecretFile != "":
		return errors.New("client_secret_file is not for auth_style none")
	case s.AuthStyle == "none":
		return nil
	case s.ClientSecretFile == "":
		return errors.New("client_secret_file is missing")
	}
	if !filepath.IsAbs(c.secretFile) {
		c.secretFile = filepath.Join(directory, c.secretFile)
	}
	if _, err := c.secret(); err != nil {
		return fmt.Errorf("client_secret_file %w", err)
	}
	return nil
}

// readSecret reads a file without the line break at its end.
func readSecret(path string) (chat.Secret, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", unreadable(err)
	}
	secret := strings.TrimSuffix(strings.TrimSuffix(string(text), "\n"), "\r")
	if secret == "" || len(secret) > 4096 || strings.ContainsAny(secret, "\r\n\x00") {
		return "", errors.New("must hold one line and nothing else")
	}
	return chat.Secret(secret), nil
}

// unreadable says why a file cannot be read, without its path.
func unreadable(err error) error {
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return errors.New("names no file")
	case errors.Is(err, fs.ErrPermission):
		return errors.New("may not be read")
	}
	return errors.New("cannot be read")
}
