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

// How many candidates are opened at a time: what an index gives is nearly always a hit.
const (
	candidateBlock = 60
	scanBlock      = 500
)

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
		until: time.Now().Add(v.SearchTime), most: maxCandidates, block: max(candidateBlock, s.Page.Limit*3/2)}
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
	read   func(ctx context.Context, at []*chat.Position) ([]store.MessageRow, error)

	until       time.Time
	spent, most int
	block       int

	end   *chat.Position // everything up to here was looked at
	found FoundMessages
}

// candidates gives the next places to look at, at most n and newest first, and how far nothing is left behind them; a
// place of nil is the end.
type candidates func(ctx context.Context, from *chat.Position, n int) (list []*chat.Position, to *chat.Position, err error)

// choose says by what the search goes.
func (m *messageSearch) choose(account *chat.Account) {
	m.read = m.readSeen
	settings := account.Settings.Search
	switch {
	case m.ConversationID != 0:
		m.scan(m.thread())
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
		full, err := m.look(ctx, list)
		if err != nil || full || to == nil {
			return err
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
func (m *messageSearch) look(ctx context.Context, list []*chat.Position) (full bool, err error) {
	if len(list) == 0 {
		return false, nil
	}
	rows, err := m.read(ctx, list)
	if err != nil {
		return false, err
	}
	byID := make(map[int64]int, len(rows))
	for i, row := range rows {
		byID[row.ID] = i + 1
	}
	for _, at := range list {
		i := byID[at.ID]
		if i == 0 || !m.matches(rows[i-1]) {
			continue
		}
		if len(m.found.Rows) == m.Page.Limit {
			m.found.More = true
			return true, nil
		}
		m.found.Rows, m.found.End = append(m.found.Rows, rows[i-1]), at
	}
	return false, nil
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

func (m *messageSearch) readSeen(ctx context.Context, list []*chat.Position) ([]store.MessageRow, error) {
	ids := make([]int64, len(list))
	for i, at := range list {
		ids[i] = at.ID
	}
	return m.vault.store.MessagesSeen(ctx, m.id, ids, m.Visibility, m.sealed)
}

// newest gives an account's messages as they come.
func (m *messageSearch) newest(ctx context.Context, from *chat.Position, n int) ([]*chat.Position, *chat.Position, error) {
	list, err := m.vault.store.NewestMessages(ctx, m.id, from, n)
	return list, lastOf(list, n), err
}

func (m *messageSearch) byPatterns(ctx context.Context, from *chat.Position, n int) ([]*chat.Position, *chat.Position, error) {
	list, err := m.vault.store.FindByPatterns(ctx, m.id, store.MessageCandidates{Visibility: m.Visibility, Patterns: m.query.Patterns(), From: from, Limit: n})
	return list, lastOf(list, n), err
}

// lastOf is how far candidates go: nil, the end, when there were fewer than were asked for.
func lastOf(list []*chat.Position, n int) *chat.Position {
	if len(list) < n {
		return nil
	}
	return list[len(list)-1]
}

// thread gives the messages of one conversation, whose rows come with them.
func (m *messageSearch) thread() candidates {
	var rows []store.MessageRow
	m.read = func(context.Context, []*chat.Position) ([]store.MessageRow, error) { return rows, nil }
	return func(ctx context.Context, from *chat.Position, n int) ([]*chat.Position, *chat.Position, error) {
		var err error
		page := chat.Page{Limit: n, Exact: true, Backward: true, From: from}
		rows, err = m.vault.store.ListMessages(ctx, m.id, m.ConversationID, store.MessageQuery{Page: page, Sealed: m.sealed})
		list := make([]*chat.Position, len(rows))
		for i, row := range rows {
			list[i] = store.MessagePosition(row.Message)
		}
		return list, lastOf(list, n), err
	}
}

// month counts months since the year 0.
type month int

func monthOf(t time.Time) month { return month(t.Year()*12 + int(t.Month()) - 1) }

// number is the month as yyyymm.
func (m month) number() int { return int(m)/12*100 + int(m)%12 + 1 }

// begin is where the month begins in a list that is ordered by time: every message of it lies after that.
func (m month) begin() *chat.Position {
	t := time.Date(int(m)/12, time.Month(int(m)%12+1), 1, 0, 0, 0, 0, time.UTC)
	return &chat.Position{Time: &t}
}

// maxMonths is how many months one statement asks at most.
const maxMonths = 12

// months asks for tokens from the newest month down, one month first and then ever more at a time.
type months struct {
	*messageSearch
	tokens         messageTokens
	oldest, newest month // of what is left
	group          int   // months asked at a time; 0 before the first
	asked          [][]int64
}

func (m *months) next(ctx context.Context, from *chat.Position, n int) ([]*chat.Position, *chat.Position, error) {
	if m.group == 0 {
		if any, err := m.start(ctx, from); err != nil || !any {
			return nil, nil, err
		}
	}
	last := max(m.newest-month(m.group)+1, m.oldest)
	if m.asked == nil {
		var err error
		if m.asked, err = m.tokens.asked(m.query.Words(), last, m.newest); err != nil {
			return nil, nil, err
		}
	}
	list, err := m.vault.store.FindByTokens(ctx, m.id, store.MessageCandidates{Visibility: m.Visibility, Tokens: m.asked, From: from, Limit: n})
	if err != nil || len(list) == n {
		return list, lastOf(list, n), err
	}
	if last == m.oldest {
		return list, nil, nil
	}
	m.newest, m.group, m.asked = last-1, min(2*m.group, maxMonths), nil
	return list, last.begin(), nil
}

// start says whether there is anything to ask, and which months have tokens.
func (m *months) start(ctx context.Context, from *chat.Position) (bool, error) {
	oldest, newest, err := m.vault.store.TokenSpan(ctx, m.id)
	if err != nil || newest.IsZero() {
		return false, err
	}
	m.oldest, m.newest, m.group = monthOf(oldest), monthOf(newest), 1
	if from != nil {
		at := *from.Time
		if from.ID == 0 { // where a month begins, with nothing left of it
			at = at.Add(-1)
		}
		m.newest = min(m.newest, monthOf(at))
	}
	return m.newest >= m.oldest, nil
}
