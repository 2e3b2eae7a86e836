package search

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// fold brings a text into the one form in which words are compared: compatibility forms, case, diacritics, invisible
// marks and the scripts of digits make no difference. Marks that are letters of their script stay.
func fold(text string) string {
	if isASCII(text) {
		return strings.ToLower(text)
	}
	if quick, ok := foldQuickly(text); ok {
		return quick
	}
	return foldFully(text)
}

// foldQuickly folds a text whose every rune is known to fold alone, as in most of the languages of Europe and East Asia.
func foldQuickly(text string) (string, bool) {
	b := make([]byte, 0, len(text)+8)
	for _, r := range text {
		switch {
		case r >= 'A' && r <= 'Z':
			b = append(b, byte(r)+'a'-'A')
		case r < utf8.RuneSelf:
			b = append(b, byte(r))
		case r >= 0x4E00 && r <= 0x9FFF, r >= 0xAC00 && r <= 0xD7A3, r >= 0x3041 && r <= 0x3096, r >= 0x30A1 && r <= 0x30FE && r != 0x30FB:
			b = utf8.AppendRune(b, r)
		case r < lettersAlone:
			if foldedLetters[r] == "" {
				return "", false
			}
			b = append(b, foldedLetters[r]...)
		case r >= punctuationFrom && r < punctuationTo && foldedPunctuation[r-punctuationFrom] != "":
			b = append(b, foldedPunctuation[r-punctuationFrom]...)
		default:
			return "", false
		}
	}
	return string(b), true
}

// Latin, Greek and Cyrillic letters, and general punctuation, each folded; those that fold with their neighbours, or to
// nothing, are left out.
const (
	lettersAlone    = 0x0530
	punctuationFrom = 0x2010
	punctuationTo   = 0x2060
)

var foldedLetters, foldedPunctuation = foldedAlone(utf8.RuneSelf, lettersAlone), foldedAlone(punctuationFrom, punctuationTo)[punctuationFrom:]

func foldedAlone(from, to rune) []string {
	list := make([]string, to)
	for r := from; r < to; r++ {
		if !unicode.Is(unicode.M, r) {
			list[r] = foldFully(string(r))
		}
	}
	return list
}

func foldFully(text string) string {
	decomposed := norm.NFKD.String(strings.ToValidUTF8(text, "\uFFFD"))
	var b strings.Builder
	b.Grow(len(decomposed))
	before := ' '
	for i, r := range decomposed {
		if dropped(before, r) || unheard(before, r, decomposed[i+utf8.RuneLen(r):]) {
			continue
		}
		r = unicode.ToLower(r)
		if plain, ok := plainLetters[r]; ok {
			b.WriteString(plain)
		} else {
			b.WriteRune(asciiDigit(r))
		}
		before = r
	}
	return norm.NFC.String(b.String())
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// plainLetters are written for one another, and no decomposition says so.
var plainLetters = map[rune]string{
	'ß': "ss", 'æ': "ae", 'œ': "oe", 'ø': "o", 'đ': "d", 'ð': "d", 'þ': "th", 'ł': "l", 'ħ': "h", 'ı': "i",
	'ς': "σ", 'ی': "ي", 'ک': "ك", '\u200B': " ", // a space without width parts the words of scripts that have none
}

// optionalMarks are written or left out, and skin tones; with them go marks of the format, which are not seen.
var optionalMarks = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x0300, Hi: 0x036F, Stride: 1},                                                                           // diacritics
		{Lo: 0x0591, Hi: 0x05BD, Stride: 1}, {Lo: 0x05BF, Hi: 0x05C2, Stride: 1}, {Lo: 0x05C4, Hi: 0x05C7, Stride: 1}, // Hebrew points
		{Lo: 0x05F3, Hi: 0x05F4, Stride: 1},                                      // geresh, gershayim
		{Lo: 0x0610, Hi: 0x061A, Stride: 1}, {Lo: 0x0640, Hi: 0x0640, Stride: 1}, // Arabic signs, tatweel
		{Lo: 0x064B, Hi: 0x065F, Stride: 1}, {Lo: 0x0670, Hi: 0x0670, Stride: 1}, // Arabic vowels, hamza above and below
		{Lo: 0x06D6, Hi: 0x06DC, Stride: 1}, {Lo: 0x06DF, Hi: 0x06E4, Stride: 1}, {Lo: 0x06E7, Hi: 0x06E8, Stride: 1},
		{Lo: 0x06EA, Hi: 0x06ED, Stride: 1},
		{Lo: 0x1AB0, Hi: 0x1AFF, Stride: 1}, {Lo: 0x1DC0, Hi: 0x1DFF, Stride: 1}, {Lo: 0x20D0, Hi: 0x20FF, Stride: 1},
		{Lo: 0xFE00, Hi: 0xFE0F, Stride: 1}, {Lo: 0xFE20, Hi: 0xFE2F, Stride: 1}, // variants, half marks
	},
	R32: []unicode.Range32{{Lo: 0x1F3FB, Hi: 0x1F3FF, Stride: 1}, {Lo: 0xE0100, Hi: 0xE01EF, Stride: 1}},
}

// dropped says that a rune makes no other word of one. й, ў and ї are letters of their own.
func dropped(before, r rune) bool {
	switch {
	case r < 0xAD || r == '\u200B':
		return false
	case r == 0x0306 && (before == 'и' || before == 'у'), r == 0x0308 && before == 'і':
		return false
	}
	return unicode.Is(optionalMarks, r) || unicode.Is(unicode.Cf, r)
}

// unheard says that a quotation mark stands within a Hebrew word, where it makes an abbreviation.
func unheard(before, r rune, after string) bool {
	if r != '"' && r != '\'' && r != '’' && r != '”' || !unicode.Is(unicode.Hebrew, before) {
		return false
	}
	next, _ := utf8.DecodeRuneInString(after)
	return unicode.Is(unicode.Hebrew, next)
}

// asciiDigit gives a decimal digit of any script in ASCII. Unicode keeps each script's ten together, zero first.
func asciiDigit(r rune) rune {
	if r < utf8.RuneSelf || !unicode.IsDigit(r) {
		return r
	}
	for _, in := range unicode.Nd.R16 {
		if r <= rune(in.Hi) {
			return '0' + (r-rune(in.Lo))%10
		}
	}
	for _, in := range unicode.Nd.R32 {
		if r <= rune(in.Hi) {
			return '0' + (r-rune(in.Lo))%10
		}
	}
	return r
}
