package chat

import "testing"

func TestDialled(t *testing.T) {
	t.Parallel()
	for text, want := range map[string]string{
		"+1 (555) 010-0199": "15550100199", "٣٤٥": "345", "+４９": "49", "5": "5", "1\u20e32\ufe0f\u20e3": "12", "00 49/30": "004930",
		"": "", "+-": "", "anna": "", "x5550100": "", "tel:+1555": "", "crm-9001": "", "1@2": "",
	} {
		if got, ok := Dialled(text); got != want || ok != (want != "") {
			t.Errorf("%q: %q, %t; want %q", text, got, ok, want)
		}
	}
}
