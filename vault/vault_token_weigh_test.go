package vault

import (
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/store/storetest"
)

func TestImportLeavesWhatItCannotHave(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	const slack, smtp = "integrations_hooks/902/access_token", "channel_email/911/smtp_password"
	i.same(every(ImportStored, map[string]Import{slack: ImportEncrypted, smtp: ImportEncrypted}), i.imports(nil, false))
	i.same(every(ComparedEqual, map[string]Comparison{slack: ComparedUnreadable, smtp: ComparedUnreadable}), i.verifies(nil))
	// A tag of another message, a subject like a phone number, an app whose name is none, and a key without end.
	storetest.Exec(t, i.store, `UPDATE channel_email SET smtp_password = replace(smtp_password, 'bBjS1EPr', 'o0EA5MSp') WHERE id = 911`)
	storetest.Exec(t, i.store, `UPDATE webhooks SET id = 5550199 WHERE id = 934`)
	storetest.Exec(t, i.store, `UPDATE integrations_hooks SET app_id = 'home made' WHERE id = 907`)
	storetest.Exec(t, i.store, `UPDATE channel_telegram SET bot_token = repeat('canary', 10000)`)
	got := i.imports(i.rails, false)
	for place, want := range map[string]Import{slack: ImportStored, smtp: ImportUnreadable, "webhooks/5550199/secret": ImportUnfit,
		"integrations_hooks/907/access_token": ImportUnfit, "channel_telegram/925/bot_token": ImportUnfit, "channel_line/924/line_channel_token": ImportUnchanged} {
		if got[place] != want {
			t.Errorf("%s is %q, want %q", place, got[place], want)
		}
		if left := got[place].Left(); left != (want == ImportUnreadable || want == ImportUnfit) {
			t.Errorf("%s, which is %s: left is %t", place, want, left)
		}
	}
	err := i.ImportTokens(t.Context(), schema.Acme, i.rails, true, func(r Imported) {
		if (r.Why != "") != (r.Outcome == ImportUnfit) || strings.Contains(fmt.Sprintf("%+v", r), "canary") {
			t.Errorf("%.200s", fmt.Sprintf("%+v", r))
		}
	})
	if err != nil {
		t.Error(err)
	}
}

// TestImportWeighs changes one side or the other after an import, and says what the next one does about it.
func TestImportWeighs(t *testing.T) {
	t.Parallel()
	soon, late := "2126-03-01T12:00:00Z", "2126-03-02T12:00:00Z"
	google := func(access, expires string) string {
		return fmt.Sprintf(`UPDATE channel_email SET provider_config = '{"access_token": "%s", "refresh_token": "canary-google-refresh", "expires_on": "%s"}' WHERE id = 912`, access, expires)
	}
	for name, c := range map[string]struct {
		chatwoot, here string
		store          *TokenStored
		revoke         bool
		want           Import
		compared       Comparison
	}{
		"as it was":                      {want: ImportUnchanged, compared: ComparedEqual},
		"another one in Chatwoot, later": {chatwoot: google("canary-2", late), want: ImportReplaced, compared: ComparedEqual},
		"the same with another expiry":   {chatwoot: google("canary-google", late), want: ImportReplaced, compared: ComparedEqual},
		"another one here, later":        {store: laterGoogle(t, late), want: ImportKept, compared: ComparedDiffers},
		"another one here, earlier":      {store: laterGoogle(t, soon), chatwoot: google("canary-3", late), want: ImportReplaced, compared: ComparedEqual},
		"no expiry in Chatwoot":          {chatwoot: google("canary-4", ""), want: ImportReplaced, compared: ComparedEqual},
		"no expiry, and refreshed here":  {chatwoot: google("canary-5", ""), here: `UPDATE cloakroom.vault_tokens SET parent = lineage`, want: ImportKept, compared: ComparedDiffers},
		"later here, and to be granted anew": {store: laterGoogle(t, late), want: ImportReplaced, compared: ComparedEqual,
			here: `UPDATE cloakroom.vault_tokens SET state = 'REAUTH_REQUIRED', reauth_reason = 'RESPONSE_LOST'`},
		"does not open here": {here: `UPDATE cloakroom.vault_tokens SET scopes = '{}', rotated_at = rotated_at + interval '1 s'`, want: ImportReplaced, compared: ComparedEqual},
		"revoked here":       {revoke: true, want: ImportRevoked, compared: ComparedRevoked},
		"kept here as static": {store: &TokenStored{AccountID: schema.Acme, Provider: "google", Subject: "channel/email/912", Kind: chat.StaticToken,
			Credential: chat.Credential{Access: "canary-static"}}, want: ImportReplaced, compared: ComparedEqual},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			i := newImporter(t)
			storetest.Exec(t, i.store, `DELETE FROM integrations_hooks; DELETE FROM agent_bots; DELETE FROM webhooks`)
			const place = "channel_email/912/provider_config.access_token"
			if got := i.imports(i.rails, false)[place]; got != ImportStored {
				t.Fatalf("at first it is %s", got)
			}
			if c.store != nil {
				i.stores(*c.store)
			}
			for _, sql := range []string{c.chatwoot, c.here} {
				if sql != "" {
					storetest.Exec(t, i.store, sql)
				}
			}
			if c.revoke {
				i.revokes("google", "channel/email/912")
			}
			if got := i.imports(i.rails, true)[place]; got != c.want {
				t.Errorf("a dry run says %s, want %s", got, c.want)
			}
			if got := i.imports(i.rails, false)[place]; got != c.want {
				t.Errorf("it is %s, want %s", got, c.want)
			}
			if got := i.verifies(i.rails)[place]; got != c.compared {
				t.Errorf("compared it is %s, want %s", got, c.compared)
			}
		})
	}
}

