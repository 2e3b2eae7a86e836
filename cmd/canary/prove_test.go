package main

import (
	"os"
	"strings"
	"testing"

	"github.com/cloakroom/cloakroom/leaktest"
)

// TestPatchFitsTheGeneratedCode is quick where the proof itself takes a minute: it fails as soon as gqlgen writes the
// gate otherwise.
func TestPatchFitsTheGeneratedCode(t *testing.T) {
	t.Parallel()
	for _, leak := range leaks {
		for _, hole := range leak.holes {
			text, err := os.ReadFile("../../" + hole.file)
			if err != nil {
				t.Fatal(err)
			}
			holed, err := hole.patch(text)
			if err != nil {
				t.Fatal(err)
			}
			gone := 0
			for gate := range gates {
				gone += strings.Count(string(text), gate) - strings.Count(string(holed), gate)
			}
			if gone != 1 {
				t.Errorf("%s: %d gates are gone", hole.function, gone)
			}
			if _, err := hole.patch(holed); err == nil {
				t.Errorf("%s: a patch that fits nowhere is no error", hole.function)
			}
			hole.function = "_Contact_noSuchField"
			if _, err := hole.patch(text); err == nil {
				t.Error("a function that is not there is no error")
			}
		}
	}
}

func TestProofWantsItsOwnLeak(t *testing.T) {
	t.Parallel()
	k := leak{path: ".email"}
	hit := func(path string) finding { return finding{Surface: "answers", Hit: &leaktest.Hit{Path: path}} }
	if err := k.judge([]finding{hit("data.account.contact.email")}); err != nil {
		t.Error(err)
	}
	for what, findings := range map[string][]finding{
		"nothing": nil, "another field": {hit("data.account.contact.phoneNumber")},
		"a failure": {hit("data.account.contact.email"), {Surface: "answers", What: "INTERNAL"}},
	} {
		if k.judge(findings) == nil {
			t.Errorf("%s is taken for the leak", what)
		}
	}
}
