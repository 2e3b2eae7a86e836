package store

// TokenStatements are the two ways in which tokens are looked for: among all rows, and among the newest.
func TokenStatements(accountID int64, q MessageCandidates) (all, newest string) {
	return amongAll(tokensOfMessages, accountID, q).sql.String(), amongNewest(tokensOfMessages, accountID, q).sql.String()
}

// PatternStatements are those of plain texts.
func PatternStatements(accountID int64, q MessageCandidates) (all, newest string) {
	return amongAll(plainMessages, accountID, q).sql.String(), amongNewest(plainMessages, accountID, q).sql.String()
}
