package vault

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/rollout"
	"github.com/cloakroom/cloakroom/store"
)

// What else bounds a search of contacts; maxCandidates, maxScanned and Vault.SearchTime do as well.
const (
	mostCandidates   = 20_000 // that are put in order: of more the newest contacts are looked through instead
	searchReports    = 100    // values that may fail to open, and contacts without a sealed twin that are on record
	contactScanBlock = 250
)

// How many candidates are read at a time: most pages are full after the first, and maxCandidates take three statements.
var searchBlocks = []int{60, 240, 700}

// ContactsFound is a page of a search of contacts.
type ContactsFound struct {
	Contacts  []*chat.Contact
	Positions map[int64]*chat.Position // by contact
	Info      chat.PageInfo            // but for Seal
	Partial   bool                     // the search stopped before the page was full: it goes on after Info.End
}

// SearchContacts finds contacts by a part of a name, a company or an address, last activity first. A search by tokens
// reads candidates in one statement and opens them; nothing is a hit that does not hold the text in a field by which the
// viewer may find. Accounts that have no tokens get contacts with the name or the whole address first, and after these
// such as are opened one after the other.
func (v *Vault) SearchContacts(ctx context.Context, account *chat.Account, q chat.ContactSearch) (*ContactsFound, error) {
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, err
	}
	s := &contactSearch{reader: r, source: contactSource(account), Query: q, began: time.Now()}
	if err := s.ask(scansContacts(account)); err != nil {
		return nil, err
	}
	if err := s.run(ctx, scansContacts(account)); err != nil {
		return nil, fmt.Errorf("search contacts of account %d: %w", account.ID, err)
	}
	return s.page(), nil
}

// ContactSearchList names the list that a search gives pages of: a cursor of another search does not open there.
func ContactSearchList(account *chat.Account, q chat.ContactSearch) string {
	var b strings.Builder
	source := contactSource(account)
	fmt.Fprintf(&b, "%t/%t/%t/%v/", source.Sealed, source.SealedAttributes, scansContacts(account), q.Whole)
	for _, kind := range chat.Kinds {
		fmt.Fprintf(&b, "%t/", q.Parts[kind])
	}
	sum := sha256.Sum256([]byte(b.String() + q.Text.Reveal()))
	return "contacts found/" + hex.EncodeToString(sum[:])
}

func contactSource(account *chat.Account) store.ContactSource {
	return store.ContactSource{Sealed: sealedContacts(account),
		SealedAttributes: rollout.ReadFrom(account.Settings, chat.Attributes) == rollout.Sealed}
}

// scansContacts says that an account's sealed contacts have no tokens that could be relied on.
func scansContacts(account *chat.Account) bool {
	source, settings := contactSource(account), account.Settings.Search
	return (source.Sealed || source.SealedAttributes) && (settings.Mode != chat.SearchByTokens || !settings.ContactsIndexed)
}

// contactSearch is one search of contacts.
type contactSearch struct {
	*reader
	source     store.ContactSource
	candidates store.ContactCandidates
	Query      chat.ContactSearch // exported, so that fmt asks the text how it prints
	began      time.Time

	unopened int // values
	twinless int // contacts
	hits     []store.FoundContact
	last     *chat.Position // of what was looked at
	partial  bool
}

// A place in the list is that of a contact in its stage; a contact of id 0 is the stage's beginning.
const scanStage = "scan"

// run goes through the stages until the page is full, nothing is left, or enough has been looked at.
func (s *contactSearch) run(ctx context.Context, scans bool) error {
	if s.wanted() == 0 {
		return nil
	}
	from, scanning := s.Query.Page.From, false
	if from != nil {
		scanning = from.Text != nil
		if from.ID == 0 {
			from = nil
		}
	}
	if !scanning {
		done, err := s.lookAtCandidates(ctx, from)
		if err != nil || done || !scans {
			return err
		}
		from = nil
	}
	return s.lookThrough(ctx, from, s.inTheScan, s.foundBefore)
}

// wanted is how many hits fill the page: the one that a look-up has found has its place already.
func (s *contactSearch) wanted() int {
	if s.Query.Found != nil {
		return s.Query.Page.Read() - 1
	}
	return s.Query.Page.Read()
}

// lookAtCandidates opens what an index finds; done says that the list ends with them, or that the page is done.
func (s *contactSearch) lookAtCandidates(ctx context.Context, from *chat.Position) (done bool, err error) {
	for _, size := range searchBlocks {
		rows, tooMany, err := s.vault.store.SearchContacts(ctx, s.id, s.source, s.candidates, from, size, mostCandidates)
		if err != nil {
			return false, err
		}
		if tooMany { // the newest hits are near: whatever many have is found by looking
			plainly := func(p *chat.Position) *chat.Position { return p }
			return true, s.lookThrough(ctx, from, plainly, func(*store.FoundContact) bool { return false })
		}
		for i := range rows {
			if err := s.look(&rows[i], rows[i].Position); err != nil || len(s.hits) == s.wanted() {
				return true, err
			}
			if s.outOfTime(i) {
				s.partial = true
				return true, nil
			}
			from = rows[i].Position
		}
		if len(rows) < size {
			return false, nil
		}
	}
	s.partial = true
	return true, nil
}

