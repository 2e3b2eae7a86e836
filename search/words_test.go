package search

import (
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

func TestIndex(t *testing.T) {
	t.Parallel()
	for message, want := range map[string]string{
		"":                                       "",
		" \n…!":                                  "",
		"Where is the order?":                    "order where",
		"The Order, the order: ORDER!":           "order",
		"_Bold_ **words** user_name hello.World": "bold hello name user words world",
		"Crème brûlée, naïve Ångström ﬁancé": "angstrom brulee creme fiance naive",
		"Straße GROẞ Œuvre smørrebrød":       "gross oeuvre smorrebrod strasse",
		"l'homme d’État can't":               "can d etat homme l t",
		"v2.3.1 costs 1,000.50 at 10:30":     "1,000.50 10 30 costs v2.3.1",
		"Заказ ЁЛКА йод їжа":                 "елка заказ йод їжа",
		"Καλημέρα ΚΌΣΜΟΣ κόσμος":             "καλημερα κοσμοσ",
		"السَّلَامُ عَلَيْكُم كتــاب":        "السلام عليكم كتاب",
		"שָׁלוֹם צה\"ל צה״ל":                 "צהל שלום",
		"कृपया ऑर्डर":                        "ऑर्डर कृपया",
		"i\u0307stanbul İSTANBUL":            "istanbul",
		"co\u00adop zero\u200bwidth":         "coop width zero",
		"返金":                                 "返 返金 金",
		"ラーメン":                               "ー ーメ メ メン ラ ラー ン",
		"สวัสดี":                             "ด ดี ว วั ส สว สด ี ั ัส",
		"배송 상태":                              "배 배송 상 상태 송 태",
		"iPhoneの電源":                          "iphone の の電 源 電 電源",
		"Yes 👍🏽 👩‍👩‍👧 ❤️":                    "yes ❤ 👍 👧 👩",
		"٣٤٥ ３４５":                            "345",
		"Write to Anna.B@Example.com.":       "anna anna.b@example.com b example write",
		"<mailto:x+y@a-b.example>":           "b example mailto x x+y@a-b.example",
		"a@b @c d@ @@":                       "b c d",
		"Call 555-1234":                      "+5551234 1234 555 call",
		"+1 (555) 123-4567":                  "+1234567 +1555123 +15551234567 +5551234567 1 123 4567 555",
		"0049 170 1234567":                   "+1234567 +1701234567 +49170 +491701234567 0049 1234567 170",
		"order 12345678901234567":            "12345678901234567 order",
		"abc1234567 1234567x":                "1234567x abc1234567",
		strings.Repeat("ä", 50):              strings.Repeat("a", 40),
	} {
		words := Index(message)
		if !slices.IsSorted(words) {
			t.Errorf("%q: %q is not in order", message, words)
		}
		expected := strings.Fields(want)
		slices.Sort(expected)
		if diff := cmp.Diff(slices.Compact(expected), words); diff != "" && len(expected)+len(words) > 0 {
			t.Errorf("%q (-want +got):\n%s", message, diff)
		}
	}
}

// TestWordsAndAddressesHaveFormsOfTheirOwn: a word is never taken for an address.
func TestWordsAndAddressesHaveFormsOfTheirOwn(t *testing.T) {
	t.Parallel()
	for _, w := range read(fold("a.b@c.example +49 170 1234567 １２３ x@y ++55 @@")).words {
		if strings.ContainsAny(w.text, "@+") {
			t.Errorf("%q is a word", w.text)
		}
	}
}

func TestStopWordsAreFoldedWords(t *testing.T) {
	t.Parallel()
	for w := range stopWords {
		if got := read(fold(w)).words; len(got) != 1 || got[0].text != w {
			t.Errorf("%q is read as %v", w, got)
		}
	}
	if n := len(stopWords); n < 100 || n > 250 {
		t.Errorf("%d stop words", n)
	}
}

// TestQuickFoldingIsTheFullOne takes every rune between others, also those that make one letter with their neighbours.
func TestQuickFoldingIsTheFullOne(t *testing.T) {
	t.Parallel()
	for r := rune(1); r < 0x10000; r++ {
		for _, around := range []string{"a", "й", "か", "한"} {
			if text := around + string(r) + around; fold(text) != foldFully(text) {
				t.Errorf("%q is folded to %q, rune by rune to %q", text, foldFully(text), fold(text))
			}
		}
	}
}

func FuzzFold(f *testing.F) {
	for _, s := range []string{"Straße", "e\u0301\u0323", "й ї İ", "한국어", "ﷺ", "\xff", "צה\"ל", "１２٣", "👍🏽\ufe0f", "“Él” – ÿ…", "ガギ々 漢字"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		folded := fold(text)
		if folded != foldFully(text) {
			t.Fatalf("%q is folded to %q, rune by rune to %q", text, foldFully(text), folded)
		}
		if !utf8.ValidString(folded) {
			t.Fatalf("%q is folded to %q", text, folded)
		}
		end := 0
		for _, w := range read(folded).words {
			if w.from < end || w.to <= w.from || w.text == "" || utf8.RuneCountInString(w.text) > maxWord && !w.run {
				t.Fatalf("%q: word %+v after %d", folded, w, end)
			}
			if !strings.HasPrefix(folded[w.from:w.to], w.text) {
				t.Fatalf("%q: word %+v is not what stands there", folded, w)
			}
			end = w.to
		}
	})
}

func BenchmarkIndex(b *testing.B) {
	for name, text := range map[string]string{
		"latin":   "Hello, I ordered the blue jacket (order 48213) last Tuesday and it still hasn't arrived; could you check?",
		"accents": "Bonjour, j'ai commandé la veste bleue (n° 48213) mardi dernier et elle n'est toujours pas arrivée, pouvez-vous vérifier ?",
		"han":     "你好，我上周二订购了蓝色夹克（订单48213），但仍未收到，能帮我查一下吗？",
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				Index(text)
			}
		})
	}
}
