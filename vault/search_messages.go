package vault

import (
	"context"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

// What one request may spend on a search before it answers with what it has.
const (
	maxCandidates = 1000 // that an index gave
	maxScanned    = 2000 // where no index is asked
	searchTime    = 300 * time.Millisecond
)

// scanBlock is how many messages a scan begins with. What an index gives is nearly always a hit, so a little more than the
// page is enough.
const scanBlock = 500

// FoundMessages is a page of what a search found, newest first.
type FoundMessages struct {
	Rows    []store.MessageRow
	More    bool           // there is at least one more
	Partial bool           // the search was given up before the page was full
	End     *chat.Position // where to go on: of a search that was given up the last place it looked at
}

// SearchMessages finds messages of conversations that the viewer may list, or in one conversation that they have opened.
// Every hit was opened and compared; one that does not open is none. Its errors are INVALID for what is no query.
func (v *Vault) SearchMessages(ctx context.Context, account *chat.Account, s chat.MessageSearch) (FoundMessages, error) {
	query, err := search.ParseQuery(s.Text)
	if err != nil {
		return FoundMessages{}, err
	}
	if s.ConversationID == 0 && s.Visibility.Reach == chat.ReachNothing {
		return FoundMessages{}, nil
	}
	r, err := v.reader(ctx, account)
	if err != nil {
		return FoundMessages{}, err
	}
	run := &messageSearch{reader: r, MessageSearch: s, query: query, sealed: sealedMessages(account), end: s.Page.From,
		until: time.Now().Add(v.SearchTime), most: maxCandidates, block: s.Page.Limit + s.Page.Limit/4 + 1}
	run.choose(account)
	err = run.collect(ctx)
	return run.found, err
}

// messageSearch is one search as it runs.
type messageSearch struct {
	*reader
	chat.MessageSearch
	query  search.Query
	sealed bool
	by     string // for metrics
	next   candidates

	until       time.Time
	spent, most int
	block       int

	end   *chat.Position // everything up to here was looked at
	found FoundMessages
}

// candidates gives the next messages to look at, at most n and newest first, and how far nothing is left behind them; a
// place of nil is the end.
type candidates func(ctx context.Context, from *chat.Position, n int) (list []store.Candidate, to *chat.Position, err error)

// choose says by what the search goes.
func (m *messageSearch) choose(account *chat.Account) {
	settings := account.Settings.Search
	switch {
	case m.ConversationID != 0:
		m.scan(m.thread)
	case m.sealed && len(m.query.Words()) > 0 && settings.Mode == chat.SearchByTokens && settings.MessagesIndexed:
		months := &months{messageSearch: m, tokens: messageTokens{keys: m.account, made: make(map[tokenPlace]*keyring.Tokens)}}
		m.next, m.by = months.next, "tokens"
	case !m.sealed && len(m.query.Patterns()) > 0:
		m.next, m.by = m.byPatterns, "patterns"
	default:
		m.scan(m.newest)
	}
}

func (m *messageSearch) scan(next candidates) {
	m.next, m.by, m.most, m.block = next, "scan", maxScanned, scanBlock
}

// collect looks at candidates until the page is full and one more is known, nothing is left, or enough was spent.
func (m *messageSearch) collect(ctx context.Context) error {
	for {
		list, to, err := m.next(ctx, m.end, min(m.block, m.most-m.spent))
		if err != nil {
			return err
		}
		if m.look(list) || to == nil {
			return nil
		}
		m.end = to
		if m.spent += len(list); m.spent >= m.most || !time.Now().Before(m.until) {
			m.found.Partial, m.found.End = true, m.end
			return nil
		}
		m.block = min(2*m.block, maxScanned)
	}
}

// look opens candidates and keeps those that match; full says that the page has all it needs.
func (m *messageSearch) look(list []store.Candidate) (full bool) {
	for _, c := range list {
		if c.Message == nil || !m.matches(c.MessageRow) {
			continue
		}
		if len(m.found.Rows) == m.Page.Limit {
			m.found.More = true
			return true
		}
		m.found.Rows, m.found.End = append(m.found.Rows, c.MessageRow), c.At
	}
	return false
}

// matches opens a message and compares it. What the system wrote with an address in it is hidden from a masked viewer,
// and then it is found by no word.
func (m *messageSearch) matches(row store.MessageRow) bool {
	row.Values = m.values(messageKey(row.Message), row.Record)
	content, err := row.Content()
	outcome := "verified"
	switch {
	case err != nil:
		outcome = "unreadable"
	case content == nil || !m.query.Matches(*content):
		outcome = "missed"
	case m.Masked && !row.IsHistory() && chat.TextHoldsAddress(*content):
		outcome = "hidden"
	}
	m.vault.metrics.searched.WithLabelValues(m.by, outcome).Inc()
	return outcome == "verified"
}

func (m *messageSearch) candidates(from *chat.Position, n int) store.MessageCandidates {
	return store.MessageCandidates{Visibility: m.Visibility, Sealed: m.sealed, From: from, Limit: n}
}

// newest gives an account's messages as they come.
func (m *messageSearch) newest(ctx context.Context, from *chat.Position, n int) ([]store.Candidate, *chat.Position, error) {
	list, err := m.vault.store.NewestMessages(ctx, m.id, m.candidates(from, n))
	return list, lastOf(list, n), err
}

func (m *messageSearch) byPatterns(ctx context.Context, from *chat.Position, n int) ([]store.Candidate, *chat.Position, error) {
	q := m.candidates(from, n)
	q.Patterns = m.query.Patterns()
	list, err := m.vault.store.FindByPatterns(ctx, m.id, q)
	return list, lastOf(list, n), err
}

// lastOf is how far candidates go: nil, the end, when there were fewer than were asked for.
func lastOf(list []store.Candidate, n int) *chat.Position {
	if len(list) < n {
		return nil
	}
	return list[len(list)-1].At
}

// thread gives the messages of one conversation.
func (m *messageSearch) thread(ctx context.Context, from *chat.Position, n int) ([]store.Candidate, *chat.Position, error) {
	page := chat.Page{Limit: n, Exact: true, Backward: true, From: from}
	rows, err := m.vault.store.ListMessages(ctx, m.id, m.ConversationID, store.MessageQuery{Page: page, Sealed: m.sealed})
	list := make([]store.Candidate, len(rows))
	for i, row := range rows {
		list[i] = store.Candidate{At: store.MessagePosition(row.Message), MessageRow: row}
	}
	return list, lastOf(list, n), err
}
