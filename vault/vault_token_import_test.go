package vault

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// everyPlace is an account of which each table of Chatwoot's holds a credential; ids begin at 900. Two are sealed by Rails,
// with the keys of the keyring's frozen messages.
const everyPlace = `
 DELETE FROM integrations_hooks; DELETE FROM channel_email; DELETE FROM channel_whatsapp; DELETE FROM channel_sms; DELETE FROM channel_twilio_sms;
 DELETE FROM channel_telegram; DELETE FROM channel_facebook_pages; DELETE FROM agent_bots;
 CREATE TABLE channel_voice (id bigint, account_id int, provider_config jsonb);
 INSERT INTO integrations_hooks (id, account_id, app_id, reference_id, access_token, settings, created_at, updated_at) VALUES
  (901, 1, 'shopify', 'Acme-Demo.myshopify.com', 'canary-shop', '{"scope": "read_orders,read_customers"}', now(), now()),
  (902, 1, 'slack', 'C0', %[1]s, '{"channel_name": "support"}', now(), now()),
  (903, 1, 'linear', NULL, 'canary-linear', '{"token_type": "Bearer", "expires_on": "2126-03-01 12:00:00 UTC", "refresh_token": "canary-linear-refresh", "scope": "read write"}', now(), now()),
  (904, 1, 'openai', NULL, 'of-no-use', '{"api_key": "canary-openai"}', now(), now()),
  (905, 1, 'dialogflow', NULL, 'of-no-use', '{"project_id": "p", "credentials": {"private_key": "canary-dialogflow"}}', now(), now()),
  (906, 1, 'leadsquared', NULL, 'of-no-use', '{"access_key": "canary-lead-access", "secret_key": "canary-lead-secret", "endpoint_url": "https://x"}', now(), now()),
  (907, 1, 'homemade', NULL, 'canary-homemade', NULL, now(), now()),
  (908, 2, 'slack', NULL, 'canary-of-borealis', '{}', now(), now());
 INSERT INTO channel_email (id, account_id, email, forward_to_email, provider, imap_password, smtp_password, provider_config, created_at, updated_at) VALUES
  (911, 1, 'a', 'a', NULL, 'canary-imap', %[2]s, '{}', now(), now()),
  (912, 1, 'b', 'b', 'google', '', '', '{"access_token": "canary-google", "refresh_token": "canary-google-refresh", "expires_on": "2126-03-01T12:00:00Z"}', now(), now());
 INSERT INTO channel_facebook_pages (id, account_id, page_id, user_access_token, page_access_token, created_at, updated_at) VALUES (921, 1, 'p', 'canary-fb-user', 'canary-fb-page', now(), now());
 INSERT INTO channel_instagram (id, account_id, access_token, expires_at, instagram_id, created_at, updated_at) VALUES (922, 1, 'canary-instagram', '2126-03-01 12:00', 'i', now(), now());
 INSERT INTO channel_tiktok (id, account_id, business_id, access_token, expires_at, refresh_token, refresh_token_expires_at, created_at, updated_at)
  VALUES (923, 1, 'b', 'canary-tiktok', 'infinity', 'canary-tiktok-refresh', now(), now(), now());
 INSERT INTO channel_line (id, account_id, line_channel_id, line_channel_secret, line_channel_token, created_at, updated_at) VALUES (924, 1, 'l', 'canary-line-secret', 'canary-line-token', now(), now());
 INSERT INTO channel_telegram (id, account_id, bot_token, created_at, updated_at) VALUES (925, 1, 'canary-telegram', now(), now());
 INSERT INTO channel_twilio_sms (id, account_id, account_sid, auth_token, created_at, updated_at) VALUES (926, 1, 'AC', 'canary-twilio', now(), now());
 INSERT INTO channel_twitter_profiles (id, account_id, profile_id, twitter_access_token, twitter_access_token_secret, created_at, updated_at) VALUES (927, 1, 'p', 'canary-twitter', 'canary-twitter-secret', now(), now());
 INSERT INTO channel_whatsapp (id, account_id, phone_number, provider_config, created_at, updated_at) VALUES (928, 1, '+1', '{"api_key": "canary-whatsapp", "webhook_verify_token": "canary-verify", "phone_number_id": "1"}', now(), now());
 INSERT INTO channel_sms (id, account_id, phone_number, provider_config, created_at, updated_at) VALUES (929, 1, '+1', '{"api_key": "canary-sms", "api_secret": "canary-sms-secret", "account_id": "9"}', now(), now());
 INSERT INTO channel_voice VALUES (930, 1, '{"auth_token": "canary-voice", "api_key_sid": "SK"}');
 UPDATE channel_api SET secret = NULL;
 INSERT INTO channel_api (id, account_id, secret, hmac_token, created_at, updated_at) VALUES (931, 1, 'canary-api', 'of-chatwoot-itself', now(), now());
 INSERT INTO agent_bots (id, account_id, secret, bot_config, created_at, updated_at) VALUES (932, 1, 'canary-bot', '{"csml_content": "x"}', now(), now()), (933, NULL, 'canary-of-nobody', '{}', now(), now());
 INSERT INTO webhooks (id, account_id, url, secret, created_at, updated_at) VALUES (934, 1, 'https://x', 'canary-webhook', now(), now()), (935, 1, 'https://y', NULL, now(), now());`

