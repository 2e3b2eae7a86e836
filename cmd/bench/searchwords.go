package main

import (
	"math/rand/v2"
	"slices"
	"strings"
)

// wordQueries draws what is looked for in messages out of messages.
type wordQueries struct {
	*searchData
	rng   *rand.Rand
	often []int // in how many messages each word is, by rank
}

func newWordQueries(d *searchData, often []int) *wordQueries {
	return &wordQueries{searchData: d, often: often, rng: rand.New(rand.NewPCG(4, 2))} // the questions must be the same every time
}

// scale is what a number of messages in a million comes to here.
func (q *wordQueries) scale(n int) int { return max(n*q.messages/1_000_000, 1) }

// contentWords are the words of a random message that are worth looking for, in its order.
func (q *wordQueries) contentWords() []int32 {
	sentence := q.texts.sentences[q.said[q.rng.IntN(len(q.said))]]
	return slices.DeleteFunc(slices.Clone(sentence), q.common)
}

func (q *wordQueries) common(rank int32) bool { return int(rank) < len(functionWords) }

// list draws n queries of one kind.
func (q *wordQueries) list(n int, draw func() []int32) []string {
	list := make([]string, 0, n)
	for len(list) < n {
		ranks := draw()
		if ranks == nil {
			continue
		}
		words := make([]string, len(ranks))
		for i, rank := range ranks {
			words[i] = q.texts.words[rank]
		}
		list = append(list, strings.Join(words, " "))
	}
	return list
}

// together gives so many words of one message.
func (q *wordQueries) together(n int) func() []int32 {
	return func() []int32 {
		words := q.contentWords()
		if len(words) < n {
			return nil
		}
		q.rng.Shuffle(len(words), func(i, j int) { words[i], words[j] = words[j], words[i] })
		return words[:n]
	}
}

// one gives a word that is in so many messages of a million.
func (q *wordQueries) one(least, most int) func() []int32 {
	return func() []int32 {
		words := q.together(1)()
		if words == nil || q.often[words[0]] < q.scale(least) || q.often[words[0]] > q.scale(most) {
			return nil
		}
		return words
	}
}

// phrase gives two words that stand side by side.
func (q *wordQueries) phrase() []int32 {
	sentence := q.texts.sentences[q.said[q.rng.IntN(len(q.said))]]
	for _, i := range q.rng.Perm(len(sentence) - 1) {
		if !q.common(sentence[i]) && !q.common(sentence[i+1]) {
			return sentence[i : i+2]
		}
	}
	return nil
}

// apart gives two words, neither rare, that no message holds together.
func (q *wordQueries) apart() []int32 {
	a, b := q.one(300, 5_000)(), q.one(300, 5_000)()
	if a == nil || b == nil || a[0] == b[0] {
		return nil
	}
	for _, sentence := range q.texts.sentences {
		if slices.Contains(sentence, a[0]) && slices.Contains(sentence, b[0]) {
			return nil
		}
	}
	return []int32{a[0], b[0]}
}
