package provider_test

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestAnswersAreUnderstood(t *testing.T) {
	t.Parallel()
	type grant struct {
		Access, Refresh, Type string
		Scopes                []string
		ExpiresIn             time.Duration
	}
	for name, tc := range map[string]struct {
		contentType, body string
		want              grant
	}{
		"as the RFC has it":       {"application/json;charset=UTF-8", `{"access_token":"a","token_type":"Bearer","expires_in":3600,"refresh_token":"r","scope":"x y"}`, grant{"a", "r", "Bearer", []string{"x", "y"}, time.Hour}},
		"a token and no more":     {"application/json", `{"access_token":"a"}`, grant{Access: "a"}},
		"the refresh token again": {"application/json", `{"access_token":"a","refresh_token":"used"}`, grant{Access: "a"}},
		"null":                    {"application/json", `{"access_token":"a","refresh_token":null,"expires_in":null,"scope":null}`, grant{Access: "a"}},
		"seconds in quotes":       {"application/json", `{"access_token":"a","expires_in":"3600"}`, grant{Access: "a", ExpiresIn: time.Hour}},
		"seconds with a fraction": {"application/json", `{"access_token":"a","expires_in":3599.99}`, grant{Access: "a", ExpiresIn: 3599 * time.Second}},
		"no seconds":              {"application/json", `{"access_token":"a","expires_in":"soon"}`, grant{Access: "a"}},
		"0 is for ever":           {"application/json", `{"access_token":"a","expires_in":0}`, grant{Access: "a"}},
		"over already":            {"application/json", `{"access_token":"a","refresh_token":"r","expires_in":-5}`, grant{Access: "a", Refresh: "r", ExpiresIn: time.Second}},
		"longer than anybody":     {"application/json", `{"access_token":"a","expires_in":1e30}`, grant{Access: "a", ExpiresIn: 50 * 365 * 24 * time.Hour}},
		"scopes as a list":        {"application/json", `{"access_token":"a","scope":["x","y z",5]}`, grant{Access: "a", Scopes: []string{"x", "y", "z"}}},
		"what is no scope":        {"application/json", `{"access_token":"a","scope":"x \"q\" owner:anna@acme.example y"}`, grant{Access: "a", Scopes: []string{"x", "y"}}},
		"what is no type":         {"application/json", `{"access_token":"a","token_type":"` + strings.Repeat("b", 51) + `"}`, grant{Access: "a"}},
		"JSON that says text":     {"text/plain", `{"access_token":"a","refresh_token":"r"}`, grant{Access: "a", Refresh: "r"}},
		"JSON that says nothing":  {"", `{"access_token":"a","refresh_token":"r"}`, grant{Access: "a", Refresh: "r"}},
		"a form":                  {"application/x-www-form-urlencoded", `access_token=a&refresh_token=r%2B&expires_in=60&scope=x`, grant{"a", "r+", "", []string{"x"}, time.Minute}},
		"with more than is asked": {"application/json", `{"access_token":"a","team":{"id":1},"ok":true,"id_token":5}`, grant{Access: "a"}},
		"letters of JSON and URL": {"application/json", `{"access_token":"a<b>&\u00e9\"+/=","refresh_token":"r"}`, grant{Access: `a<b>&é"+/=`, Refresh: "r"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			p, calls := answering(t, func(w http.ResponseWriter, _ *http.Request) {
				w.Header()["Content-Type"] = []string{tc.contentType}
				_, _ = io.WriteString(w, tc.body)
			})
			g, failure := refresh(t, p, "acme", "user/7", "used")
			if failure != nil {
				t.Fatal(failure)
			}
			got := grant{g.Access.Reveal(), g.Refresh.Reveal(), g.TokenType, g.Scopes, g.ExpiresIn}
			if diff := cmp.Diff(tc.want, got); diff != "" {
				t.Error(diff)
			}
			if calls.Load() != 1 {
				t.Errorf("%d calls were made", calls.Load())
			}
		})
	}
}