// Two of the keyring's frozen messages, which Rails has written, and the keys that open them.
const (
	railsSlack = `'{"p":"aLYo/AyYvK6ArzgBxkZMIeuhG1jX3rPB","h":{"iv":"OoN39qzeKnFfasZg","at":"o0EA5MSpHeh98TVIOMRBfg=="}}'`
	railsSMTP  = `'{"p":"wY6nR/3KlSacCbz63uB7CYuINrcsfzvo","h":{"iv":"1s0k2SfMs2mP9xpZ","at":"bBjS1EPrT6j7N+tzqvE3zQ=="}}'`
	railsKeys  = `{"primary_key": "kQ3mZ8vT1xN5cR7pL0wY4sB6hJ9dF2gA", "deterministic_key": "gH5jN8mB2vC4xZ7qW1eR9tY3uI6oP0aS",
 "key_derivation_salt": "aL9kD3fJ7sG1hQ5wE8rT2yU6iO4pZ0xC", "hash_digest": "SHA1"}`
)

// inChatwoot are the places of everyPlace and what the vault calls them.
var inChatwoot = map[string]string{
	"integrations_hooks/901/access_token":                       "shopify acme-demo.myshopify.com OAUTH2",
	"integrations_hooks/902/access_token":                       "slack hook/902 OAUTH2",
	"integrations_hooks/903/access_token":                       "linear hook/903 OAUTH2 until 2126-03-01 12:00",
	"integrations_hooks/904/settings.api_key":                   "openai hook/904/api_key STATIC",
	"integrations_hooks/905/settings.credentials":               "dialogflow hook/905/credentials STATIC",
	"integrations_hooks/906/settings.access_key":                "leadsquared hook/906/access_key STATIC",
	"integrations_hooks/906/settings.secret_key":                "leadsquared hook/906/secret_key STATIC",
	"integrations_hooks/907/access_token":                       "homemade hook/907 STATIC",
	"channel_email/911/imap_password":                           "email channel/email/911/imap STATIC",
	"channel_email/911/smtp_password":                           "email channel/email/911/smtp STATIC",
	"channel_email/912/provider_config.access_token":            "google channel/email/912 OAUTH2 until 2126-03-01 12:00",
	"channel_facebook_pages/921/user_access_token":              "facebook channel/facebook_pages/921/user OAUTH2",
	"channel_facebook_pages/921/page_access_token":              "facebook channel/facebook_pages/921/page OAUTH2",
	"channel_instagram/922/access_token":                        "instagram channel/instagram/922 OAUTH2 until 2126-03-01 12:00",
	"channel_tiktok/923/access_token":                           "tiktok channel/tiktok/923 OAUTH2",
	"channel_line/924/line_channel_secret":                      "line channel/line/924/secret STATIC",
	"channel_line/924/line_channel_token":                       "line channel/line/924/token STATIC",
	"channel_telegram/925/bot_token":                            "telegram channel/telegram/925 STATIC",
	"channel_twilio_sms/926/auth_token":                         "twilio channel/twilio_sms/926 STATIC",
	"channel_twitter_profiles/927/twitter_access_token":         "twitter channel/twitter_profiles/927/token STATIC",
	"channel_twitter_profiles/927/twitter_access_token_secret":  "twitter channel/twitter_profiles/927/secret STATIC",
	"channel_whatsapp/928/provider_config.api_key":              "whatsapp channel/whatsapp/928/api_key STATIC",
	"channel_whatsapp/928/provider_config.webhook_verify_token": "whatsapp channel/whatsapp/928/webhook_verify_token STATIC",
	"channel_sms/929/provider_config.api_key":                   "bandwidth channel/sms/929/api_key STATIC",
	"channel_sms/929/provider_config.api_secret":                "bandwidth channel/sms/929/api_secret STATIC",
	"channel_voice/930/provider_config.auth_token":              "twilio channel/voice/930/auth_token STATIC",
	"channel_api/931/secret":                                    "webhook channel/api/931 STATIC",
	"agent_bots/932/secret":                                     "webhook agent_bot/932 STATIC",
	"webhooks/934/secret":                                       "webhook webhook/934 STATIC",
}

// importer is a replica on a database with all of everyPlace.
type importer struct {
	*replica
	rails *keyring.RailsKeys
}

