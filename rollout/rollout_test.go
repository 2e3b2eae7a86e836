package rollout

import (
	"testing"

	"github.com/cloakroom/cloakroom/chat"
)

func TestReadFrom(t *testing.T) {
	t.Parallel()
	want := map[chat.Phase]Source{
		chat.Off: Plain, chat.DualWrite: Plain, chat.ReadSealed: Sealed, chat.SealedOnly: Sealed,
		"": Sealed, "OFF": Sealed, "a later release's": Sealed,
	}
	for _, d := range chat.Datasets {
		for phase, source := range want {
			s := chat.AccountSettings{Phases: map[chat.Dataset]chat.Phase{d: phase}}
			if got := ReadFrom(s, d); got != source {
				t.Errorf("%s in phase %q is read from %d, want %d", d, phase, got, source)
			}
			for _, other := range chat.Datasets {
				if other != d && ReadFrom(s, other) != Sealed {
					t.Errorf("the phase of %s decides about %s", d, other)
				}
			}
		}
		if ReadFrom(chat.AccountSettings{}, d) != Sealed {
			t.Errorf("%s of an account whose settings could not be read is read in clear", d)
		}
	}
	if ReadFrom(chat.AccountSettings{Phases: map[chat.Dataset]chat.Phase{chat.Contacts: chat.Off}}, "no such dataset") != Sealed {
		t.Error("a dataset that nobody knows is read in clear")
	}
}