// lookThrough opens one contact after the other; at gives a contact's place in the list.
func (s *contactSearch) lookThrough(ctx context.Context, from *chat.Position, at func(*chat.Position) *chat.Position, leave func(*store.FoundContact) bool) error {
	for range maxScanned / contactScanBlock {
		rows, err := s.vault.store.ScanContacts(ctx, s.id, s.source, s.candidates, from, contactScanBlock)
		if err != nil {
			return err
		}
		for i := range rows {
			row := &rows[i]
			from = row.Position
			if s.last = at(from); !leave(row) {
				if err := s.look(row, s.last); err != nil || len(s.hits) == s.wanted() {
					return err
				}
			}
			if s.outOfTime(i) {
				s.partial = true
				return nil
			}
		}
		if len(rows) < contactScanBlock {
			return nil
		}
	}
	s.partial = true
	return nil
}

// outOfTime is asked now and then.
func (s *contactSearch) outOfTime(i int) bool {
	return i%16 == 15 && time.Since(s.began) > s.vault.SearchTime
}

// look makes a contact a hit if it is one.
func (s *contactSearch) look(row *store.FoundContact, at *chat.Position) error {
	s.last = at
	s.attachContact(row.Contact, row.Record)
	if s.Query.Page.From != nil && s.Query.Page.From.Int != nil && *s.Query.Page.From.Int == row.ID {
		return nil // it came first
	}
	if s.Query.Found != nil && s.Query.Found.ID == row.ID {
		return nil
	}
	if s.matches(row) {
		row.Position = at
		s.hits = append(s.hits, *row)
	}
	if s.unopened > searchReports {
		return chat.ErrUnreadable
	}
	return nil
}

// inTheScan is a contact's place in the second stage.
func (s *contactSearch) inTheScan(p *chat.Position) *chat.Position {
	stage := scanStage
	return &chat.Position{ID: p.ID, Time: p.Time, Text: &stage}
}

// foundBefore says that the first stage of a search without tokens has shown a contact.
func (s *contactSearch) foundBefore(row *store.FoundContact) bool {
	s.attachContact(row.Contact, row.Record)
	return row.Named && s.matchesName(row.Contact) || slices.ContainsFunc(s.Query.Whole, func(f chat.Field) bool { return s.matchesWhole(row.Contact, f) })
}

// page makes a page of the hits.
func (s *contactSearch) page() *ContactsFound {
	first := s.Query.Found
	if first != nil {
		at := &chat.Position{Int: &first.ID}
		s.hits = slices.Insert(s.hits, 0, store.FoundContact{ContactRow: store.ContactRow{Contact: first, Position: at}})
	}
	rows, info := chat.Slice(s.hits, s.Query.Page, func(f store.FoundContact) *chat.Position { return s.place(f.Position) })
	p := &ContactsFound{Info: info, Partial: s.partial, Positions: make(map[int64]*chat.Position, len(rows))}
	for _, row := range rows {
		p.Contacts = append(p.Contacts, row.Contact)
		p.Positions[row.ID] = s.place(row.Position)
	}
	if s.partial { // also of a page without a hit: the client must be able to go on
		p.Info.End, p.Info.HasNextPage = s.place(s.last), true
	}
	return p
}

// place is a position with who came first, so that no later page shows that contact again.
func (s *contactSearch) place(at *chat.Position) *chat.Position {
	placed := *at
	switch {
	case s.Query.Found != nil:
		placed.Int = &s.Query.Found.ID
	case s.Query.Page.From != nil:
		placed.Int = s.Query.Page.From.Int
	}
	return &placed
}

// tagsOf are the blind indexes of a whole text.
func (s *contactSearch) tagsOf(text string) ([]store.LookupTag, error) {
	var tags []store.LookupTag
	for _, f := range s.Query.Whole {
		tag, err := s.account.Tag(tagFields[f], []byte(Normalise(f, text)))
		if err != nil {
			return nil, err
		}
		tags = append(tags, store.LookupTag{Field: int16(tagFields[f]), Generation: s.account.IndexGeneration(), Tag: tag})
	}
	return tags, nil
}

// tokensOf adds what every contact has whose field holds the parts.
func (s *contactSearch) tokensOf(f keyring.Field, parts []string) error {
	lists, err := contactTokens(s.account, f, parts)
	s.candidates.Tokens = append(s.candidates.Tokens, lists...)
	return err
}