func laterGoogle(t *testing.T, expires string) *TokenStored {
	t.Helper()
	at, err := time.Parse(time.RFC3339, expires)
	if err != nil {
		t.Fatal(err)
	}
	return &TokenStored{AccountID: schema.Acme, Provider: "google", Subject: "channel/email/912", Kind: chat.OAuth2Token, ExpiresAt: &at,
		Credential: chat.Credential{Access: "canary-from-here", Refresh: "canary-from-here-refresh"}}
}

func (i *importer) revokes(provider, subject string) {
	i.t.Helper()
	if _, _, err := i.RevokeToken(i.t.Context(), schema.Acme, provider, subject, "a test"); err != nil {
		i.t.Fatal(err)
	}
}

// TestVerifyNamesWhatIsAmiss makes one of each, and finds a credential that another row's was put in place of.
func TestVerifyNamesWhatIsAmiss(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	i.same(every(ComparedMissing, nil), i.verifies(i.rails))
	i.imports(i.rails, false)
	storetest.Exec(t, i.store, `UPDATE channel_line SET line_channel_token = 'canary-line-token-2'`)
	storetest.Exec(t, i.store, `DELETE FROM channel_telegram`)
	storetest.Exec(t, i.store, `INSERT INTO channel_telegram (id, account_id, bot_token, created_at, updated_at) VALUES (990, 1, 'canary-new', now(), now())`)
	storetest.Exec(t, i.store, `UPDATE cloakroom.vault_tokens SET token_sealed = (SELECT token_sealed FROM cloakroom.vault_tokens WHERE provider = 'linear') WHERE provider = 'slack'`)
	i.revokes("instagram", "channel/instagram/922")
	want := every(ComparedEqual, map[string]Comparison{"channel_line/924/line_channel_token": ComparedDiffers, "channel_telegram/990/bot_token": ComparedMissing,
		"vault/telegram/channel/telegram/925": ComparedGone, "integrations_hooks/902/access_token": ComparedUnreadable, "channel_instagram/922/access_token": ComparedRevoked})
	delete(want, "channel_telegram/925/bot_token")
	i.same(want, i.verifies(i.rails))
	if n := i.audited(chat.SealedUnreadableHit); n != 1 {
		t.Errorf("%d that did not open are on record", n)
	}
	if n := i.audited(chat.VaultTokenRetrieved); n != 0 {
		t.Errorf("%d are on record as given, and none was", n)
	}
}

// TestImportsAtOnceStoreOnce runs several imports of one account at the same time.
func TestImportsAtOnceStoreOnce(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	var wait sync.WaitGroup
	for range 3 {
		wait.Go(func() {
			if err := i.ImportTokens(t.Context(), schema.Acme, i.rails, false, func(Imported) {}); err != nil {
				t.Error(err)
			}
		})
	}
	wait.Wait()
	if n := i.audited(chat.VaultTokenStored); n != len(inChatwoot) {
		t.Errorf("%d are on record as stored, want %d", n, len(inChatwoot))
	}
	i.same(every(ComparedEqual, nil), i.verifies(i.rails))
}

// TestImportReadsInBatches has more rows of one table than are read at once.
func TestImportReadsInBatches(t *testing.T) {
	t.Parallel()
	i := newImporter(t)
	storetest.Exec(t, i.store, `INSERT INTO channel_telegram (id, account_id, bot_token, created_at, updated_at)
 SELECT 1000 + n, 1, 'canary-' || n, now(), now() FROM generate_series(1, $1) n`, 2*importBatch)
	if got := i.imports(i.rails, true); len(got) != len(inChatwoot)+2*importBatch {
		t.Errorf("%d were found, want %d", len(got), len(inChatwoot)+2*importBatch)
	}
}
