package resolvers_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/leaktest"
	"github.com/cloakroom/cloakroom/store/storetest"
)

// hiddenValues are the personal values of account 1 that masking hides.
func hiddenValues(t testing.TB) *leaktest.Needles {
	t.Helper()
	demo, err := storetest.Demo()
	if err != nil {
		t.Fatal(err)
	}
	return leaktest.Hidden(demo, schema.Acme)
}

// sealedValues are everything of account 1 that must not lie anywhere in clear.
func sealedValues(t testing.TB) *leaktest.Needles {
	t.Helper()
	demo, err := storetest.Demo()
	if err != nil {
		t.Fatal(err)
	}
	return leaktest.Sealed(demo, schema.Acme)
}

// mustBeClean fails for what is found in text; where says what the text is.
func mustBeClean(t testing.TB, needles *leaktest.Needles, where string, text []byte) {
	t.Helper()
	found := needles.FindInAnswer(text)
	for i, hit := range found {
		if i == 5 {
			t.Errorf("%s: and %d more", where, len(found)-i)
			return
		}
		t.Errorf("%s holds %s", where, hit)
	}
}
