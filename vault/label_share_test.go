package vault

import (
	"fmt"
	"slices"
	"testing"
)

// TestShareIsAHint: it stays between its bounds whatever the texts are, and grows with the text among ordinary ones.
func TestShareIsAHint(t *testing.T) {
	t.Parallel()
	odd := []string{"", "a", "zz", "ma", "maria.a@x", "maria.b@x", "maria.zz@x", "\xff\xff", "ключ", "日本", "MARIA", "m.1", "m.10", "~", "\x00"}
	for _, low := range odd {
		for _, high := range odd {
			for _, text := range odd {
				if s := share(low, high, &text); !(s >= 0.125 && s <= 0.875) {
					t.Errorf("%q between %q and %q: %v", text, low, high, s)
				}
			}
		}
	}
	if s := share("a", "b", nil); s != 0.5 {
		t.Errorf("no text: %v", s)
	}
	var shares []float64
	for i := range 100 {
		text := fmt.Sprintf("anna.%02d@example.com", i)
		shares = append(shares, share("anna.00@example.com", "anna.99@example.com", &text))
	}
	if !slices.IsSorted(shares) || shares[10] > 0.2 || shares[50] < 0.4 || shares[50] > 0.6 || shares[90] < 0.8 {
		t.Errorf("not where they lie: %v", shares)
	}
}