func newImporter(t *testing.T) *importer {
	t.Helper()
	i := &importer{replica: newReplica(t, storetest.WithDemo(t), nil)}
	storetest.Exec(t, i.store, fmt.Sprintf(everyPlace, railsSlack, railsSMTP))
	path := filepath.Join(t.TempDir(), "rails.json")
	err := os.WriteFile(path, []byte(railsKeys), 0o600)
	if err == nil {
		i.rails, err = keyring.OpenRailsKeys(path)
	}
	if err != nil {
		t.Fatal(err)
	}
	return i
}

// imports gives what became of each place.
func (i *importer) imports(rails *keyring.RailsKeys, dryRun bool) map[string]Import {
	i.t.Helper()
	outcomes := make(map[string]Import)
	if err := i.ImportTokens(i.t.Context(), schema.Acme, rails, dryRun, func(r Imported) { outcomes[r.Place] = r.Outcome }); err != nil {
		i.t.Fatal(err)
	}
	return outcomes
}

func (i *importer) verifies(rails *keyring.RailsKeys) map[string]Comparison {
	i.t.Helper()
	outcomes := make(map[string]Comparison)
	if err := i.VerifyTokens(i.t.Context(), schema.Acme, rails, func(c Compared) { outcomes[c.Place] = c.Outcome }); err != nil {
		i.t.Fatal(err)
	}
	return outcomes
}

// every is the same outcome at each place, but for some.
func every[T any](outcome T, but map[string]T) map[string]T {
	all := make(map[string]T, len(inChatwoot))
	for place := range inChatwoot {
		all[place] = outcome
	}
	maps.Copy(all, but)
	return all
}

func TestImportFindsEveryPlace(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	before := i.chatwoots()
	i.same(every(ImportStored, nil), i.imports(i.rails, true))
	if list, err := i.ListTokens(t.Context(), schema.Acme); err != nil || len(list) != 0 {
		t.Errorf("a dry run has stored %d, %v", len(list), err)
	}
	i.same(every(ImportStored, nil), i.imports(i.rails, false))
	list, err := i.ListTokens(t.Context(), schema.Acme)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, token := range list {
		name := fmt.Sprintf("%s %s %s", token.Provider, token.Subject, token.Kind)
		if token.ExpiresAt != nil {
			name += token.ExpiresAt.UTC().Format(" until 2006-01-02 15:04")
		}
		got = append(got, name)
		secret := i.retrieves(TokenStored{AccountID: schema.Acme, Provider: token.Provider, Subject: token.Subject})
		if !strings.Contains(secret, "canary") && secret != "xoxb-frozen-credential-1" {
			t.Errorf("%s is %q", name, secret)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(slices.Sorted(maps.Values(inChatwoot)), got); diff != "" {
		t.Error(diff)
	}
	if got := i.retrieves(TokenStored{AccountID: schema.Acme, Provider: "dialogflow", Subject: "hook/905/credentials"}); got != `{"private_key": "canary-dialogflow"}` {
		t.Errorf("a key file came as %q", got)
	}
	i.same(every(ImportUnchanged, nil), i.imports(i.rails, false))
	i.same(every(ComparedEqual, nil), i.verifies(i.rails))
	if n := i.audited(chat.VaultTokenStored); n != len(inChatwoot) {
		t.Errorf("%d are on record as stored, want %d", n, len(inChatwoot))
	}
	if after := i.chatwoots(); after != before {
		t.Error("Chatwoot's tables have changed")
	}
	if i.journal.has("canary") {
		t.Error("the log holds a credential")
	}
}

func (i *importer) same(want, got any) {
	i.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		i.t.Error(diff)
	}
}

// chatwoots is a hash of what the tables hold, and of their versions.
func (i *importer) chatwoots() (sum string) {
	i.t.Helper()
	tables, err := i.store.ListCredentialTables(i.t.Context())
	if err != nil {
		i.t.Fatal(err)
	}
	for _, table := range tables {
		sum += storetest.Value[string](i.t, i.store, `SELECT md5(string_agg(t.xmin::text || t::text, ' ' ORDER BY t.ctid)) FROM `+table.Name+` t`)
	}
	return sum
}

func TestImportSaysWhereFrom(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	i.imports(i.rails, false)
	entries, err := i.Entries(t.Context(), schema.Acme, storetest.DemoTime, 1000)
	if err != nil {
		t.Fatal(err)
	}
	found := make(map[string]bool)
	for _, e := range entries {
		if e.Action == chat.VaultTokenStored {
			place, _ := e.Details["imported_from"].(string)
			found[place] = true
		}
	}
	for place := range inChatwoot {
		if !found[place] {
			t.Errorf("no entry says that something was imported from %s", place)
		}
	}
	i.verifies(i.rails)
	if n := i.audited(chat.VaultTokensVerified); n != 1 {
		t.Errorf("%d verifications are on record", n)
	}
	if err := i.ImportTokens(t.Context(), 9, i.rails, false, func(Imported) {}); !errors.Is(err, chat.ErrNotFound) {
		t.Errorf("an account that is not there: %v", err)
	}
}
