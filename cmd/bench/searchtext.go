package main

import (
	"math"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
)

// vocabularySize is how many distinct words the texts are made of.
const vocabularySize = 36_648

// functionWords take the first ranks, as in prose; queries leave them out.
var functionWords = strings.Fields(`the to and of a in is for i that it you on this with be we not are have as your was at my by or if from
 an but can our has will so they do all me there what he been when which would one their about more no were out up she who its
 than then her his had them could some into just him also how any these only other after may should`)

// syllables make the other words: pronounceable, in lower case, of letters that every tokeniser takes for one word.
var (
	onsets = strings.Fields(`b c d f g h j k l m n p r s t v w br ch cl cr dr fl fr gr pl pr sh sl sp st str th tr`)
	vowels = strings.Fields(`a e i o u ai ea ee ie oa ou`)
	codas  = strings.Fields(`- - - n r l s t m d ck nd nt st ng`)
)

// wordCurve says in how many of a million messages the word of a rank occurs, by points between which it runs straight
// on logarithmic scales: those of English prose, where the middle word of 36,648 is in 12 and the commonest in 402,000.
var wordCurve = []struct{ rank, messages float64 }{
	{1, 520_000}, {4, 290_000}, {12, 125_000}, {50, 31_000}, {366, 5_000}, {3_000, 330}, {18_324, 7.5}, {vocabularySize, 1.5},
}

// vocabulary is words by rank, the commonest first, and how often each is to come.
type vocabulary struct {
	words []string
	upTo  []float64 // sums of weights, to draw from
}

func newVocabulary() *vocabulary {
	rng := rand.New(rand.NewPCG(36, 648)) // the data must be the same every time
	v := &vocabulary{words: slices.Clone(functionWords)}
	taken := make(map[string]bool, vocabularySize)
	for _, w := range v.words {
		taken[w] = true
	}
	for len(v.words) < vocabularySize {
		w := newWord(rng, 1+min(len(v.words)/150, 1)+rng.IntN(2))
		if len(w) >= 3 && !taken[w] {
			taken[w] = true
			v.words = append(v.words, w)
		}
	}
	sum := 0.0
	for rank := range v.words {
		sum += expected(float64(rank + 1))
		v.upTo = append(v.upTo, sum)
	}
	return v
}

func newWord(rng *rand.Rand, parts int) string {
	var b strings.Builder
	for range parts {
		b.WriteString(onsets[rng.IntN(len(onsets))])
		b.WriteString(vowels[rng.IntN(len(vowels))])
	}
	if coda := codas[rng.IntN(len(codas))]; coda != "-" {
		b.WriteString(coda)
	}
	return b.String()
}

// expected reads the curve.
func expected(rank float64) float64 {
	i := 1
	for i < len(wordCurve)-1 && wordCurve[i].rank < rank {
		i++
	}
	a, b := wordCurve[i-1], wordCurve[i]
	part := math.Log(rank/a.rank) / math.Log(b.rank/a.rank)
	return a.messages * math.Pow(b.messages/a.messages, part)
}

// draw gives the rank of a word, from 0.
func (v *vocabulary) draw(rng *rand.Rand) int {
	return sort.SearchFloat64s(v.upTo, rng.Float64()*v.upTo[len(v.upTo)-1])
}

// follower is the word that often comes after another one: what makes phrases.
func (v *vocabulary) follower(rank int) int {
	return v.draw(rand.New(rand.NewPCG(uint64(rank), 7))) // the data must be the same every time
}

// sentencesPerMessage is how many distinct texts there are: short messages repeat.
const sentencesPerMessage = 0.226

// texts are the distinct texts that messages are made of, as ranks of words.
type texts struct {
	*vocabulary
	sentences [][]int32
}

func newTexts(messages int) *texts {
	t := &texts{vocabulary: newVocabulary(), sentences: make([][]int32, max(int(float64(messages)*sentencesPerMessage), 1))}
	followers := make([]int, vocabularySize)
	for rank := range followers {
		followers[rank] = t.follower(rank)
	}
	rng := rand.New(rand.NewPCG(226, 1_000)) // the data must be the same every time
	for i := range t.sentences {
		t.sentences[i] = t.sentence(rng, followers, vocabularySize-1-i)
	}
	return t
}

// sentence draws 3 to 21 words, the first of them given, unless that is none, so that every word occurs. One that is no
// function word comes once.
func (t *texts) sentence(rng *rand.Rand, followers []int, first int) []int32 {
	n := 3 + rng.IntN(10) + rng.IntN(10)
	ranks := make([]int32, 0, n)
	if first >= 0 {
		ranks = append(ranks, int32(first))
	}
	for len(ranks) < n {
		rank := t.draw(rng)
		if last := len(ranks) - 1; last >= 0 && rng.IntN(100) < 15 {
			rank = followers[ranks[last]]
		}
		if rank < len(functionWords) && len(ranks) > 0 && int(ranks[len(ranks)-1]) == rank ||
			rank >= len(functionWords) && slices.Contains(ranks, int32(rank)) {
			continue
		}
		ranks = append(ranks, int32(rank))
	}
	return ranks
}

// text writes a sentence.
func (t *texts) text(sentence int) string {
	var b strings.Builder
	for i, rank := range t.sentences[sentence] {
		word := t.words[rank]
		if i == 0 {
			word = strings.ToUpper(word[:1]) + word[1:]
		} else {
			b.WriteByte(' ')
		}
		b.WriteString(word)
	}
	b.WriteByte('.')
	return b.String()
}

// textFigures describe texts as a whole.
type textFigures struct {
	distinct, median, p99, most int // words, and in how many messages they are
	perMessage, characters      float64
}

// figures counts over messages, each given by its sentence. often is in how many messages each word is, by rank.
func (t *texts) figures(messages []int32) (f textFigures, often []int) {
	times := make([]int, len(t.sentences))
	for _, sentence := range messages {
		times[sentence]++
	}
	often = make([]int, vocabularySize)
	words, characters := 0, 0
	for i, n := range times {
		distinct := slices.Compact(slices.Sorted(slices.Values(t.sentences[i])))
		for _, rank := range distinct {
			often[rank] += n
		}
		words += n * len(distinct)
		characters += n * len(t.text(i))
	}
	occurring := slices.DeleteFunc(slices.Sorted(slices.Values(often)), func(n int) bool { return n == 0 })
	f = textFigures{distinct: len(occurring), perMessage: float64(words) / float64(len(messages)), characters: float64(characters) / float64(len(messages))}
	if n := len(occurring); n > 0 {
		f.median, f.p99, f.most = occurring[n/2], occurring[n*99/100], occurring[n-1]
	}
	return f, often
}
