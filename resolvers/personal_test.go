package resolvers_test

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/graph"
	"github.com/cloakroom/cloakroom/resolvers"
	"github.com/cloakroom/cloakroom/telemetry"
)

// A name comes or goes with the schema, and is then seen here.
var personalNames = []string{
	"EMAIL", "IDENTIFIER", "PHONE_NUMBER", "REFERER", "bcc", "cc", "city", "companyName", "content", "country", "countryCode", "email", "fileName", "from", "identifier",
	"inReplyTo", "messageId", "name", "phoneNumber", "query", "sourceId", "subject", "submittedEmail", "title", "to", "value",
}

func TestPersonalNames(t *testing.T) {
	t.Parallel()
	if diff := cmp.Diff(personalNames, resolvers.PersonalNames(graph.NewExecutableSchema(graph.Config{}).Schema())); diff != "" {
		t.Errorf("the names under which logs write nothing (-want +got):\n%s", diff)
	}
}

// TestLogsObeyTheSchema: whatever the spelling, and however deep in groups.
func TestLogsObeyTheSchema(t *testing.T) {
	t.Parallel()
	const canary = "Zebulon Quark"
	for _, name := range personalNames {
		var out bytes.Buffer
		log := slog.New(telemetry.NewHandler(&out, slog.LevelInfo, personalNames))
		spellings := []string{name, strings.ToUpper(name), strings.ToLower(name), "_" + name, strings.ReplaceAll(name, "_", "")}
		for _, spelt := range spellings {
			log.Info("m", spelt, canary)
			log.With(spelt, canary).WithGroup("g").Info("m", slog.Group("account", spelt, canary))
			log.WithGroup(spelt).Info("m", "error", canary, slog.Group("h", "cause", canary))
			log.Info("m", slog.Group(spelt, "error", canary))
		}
		if strings.Contains(out.String(), canary) {
			t.Errorf("a value under %s was written:\n%s", name, out.String())
		}
		if n := strings.Count(out.String(), "[redacted]"); n < 5*len(spellings) {
			t.Errorf("%s: %d values were redacted:\n%s", name, n, out.String())
		}
	}
}
