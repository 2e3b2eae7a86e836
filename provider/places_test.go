package provider

import "testing"

// TestPlacesOfThoseBuiltIn: where each is asked when the operator says nothing of it.
func TestPlacesOfThoseBuiltIn(t *testing.T) {
	t.Parallel()
	for name, want := range map[string][2]string{
		"google":    {"https://oauth2.googleapis.com/token", "https://oauth2.googleapis.com/revoke"},
		"microsoft": {"https://login.microsoftonline.com/common/oauth2/v2.0/token", ""},
		"slack":     {"https://slack.com/api/oauth.v2.access", "https://slack.com/api/auth.revoke"},
		"linear":    {"https://api.linear.app/oauth/token", "https://api.linear.app/oauth/revoke"},
		"notion":    {"https://api.notion.com/v1/oauth/token", "https://api.notion.com/v1/oauth/revoke"},
		"shopify":   {"https://a.myshopify.com/admin/oauth/access_token", ""},
	} {
		c, known := builtIn(name)
		if err := c.takeTenant(settings{}); err != nil || !known {
			t.Fatalf("%s: %v, %v", name, known, err)
		}
		token, _ := c.at(c.tokenURL, "a.myshopify.com")
		revoke, _ := c.at(c.revokeURL, "a.myshopify.com")
		if got := [2]string{token, revoke}; got != want {
			t.Errorf("%s: %v", name, got)
		}
	}
	c, _ := builtIn("microsoft")
	if err := c.takeTenant(settings{Tenant: "contoso.example"}); err != nil || c.tokenURL != "https://login.microsoftonline.com/contoso.example/oauth2/v2.0/token" {
		t.Errorf("a tenant of its own: %s, %v", c.tokenURL, err)
	}
}
