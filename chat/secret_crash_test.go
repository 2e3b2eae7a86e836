package chat_test

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

const crashing = "CLOAKROOM_TEST_CRASH"

// crashes are ways in which a program may die with a secret at hand: as the very value it panics with, inside one, in an
// error's text, and on the stack of a goroutine that is dumped.
var crashes = map[string]func(chat.Secret, holder){
	"the secret itself":    func(s chat.Secret, _ holder) { panic(s) },
	"a struct that has it": func(_ chat.Secret, h holder) { panic(h) },
	"a pointer to one":     func(_ chat.Secret, h holder) { panic(&h) },
	"an error about it":    func(s chat.Secret, h holder) { panic(fmt.Errorf("store %v, %+v, %#v, %q, %x, %d", s, h, h, s, s, s)) },
	"an error joined":      func(s chat.Secret, _ holder) { panic(errors.Join(errors.New("one"), fmt.Errorf("two: %s", s))) },
	"an index of it":       func(s chat.Secret, _ holder) { _ = s.Reveal()[len(s)+7] },
	"a nil map":            func(s chat.Secret, h holder) { h.byName[s] = s },
	"a nil pointer":        func(_ chat.Secret, h holder) { var none *holder; none.Credential = h.Credential },
	"a wrong type":         func(s chat.Secret, _ holder) { var v any = s; _ = v.(fmt.Formatter).(error) },
	givenAway:              func(s chat.Secret, _ holder) { panic(s.Reveal()) },
	"a panic in a panic":   func(s chat.Secret, h holder) { defer func() { panic(h) }(); panic(s) },
}

// givenAway is found: a search that cannot find proves nothing.
const givenAway = "the text of it"

type holder struct {
	Credential chat.Credential
	Others     []chat.Secret
	byName     map[chat.Secret]chat.Secret // nil
}

// deeper puts the secret on the stack of a goroutine, in arguments that the dump shows the words of.
//
//go:noinline
func deeper(n int, s chat.Secret, h holder, do func(chat.Secret, holder)) {
	if n > 0 {
		deeper(n-1, s, h, do)
		return
	}
	do(s, h)
}

// TestCrashesHoldNoSecret dies in each way in a process of its own, which dumps all its goroutines, and looks for the secret
// in what that writes. It comes from the environment: a constant would lie in the program.
func TestCrashesHoldNoSecret(t *testing.T) {
	if way, secret, dying := strings.Cut(os.Getenv(crashing), "/"); dying {
		s := chat.Secret(secret)
		h := holder{Credential: chat.Credential{Access: s, Refresh: s}, Others: []chat.Secret{s, s}}
		wait := make(chan struct{})
		go deeper(3, s, h, func(chat.Secret, holder) { <-wait })
		deeper(3, s, h, crashes[way])
		return
	}
	t.Parallel()
	const secret = "cnry7plantedsecretofatest42"
	for way := range crashes {
		t.Run(way, func(t *testing.T) {
			t.Parallel()
			cmd := exec.CommandContext(t.Context(), os.Args[0], "-test.run=^TestCrashesHoldNoSecret$")
			cmd.Env = append(os.Environ(), crashing+"="+way+"/"+secret, "GOTRACEBACK=all")
			out, err := cmd.CombinedOutput()
			if err == nil || !bytes.Contains(out, []byte("panic")) || !bytes.Contains(out, []byte("goroutine ")) || !bytes.Contains(out, []byte("deeper")) {
				t.Fatalf("it did not crash as it should: %v\n%s", err, out)
			}
			for _, form := range []string{secret, strings.ToUpper(secret), fmt.Sprintf("%x", secret), "planted"} {
				if found := bytes.Contains(out, []byte(form)); found && way != givenAway {
					t.Errorf("the crash holds the secret:\n%s", out)
				} else if !found && way == givenAway && form == secret {
					t.Errorf("a text that a program dies with is not in what it writes:\n%s", out)
				}
			}
		})
	}
}
