package vault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"
	"unicode"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
)

// vocabularies are words as customers write them, by script; those of the last ones stand without spaces.
var vocabularies = [][]string{
	strings.Fields("order Refund the is a not delivery invoice colour won't wi-fi e-mail v2.3.1 1,000.50 shipped_at jacket blue late broken"),
	strings.Fields("café naïve crème Ärger Straße größe für l'été d’État señor São œuvre smørrebrød ﬁancée Łódź İzmir ırmak nu\u0303ñez cafe\u0301"),
	strings.Fields("заказ Возврат ёлка йод это деньги їжа ґанок ЗАКАЗ"),
	strings.Fields("Καλημέρα κόσμος ΚΌΣΜΟΣ παραγγελία ευχαριστώ"),
	strings.Fields("طلب السَّلام كتــاب أين الطلب فاتورة می\u200cخواهم ٣٤٥"),
	strings.Fields("שָׁלוֹם הזמנה צה\"ל צה״ל איפה"),
	strings.Fields("कृपया ऑर्डर किताब कहाँ है ४२"),
	strings.Fields("주문 배송이 환불해 언제 배송"),
	strings.Fields("🎉 👍🏽 👍 ❤️ 👩‍👩‍👧 :-) … —"),
	strings.Fields("返金 お願い 電源 订单 退款 ラーメン ﾗｰﾒﾝ 金 々 まだ です"),
	strings.Fields("สวัสดี ครับ คำสั่งซื้อ ຂໍ້ຄວາມ បញ្ជា မှာယူ"),
}

// speaker draws messages and what somebody might look for in them.
type speaker struct{ *rand.Rand }

func pick[T any](s speaker, list []T) T { return list[s.IntN(len(list))] }

func (s speaker) word() string {
	switch s.IntN(20) {
	case 0:
		return fmt.Sprintf("%s%d@%s", pick(s, []string{"ann", "José.", "x+y"}), s.IntN(30), pick(s, []string{"example.com", "Mail.Example.ORG", "a-b.example"}))
	case 1:
		return s.phone()
	case 2:
		return fmt.Sprint(s.IntN(5000))
	}
	word := pick(s, pick(s, vocabularies))
	switch s.IntN(12) {
	case 0:
		word = strings.ToUpper(word)
	case 1:
		word = strings.Map(func(r rune) rune { // full width
			if r > ' ' && r <= '~' && r != '"' {
				return r + '！' - '!'
			}
			return r
		}, word)
	case 2:
		word += fmt.Sprint(s.IntN(400))
	case 3:
		word = strings.Repeat(word, 1+s.IntN(12))
	}
	return word
}

func (s speaker) phone() string {
	n := 5550000 + s.IntN(40)
	return fmt.Sprintf(pick(s, []string{"+1 212 %03d-%04d", "(212) %03d %04d", "212%03d%04d", "001-212-%03d.%04d", "%03d %04d"}), n/10000, n%10000)
}

func (s speaker) message() string {
	var b strings.Builder
	for range s.IntN(9) {
		b.WriteString(s.word())
		b.WriteString(pick(s, []string{" ", " ", " ", " ", " ", ", ", ". ", "\n", "", "-", "_", "/", " **", "\u00a0", "\u200b"}))
	}
	return b.String()
}

// query asks for something of a message, as it is or in other letters, or for words at random.
func (s speaker) query(message string) string {
	fields := strings.Fields(message)
	if len(fields) == 0 || s.IntN(6) == 0 {
		fields = []string{s.word(), s.word(), s.word()}
	}
	from := s.IntN(len(fields))
	to := min(len(fields), from+1+s.IntN(3))
	text := strings.Join(fields[from:to], " ")
	switch s.IntN(8) {
	case 0:
		text = strings.ToUpper(text)
	case 1, 2:
		text = `"` + text + `"`
	case 3:
		text = "“" + text
	case 4:
		text += " " + pick(s, fields)
	case 5: // a piece out of the middle
		runes := []rune(text)
		at := s.IntN(len(runes))
		text = string(runes[at:min(len(runes), at+1+s.IntN(6))])
	}
	return text
}

