package resolvers

import (
	"testing"

	"github.com/cloakroom/cloakroom/telemetry"
)

// A hash tells nobody what a document is, but it tells who guesses right whether a text was an address.
func TestHashOfNoDocumentIsNotSaid(t *testing.T) {
	t.Parallel()
	for text, said := range map[string]bool{"{ viewer { kind } }": true, "ann.lee@example.com": false, "+15552010001": false, "# ann.lee@example.com": false, "": false} {
		var o telemetry.Operation
		note(telemetry.WithOperation(t.Context(), &o), examine(text))
		if (o.Document != "") != said {
			t.Errorf("%q is said to be %q", text, o.Document)
		}
	}
}
