package keyring

import "testing"

func TestGrantsAreBoundToTheirPlace(t *testing.T) {
	t.Parallel()
	k := newKeyring(t, &memory{})
	a, other := mustAccount(t, k, 1), mustAccount(t, k, 2)
	place := GrantPlace{Row: 7, Refresh: 2}
	sealed, err := a.SealGrant(place, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := a.OpenGrant(place, sealed); err != nil || string(got) != "secret" {
		t.Errorf("at the same place: %q, %v", got, err)
	}
	for name, p := range map[string]GrantPlace{"row": {8, 2}, "refresh": {7, 3}, "both changed places": {2, 7}} {
		refuse(t, "another place, "+name, sealed, func(b []byte) ([]byte, error) { return a.OpenGrant(p, b) })
	}
	refuse(t, "another account", sealed, func(b []byte) ([]byte, error) { return other.OpenGrant(place, b) })
	refuse(t, "a row's credential", sealed, func(b []byte) ([]byte, error) { return a.OpenToken(shopPlace, b) })
	credential, err := a.SealToken(shopPlace, []byte("secret"))
	if err != nil {
		t.Fatal(err)
	}
	refuse(t, "a grant", credential, func(b []byte) ([]byte, error) { return a.OpenGrant(GrantPlace{7, 2}, b) })
	for _, p := range []GrantPlace{{0, 2}, {7, 0}} {
		if _, err := a.SealGrant(p, nil); err == nil {
			t.Errorf("a grant was sealed for %v", p)
		}
	}
}
