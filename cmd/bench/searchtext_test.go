package main

import "testing"

// TestTexts holds the texts of a million messages to prose, which the figures are read against.
func TestTexts(t *testing.T) {
	t.Parallel()
	d := newSearchData(options{messages: 1_000_000, contacts: 1_000_000, months: 12}, 1)
	f, often := d.texts.figures(d.said)
	for _, test := range []struct {
		what             string
		got, least, most float64
	}{
		{"distinct words", float64(f.distinct), 36_000, vocabularySize},
		{"messages of the middle word", float64(f.median), 10, 14},
		{"messages of one word in a hundred", float64(f.p99), 4_500, 5_500},
		{"messages of the commonest word", float64(f.most), 380_000, 420_000},
		{"distinct words of a message", f.perMessage, 11, 12},
		{"characters of a message", f.characters, 76, 84},
	} {
		if test.got < test.least || test.got > test.most {
			t.Errorf("%s: %g, want %g to %g", test.what, test.got, test.least, test.most)
		}
	}
	q := newWordQueries(d, often)
	for name, draw := range map[string]func() []int32{"two words": q.together(2), "a phrase": q.phrase} {
		for _, text := range q.list(20, draw) {
			if text == "" {
				t.Errorf("%s: nothing to look for", name)
			}
		}
	}
}
