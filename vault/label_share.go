package vault

// share is how far between two texts a third lies, from 1/8 to 7/8: by the first characters that the two do not share, as
// if each were as frequent as another. It is a hint.
func share(low, high string, text *string) float64 {
	if text == nil || low == "" || high == "" {
		return 0.5
	}
	shared := 0
	for shared < len(low) && shared < len(high) && low[shared] == high[shared] {
		shared++
	}
	from, to := weight(low, shared), weight(high, shared)
	if from >= to {
		return 0.5
	}
	return min(max((weight(*text, shared)-from)/(to-from), 0.125), 0.875)
}

// weight is a text from a character on as a number between 0 and 1, with digits and lower-case letters for its digits.
func weight(text string, from int) float64 {
	const base, digits = 39, 8
	sum, place := 0.0, 1.0
	for i := from; i < min(from+digits, len(text)); i++ {
		c, value := text[i], 0
		switch {
		case c >= '0' && c <= '9':
			value = 1 + int(c-'0')
		case c > '9' && c < 'a':
			value = 11
		case c >= 'a' && c <= 'z':
			value = 12 + int(c-'a')
		case c > 'z':
			value = base - 1
		}
		place /= base
		sum += float64(value) * place
	}
	return sum
}
