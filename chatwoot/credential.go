package chatwoot

import (
	"encoding/json"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

// CredentialRow is a row that holds credentials of third parties: its columns as text, without those that are null, and
// times as in RFC 3339.
type CredentialRow struct {
	Table   string
	ID      int64
	Columns map[string]chat.Secret
}

// FoundCredential is a credential as a row holds it, and what it is called when it is kept elsewhere.
type FoundCredential struct {
	Place     string // such as "integrations_hooks/5/settings.api_key"
	Provider  string
	Subject   string
	OAuth2    bool // an access token, of which Refresh and ExpiresAt may be known; else a key, a password or a secret
	Access    chat.Secret
	Refresh   chat.Secret
	TokenType string
	Scopes    []string
	ExpiresAt *time.Time
	Err       error // why it is not had; the rest of what it holds is empty then
}

// Credentials reads what a row holds, in the order of its columns. open gives what lies behind what Rails has sealed, and
// other texts as they are.
func Credentials(row CredentialRow, open func(chat.Secret) (chat.Secret, error)) []FoundCredential {
	r := &credentialReader{row: row, open: open, id: strconv.FormatInt(row.ID, 10)}
	if read := credentialTables[row.Table]; read != nil {
		read(r)
	}
	return r.found
}

// credentialTables are the tables that hold credentials. Those of Chatwoot itself stay where they are: access_tokens, and
// the hmac_token by which widgets know whom they talk to.
var credentialTables = map[string]func(*credentialReader){
	"integrations_hooks": (*credentialReader).hook,
	"channel_email":      (*credentialReader).email,
	"channel_facebook_pages": func(r *credentialReader) {
		r.token("user_access_token", "facebook", "channel/facebook_pages/"+r.id+"/user")
		r.token("page_access_token", "facebook", "channel/facebook_pages/"+r.id+"/page")
	},
	"channel_instagram": func(r *credentialReader) { r.token("access_token", "instagram", "channel/instagram/"+r.id) },
	"channel_tiktok":    func(r *credentialReader) { r.token("access_token", "tiktok", "channel/tiktok/"+r.id) },
	"channel_line": func(r *credentialReader) {
		r.secret("line_channel_secret", "line", "channel/line/"+r.id+"/secret")
		r.secret("line_channel_token", "line", "channel/line/"+r.id+"/token")
	},
	"channel_telegram":   func(r *credentialReader) { r.secret("bot_token", "telegram", "channel/telegram/"+r.id) },
	"channel_twilio_sms": func(r *credentialReader) { r.secret("auth_token", "twilio", "channel/twilio_sms/"+r.id) },
	"channel_twitter_profiles": func(r *credentialReader) {
		r.secret("twitter_access_token", "twitter", "channel/twitter_profiles/"+r.id+"/token")
		r.secret("twitter_access_token_secret", "twitter", "channel/twitter_profiles/"+r.id+"/secret")
	},
	"channel_whatsapp": func(r *credentialReader) { r.config("provider_config", "whatsapp", "channel/whatsapp/"+r.id) },
	"channel_sms":      func(r *credentialReader) { r.config("provider_config", "bandwidth", "channel/sms/"+r.id) },
	"channel_voice":    func(r *credentialReader) { r.config("provider_config", "twilio", "channel/voice/"+r.id) },
	"channel_api":      func(r *credentialReader) { r.secret("secret", "webhook", "channel/api/"+r.id) },
	"agent_bots": func(r *credentialReader) {
		r.secret("secret", "webhook", "agent_bot/"+r.id)
		r.config("bot_config", "webhook", "agent_bot/"+r.id)
	},
	"webhooks": func(r *credentialReader) { r.secret("secret", "webhook", "webhook/"+r.id) },
}

// Rails gives every hook a random access_token. These apps are signed in to with one; for those in ownToken it means
// nothing, because what they need lies in their settings; of others nobody knows, so theirs is kept.
var (
	oauthApps = []string{"slack", "linear", "notion", "shopify"}
	ownToken  = []string{"openai", "dialogflow", "google_translate", "dyte", "leadsquared", "webhook", "webhooks", "dashboard_apps"}
)

var (
	secretKey  = regexp.MustCompile(`(?i)(^|_)(key|token|secret|password|credentials)$`)
	shopDomain = regexp.MustCompile(`^[a-z0-9][a-z0-9-]*(\.[a-z0-9-]+)+$`)
)

type credentialReader struct {
	row   CredentialRow
	open  func(chat.Secret) (chat.Secret, error)
	id    string
	found []FoundCredential
}

func (r *credentialReader) hook() {
	app := strings.ToLower(r.text("app_id"))
	subject := "hook/" + r.id
	switch {
	case slices.Contains(ownToken, app):
	case slices.Contains(oauthApps, app):
		of := subject
		if shop := strings.ToLower(r.text("reference_id")); app == "shopify" && shopDomain.MatchString(shop) && !chat.TextHoldsAddress(shop) {
			of = shop // what a shop's tokens are asked for by
		}
		before := len(r.found)
		r.token("access_token", app, of)
		if settings, _ := r.object("settings"); len(r.found) > before {
			r.grant(&r.found[before], settings)
		}
	default:
		r.secret("access_token", app, subject)
	}
	r.config("settings", app, subject)
}

func (r *credentialReader) email() {
	r.secret("imap_password", "email", "channel/email/"+r.id+"/imap")
	r.secret("smtp_password", "email", "channel/email/"+r.id+"/smtp")
	provider := strings.ToLower(r.text("provider"))
	if provider == "" {
		provider = "email"
	}
	settings, _ := r.object("provider_config") // what does not open is said by config
	if access := settings.text("access_token"); access != "" {
		c := FoundCredential{Place: r.place("provider_config.access_token"), Provider: provider, Subject: "channel/email/" + r.id, OAuth2: true}
		c.Access, c.Err = r.open(access)
		r.grant(&c, settings)
		r.found = append(r.found, c)
	}
	r.config("provider_config", provider, "channel/email/"+r.id)
}

// grant adds what a JSON column says beside the access token.
func (r *credentialReader) grant(c *FoundCredential, settings jsonObject) {
	refresh, err := r.open(settings.text("refresh_token"))
	if c.Err == nil {
		c.Err = err
	}
	if c.Err != nil {
		c.Access = ""
		return
	}
	c.Refresh = refresh
	c.TokenType = settings.text("token_type").Reveal()
	c.Scopes = strings.FieldsFunc(settings.text("scope").Reveal(), func(c rune) bool { return c == ' ' || c == ',' })
	c.ExpiresAt = instant(settings.text("expires_on").Reveal())
}

func (r *credentialReader) text(column string) string { return r.row.Columns[column].Reveal() }

func (r *credentialReader) place(column string) string {
	return r.row.Table + "/" + r.id + "/" + column
}

// secret adds what a column holds, if it holds something.
func (r *credentialReader) secret(column, provider, subject string) {
	sealed := r.row.Columns[column]
	if sealed == "" {
		return
	}
	c := FoundCredential{Place: r.place(column), Provider: provider, Subject: subject}
	if c.Access, c.Err = r.open(sealed); c.Access != "" || c.Err != nil {
		r.found = append(r.found, c)
	}
}

// token adds an access token, with what the row's other columns know of it.
func (r *credentialReader) token(column, provider, subject string) {
	before := len(r.found)
	if r.secret(column, provider, subject); len(r.found) == before {
		return
	}
	c := &r.found[before]
	c.OAuth2 = true
	if c.Err != nil {
		return
	}
	c.ExpiresAt = instant(r.text("expires_at"))
	if c.Refresh, c.Err = r.open(r.row.Columns["refresh_token"]); c.Err != nil {
		c.Access, c.ExpiresAt = "", nil
	}
}

// config adds what lies under the names of secrets in a JSON column, but for what belongs to an access token.
func (r *credentialReader) config(column, provider, subject string) {
	settings, err := r.object(column)
	if err != nil {
		r.found = append(r.found, FoundCredential{Place: r.place(column), Provider: provider, Subject: subject, Err: err})
		return
	}
	for _, key := range settings.keys() {
		sealed := settings.text(key)
		if !secretKey.MatchString(key) || sealed == "" || key == "access_token" || key == "refresh_token" {
			continue
		}
		c := FoundCredential{Place: r.place(column + "." + key), Provider: provider, Subject: subject + "/" + strings.ToLower(key)}
		c.Access, c.Err = r.open(sealed)
		r.found = append(r.found, c)
	}
}

// object reads a JSON column. Where Rails seals one, or writes it twice over, it is a JSON text that holds the object.
func (r *credentialReader) object(column string) (jsonObject, error) {
	text, err := r.open(r.row.Columns[column])
	if err != nil {
		return nil, err
	}
	var inner string
	if json.Unmarshal([]byte(text.Reveal()), &inner) == nil {
		if text, err = r.open(chat.Secret(inner)); err != nil {
			return nil, err
		}
	}
	var o jsonObject
	_ = json.Unmarshal([]byte(text.Reveal()), &o) // what is no object holds nothing under a name
	return o, nil
}

type jsonObject map[string]json.RawMessage

func (o jsonObject) keys() []string {
	keys := make([]string, 0, len(o))
	for key := range o {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	return keys
}

// text gives a text as it is, and an object, such as the key file of a service account, as JSON; "" for anything else.
func (o jsonObject) text(key string) chat.Secret {
	var text string
	if raw := o[key]; json.Unmarshal(raw, &text) != nil && len(raw) > 2 && raw[0] == '{' {
		return chat.Secret(raw)
	}
	return chat.Secret(text)
}

// instant reads a time as Ruby and JSON write it; nil for what is none.
func instant(text string) *time.Time {
	for _, layout := range []string{time.RFC3339Nano, "2006-01-02 15:04:05 UTC", "2006-01-02 15:04:05 -0700"} {
		if at, err := time.Parse(layout, text); err == nil {
			at = at.UTC()
			return &at
		}
	}
	return nil
}