// TestTokensFindWhatMatches holds the search by tokens against a naive one: 100,000 messages of 500 months in many scripts,
// each month asked for what its messages hold and what they do not. Tokens of one month find nothing in another.
func TestTokensFindWhatMatches(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	keys, err := r.keys.Account(t.Context(), schema.Acme)
	if err != nil {
		t.Fatal(err)
	}
	const months, perMonth, queries = 500, 200, 1
	var group sync.WaitGroup
	var mu sync.Mutex
	asked, hits, owner := 0, 0, make(map[int64]int)
	work := make(chan int, months)
	for m := range months {
		work <- m
	}
	close(work)
	for range 4 {
		group.Go(func() {
			for m := range work {
				c := newCorpus(t, keys, m, perMonth)
				n := 0
				for range queries {
					n += c.ask(t, c.query(pick(c.speaker, c.messages)))
				}
				mu.Lock()
				asked, hits = asked+queries, hits+n
				for token := range c.index {
					if other, taken := owner[token]; taken && other != m {
						t.Errorf("months %d and %d share a token", m, other)
					}
					owner[token] = m
				}
				mu.Unlock()
			}
		})
	}
	group.Wait()
	if asked != months*queries || hits < months {
		t.Errorf("%d queries had %d hits", asked, hits)
	}
}

// corpus is one month's messages with their index in memory.
type corpus struct {
	speaker
	messages []string
	tokens   *keyring.Tokens
	index    map[int64][]int
}

func newCorpus(t *testing.T, keys *keyring.Account, m, n int) *corpus {
	t.Helper()
	c := &corpus{speaker: speaker{rand.New(rand.NewPCG(5, uint64(m)))}, index: make(map[int64][]int)}
	var err error
	if c.tokens, err = keys.MessageTokens(keys.IndexGeneration(), month(2000*12+m).number(), keyring.FromContact); err != nil {
		t.Error(err)
	}
	for i := range n {
		text := c.message()
		c.messages = append(c.messages, text)
		for _, token := range tokensOf(c.tokens, search.Index(text)) {
			c.index[token] = append(c.index[token], i)
		}
	}
	return c
}

// ask compares the messages that hold every token and match with those that match.
func (c *corpus) ask(t *testing.T, text string) (hits int) {
	t.Helper()
	query, err := search.ParseQuery(text)
	if err != nil {
		if strings.ContainsFunc(text, unicode.IsLetter) {
			t.Errorf("%q: %v", text, err)
		}
		return 0
	}
	candidates := make(map[int]int)
	for _, token := range tokensOf(c.tokens, query.Words()) {
		for _, i := range c.index[token] {
			candidates[i]++
		}
	}
	for i, message := range c.messages {
		naive := query.Matches(message)
		if naive {
			hits++
		}
		if indexed := candidates[i] == len(query.Words()); naive && !indexed {
			t.Errorf("%q matches %q, which its tokens %q do not find", text, message, query.Words())
		}
	}
	return hits
}

// TestPaddedTokensAreStillTheWords: padding adds, and takes nothing away.
func TestPaddedTokensAreStillTheWords(t *testing.T) {
	t.Parallel()
	r := newSealed(t)
	keys, err := r.keys.Account(t.Context(), schema.Acme)
	if err != nil {
		t.Fatal(err)
	}
	at, err := keys.MessageTokens(keys.IndexGeneration(), 202501, keyring.FromAgent)
	if err != nil {
		t.Fatal(err)
	}
	s := speaker{rand.New(rand.NewPCG(6, 6))}
	for range 500 {
		tokens := tokensOf(at, search.Index(s.message()))
		padded := keyring.PadTokens(tokens)
		if len(padded)%8 != 0 || (len(padded) == 0) != (len(tokens) == 0) {
			t.Fatalf("%d tokens are padded to %d", len(tokens), len(padded))
		}
		for _, token := range tokens {
			if _, found := slices.BinarySearch(padded, token); !found {
				t.Fatal("a token is gone")
			}
		}
	}
}

// BenchmarkMessageTokens makes the words and tokens of one message, as sealing does for each.
func BenchmarkMessageTokens(b *testing.B) {
	r := newSealed(b)
	keys, err := r.keys.Account(b.Context(), schema.Acme)
	if err != nil {
		b.Fatal(err)
	}
	at, err := keys.MessageTokens(keys.IndexGeneration(), 202501, keyring.FromAgent)
	if err != nil {
		b.Fatal(err)
	}
	messages := strings.Split("Hello, I ordered the blue jacket (order 48213) last Tuesday and it has not arrived.|Thanks, that solved it!|"+
		"Could you please send the invoice to billing@example.com instead? Our address has changed since the last delivery.|"+
		"Bonjour, j'ai commandé la veste bleue mardi dernier et elle n'est toujours pas arrivée.|Ok", "|")
	made, i := 0, 0
	for b.Loop() {
		made += len(keyring.PadTokens(tokensOf(at, search.Index(messages[i%len(messages)]))))
		i++
	}
	b.ReportMetric(float64(made)/float64(b.N), "tokens/op")
}
