package auth

import (
	"encoding/base64"
	"encoding/json"
	"net/http"
	"strings"
	"unicode/utf8"
)

// maxHeader is the longest credential that is looked at, in bytes.
const maxHeader = 4 << 10

type credentialKind int

const (
	accessToken credentialKind = iota + 1
	serviceToken
	sessionToken
)

// credential is what a request presents, unchecked.
type credential struct {
	kind        credentialKind
	secret      string
	uid, client string // of a session
}

// readCredential picks the credential that counts; ok is false when there is none or one is malformed.
func readCredential(h http.Header) (c credential, ok bool) {
	values := make(map[string]string, 6)
	for _, name := range []string{"api_access_token", "api-access-token", "authorization", "access-token", "client", "uid"} {
		value, ok := single(h, name)
		if !ok {
			return credential{}, false
		}
		values[name] = value
	}
	token := values["api_access_token"]
	if token == "" {
		token = values["api-access-token"] // proxies drop underscores, and Rack cannot tell the two apart
	}
	if token != "" {
		return credential{kind: accessToken, secret: token}, true
	}
	bearer := bearerOf(values["authorization"])
	if strings.HasPrefix(bearer, tokenPrefix) {
		return credential{kind: serviceToken, secret: bearer}, !fromBrowser(h)
	}
	if values["access-token"] != "" && values["uid"] != "" {
		return newSession(values["access-token"], values["client"], values["uid"])
	}
	return readBearerSession(bearer)
}

// single gives a header that may be absent but must not come twice: two parties that read different ones
// would see different users.
func single(h http.Header, name string) (value string, ok bool) {
	list := h.Values(name)
	if len(list) > 1 {
		return "", false
	}
	if len(list) == 1 {
		value = list[0]
	}
	return value, len(value) <= maxHeader && storable(value)
}

// storable says that PostgreSQL takes s as text.
func storable(s string) bool { return utf8.ValidString(s) && !strings.ContainsRune(s, 0) }

func bearerOf(authorization string) string {
	scheme, rest, _ := strings.Cut(authorization, " ")
	if !strings.EqualFold(scheme, "Bearer") {
		return ""
	}
	return strings.TrimSpace(rest)
}

// fromBrowser knows a browser by what it adds to requests. A service token has no place there: whoever can
// run a script in that page would hold it.
func fromBrowser(h http.Header) bool {
	for _, name := range []string{"Origin", "Sec-Fetch-Site", "Cookie"} {
		if len(h.Values(name)) > 0 {
			return true
		}
	}
	return false
}

func newSession(token, client, uid string) (credential, bool) {
	if client == "" {
		client = "default" // as devise_token_auth has it
	}
	return credential{kind: sessionToken, secret: token, uid: uid, client: client}, token != "" && uid != ""
}

// readBearerSession reads Chatwoot's other form of the session headers: base64 of the five as JSON.
func readBearerSession(bearer string) (credential, bool) {
	raw, err := base64.StdEncoding.DecodeString(bearer)
	if err != nil {
		return credential{}, false
	}
	var five struct {
		Token  string `json:"access-token"`
		Client string `json:"client"`
		UID    string `json:"uid"`
	}
	if err := json.Unmarshal(raw, &five); err != nil {
		return credential{}, false
	}
	c, ok := newSession(five.Token, five.Client, five.UID)
	return c, ok && storable(c.secret) && storable(c.client) && storable(c.uid)
}
