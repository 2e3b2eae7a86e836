package store

// TokenStatements are the two ways in which tokens are looked for: among all rows, and among the newest.
func TokenStatements(accountID int64, q MessageCandidates) (all, newest string) {
	return seenAmong(tokensAmongAll(accountID, q), accountID, q).sql.String(), seenAmong(tokensAmongNewest(accountID, q), accountID, q).sql.String()
}

// PatternStatements are those of plain texts.
func PatternStatements(accountID int64, q MessageCandidates) (all, newest string) {
	return seenAmong(patternsAmongAll(accountID, q), accountID, q).sql.String(), seenAmong(patternsAmongNewest(accountID, q), accountID, q).sql.String()
}

// ContactsStateStatement says in which state an account's contacts are.
const ContactsStateStatement = contactsState
