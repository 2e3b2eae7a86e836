package chat_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

// TestSecretIsNotPrinted: by no verb, log or encoder, by itself or within something, is a secret written; by Reveal and into a
// GraphQL answer it is.
func TestSecretIsNotPrinted(t *testing.T) {
	t.Parallel()
	const text = "cnry-planted-secret"
	s := chat.Secret(text)
	h := holder{Credential: chat.Credential{Access: s, Refresh: s, TokenType: "Bearer"}, Others: []chat.Secret{s}}
	values := map[string]any{"itself": s, "a pointer": &s, "a struct": h, "a pointer to a struct": &h, "a list": []chat.Secret{s},
		"a map": map[string]chat.Secret{"key": s}, "anything": []any{s, h}, "a credential": h.Credential}
	for name, v := range values {
		var written bytes.Buffer
		for _, verb := range "vsqxXdobUtfec" {
			fmt.Fprintf(&written, "%"+string(verb)+" %+"+string(verb)+" %#"+string(verb)+" %60"+string(verb)+"\n", v, v, v, v)
		}
		fmt.Fprintln(&written, v, fmt.Sprint(v), fmt.Errorf("about %v", v))
		encoded, err := json.Marshal(v)
		fmt.Fprintln(&written, string(encoded), err)
		for _, handler := range []slog.Handler{slog.NewJSONHandler(&written, nil), slog.NewTextHandler(&written, nil)} {
			slog.New(handler).Info("kept", "value", v, slog.Group("of", "value", v))
		}
		if got := written.String(); strings.Contains(got, text) || strings.Contains(strings.ToLower(got), fmt.Sprintf("%x", text)) {
			t.Errorf("%s:\n%s", name, got)
		}
	}
	var answer bytes.Buffer
	if s.MarshalGQL(&answer); answer.String() != `"`+text+`"` || s.Reveal() != text {
		t.Errorf("%s, %s", answer.String(), s.Reveal())
	}
}
