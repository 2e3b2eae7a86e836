package directives_test

import (
	"testing"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/directives"
)

func TestServiceOnly(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		viewer, scope string
		allowed       bool
	}{
		{"masked", "contact:read", false}, {"exempt", "contact:read", false}, {"admin", "contact:read", false}, {"root", "contact:read", false},
		{"nobody", "contact:read", false}, {"reader", "contact:read", true}, {"reader", "token:read", false}, {"reader", "", false},
		{"reader", "contact:read contact:lookup", false}, {"mail service", "contact:read", false},
	} {
		r := new(resolver)
		_, err := directives.ServiceOnly(as(c.viewer), nil, r.next, c.scope)
		if r.ran != c.allowed || (err == nil) != c.allowed || err != nil && chat.CodeOf(err) != chat.Forbidden {
			t.Errorf("%s with %q: ran %t, error %v", c.viewer, c.scope, r.ran, err)
		}
	}
}
