package telemetry

import (
	"runtime/debug"
	"slices"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

const sha256 = "5f0123456789abcdef1123456789abcdef2123456789abcdef3123456789abcd"

func TestRedact(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"a request failed", "a request failed"},
		// e-mail addresses
		{"ann@example.com", "[redacted]"},
		{"no contact for ann.o'brien+x@mail.example.com here", "no contact for [redacted] here"},
		{"Key (email)=(ann@example.com) already exists", "Key (email)=([redacted]) already exists"},
		{`to <ann@example.com>, "bob"@example.com`, "to <[redacted]>, [redacted]"},
		{`from "ann smith"@example.com!`, "from [redacted]"},
		{`{"email":"ann@example.com"}`, `{"email":"[redacted]"}`},
		{"mailto:ann%40example.com", "mailto:[redacted]"},
		{"ann%2540example.com", "[redacted]"},
		{"ann&#64;example.com and ann&#x40;example.com", "[redacted] and [redacted]"},
		{`ann\u0040example.com`, "[redacted]"},
		{"ann＠example.com ann﹫example.com", "[redacted] [redacted]"},
		{"ann @ example.com", "[redacted]"},
		{"ann\u200b@\u200bexample.com", "[redacted]"},
		{"renée@exämple.com,x", "[redacted],x"},
		{"@", "[redacted]"},
		{"a@b@c.d", "[redacted]"},
		{"ann@v1.2.3", "[redacted]"},
		{"/home/ann@example.com/main.go:12", "[redacted]:12"},
		// phone numbers
		{"call +15551234567 now", "call +[redacted] now"},
		{"call +1 (555) 123-4567.", "call +[redacted]."},
		{"555.123.4567", "[redacted]"},
		{"20.12.34.56", "[redacted]"},
		{"whatsapp:+15551234567", "whatsapp:+[redacted]"},
		{"15551234567@s.whatsapp.net", "[redacted]"},
		{"x5551234567y", "x[redacted]y"},
		{"0_555_123_4567", "[redacted]"},
		{"１５５５１２３４５６７", "[redacted]"},
		{"٥٥٥١٢٣٤٥٦٧", "[redacted]"},
		{"5\u200b5\u200b5\u200b1\u200b2\u200b3\u200b4", "[redacted]"},
		{"1990-05-17", "[redacted]"},
		{"contact 15551234567", "contact [redacted]"},
		{"contact 5551234 567", "contact [redacted]"},
		{"Contact 5551234", "Contact [redacted]"},
		{"55555555-5555-5555-5555-555555555555", "[redacted]"},
		{"999.123.456.78:80", "[redacted]:80"},
		{"555 123", "555 123"},
		// credentials
		{"redis://:secret@cache:6379/0", "redis://:[redacted]:6379/0"},
		{"postgres://app:secret@db.internal/chatwoot", "postgres://app:[redacted]"},
		{"host=db password=secret user=app", "host=db [redacted] user=app"},
		{"Authorization: Bearer abc.def-ghi", "Authorization: [redacted]"},
		{"bearer x", "[redacted]"},
		{"BASIC dXNlcg==", "[redacted]"},
		{"cloak_live_svc_A1b2C3d4_" + strings.Repeat("x", 49), "[redacted]"},
	} {
		got := Redact(c.text)
		if got != c.want {
			t.Errorf("Redact(%q)\n got %q\nwant %q", c.text, got, c.want)
		}
		if again := Redact(got); again != got {
			t.Errorf("Redact(%q) is not its own result: %q", got, again)
		}
	}
}

// What programs write and operators need stays as it is.
func TestRedactLeaves(t *testing.T) {
	t.Parallel()
	for _, text := range []string{
		"2345672345ABCDEFGHIJKLMNOP",
		"document " + sha256,
		"commit 0123456789abcdef0123456789abcdef01234567",
		"trace 4bf92f3577b34da6a3ce929d0e0e4736, span 00f067aa0ba902b7",
		"6f9619ff-8b86-4011-b42d-00cf4fc964ff",
		"6F9619FF-8B86-4011-B42D-00CF4FC964FF",
		"dial tcp 127.0.0.1:54321: connect: connection refused",
		"dial tcp 192.168.100.200:6379: i/o timeout",
		"lookup db on 10.100.200.30:53: no such host",
		"http://192.168.100.200:8080",
		"MOVED 3999 127.0.0.1:6381",
		"[2001:db8::1234:5678]:443",
		"at 2026-11-22T08:20:03Z",
		"at 2026-11-22T08:20:03.123456789+01:00, later",
		"2026-11-22 08:20:03.123456 +0000 UTC",
		"2026/11/22 08:20:03 http: superfluous response.WriteHeader call",
		"open the subject key of contact 1234567: it is gone",
		"drop the lookup tags of contact 12345678 of account 42: gone",
		"seal EMAIL of contact 42: message 9999999.",
		"PostgreSQL error 22P02, constraint index_contacts_on_email, table contacts",
		"expired: context deadline exceeded (after 10s)",
		"100% of 5 = five & more_or_less",
		"1.2.3-rc.1",
		string(debug.Stack()),
		"\t/home/me/go/pkg/mod/github.com/99designs/gqlgen@v0.17.95/graphql/executor.go:55 +0x1a4",
		"\tgolang.org/x/sync@v0.0.0-20261019180522-ce908d29299b/errgroup/group.go:78 +0x56",
		"main.(*T).run(0xc000123456, {0x14000123456?, 0x5})",
		"goroutine 12345678 [running]:",
	} {
		if got := Redact(text); got != text {
			t.Errorf("Redact(%q)\n    is %q", text, got)
		}
	}
}

// FuzzRedact holds that a canary comes through in none of the forms it is written in, wherever it stands, and that
// what is left holds no address by the rule of names, but for what a shield let through.
func FuzzRedact(f *testing.F) {
	for _, s := range []string{"", " ", "contact 42: ", "<", `"`, "=(", "/mod/x", "@v1.2.3/a.go:1", "12:30 ", "+1 ", "0x", "\xff", "٥", "-", "T10:00:00Z"} {
		f.Add(s, s)
		f.Add(s, "")
	}
	f.Fuzz(func(t *testing.T, before, after string) {
		if len(before)+len(after) > 200 {
			return // longer texts only take longer
		}
		canaries := []string{"canary-7f3a@leak.example", "canary-7f3a%40leak.example", "canary-7f3a＠leak.example"}
		canary := canaries[len(before)%len(canaries)]
		if got := Redact(before + canary + after); strings.Contains(got, "canary-7f3a") && !strings.Contains(before+after, "canary-7f3a") {
			t.Errorf("%q becomes %q", before+canary+after, got)
		}
		text := before + " " + after
		if slices.Contains(newMarks(text).shielded, true) {
			return
		}
		if got := Redact(text); chat.TextHoldsAddress(got) {
			t.Errorf("%q becomes %q, which holds an address", text, got)
		}
	})
}

func BenchmarkRedact(b *testing.B) {
	for name, text := range map[string]string{
		"plain": "a request failed", "address": "no contact for ann@example.com here", "stack": string(debug.Stack()),
	} {
		b.Run(name, func(b *testing.B) {
			for b.Loop() {
				Redact(text)
			}
		})
	}
}
