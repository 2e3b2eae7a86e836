package vault

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/keyring"
	"github.com/cloakroom/cloakroom/masking"
	"github.com/cloakroom/cloakroom/search"
	"github.com/cloakroom/cloakroom/store"
)

const (
	maxDuplicates = 50
	// perReason bounds who is looked at for one reason: a switchboard's number may be that of thousands.
	perReason        = 200
	shortestSameName = 3 // characters: initials are no reason
)

// duplicateReasons are all reasons, the most telling first.
var duplicateReasons = []chat.DuplicateReason{chat.SameEmail, chat.SamePhone, chat.SameIdentifier, chat.SimilarEmail, chat.SamePhoneEnding, chat.SameName}

// sameValues are the reasons by a whole address.
var sameValues = map[chat.DuplicateReason]chat.Field{chat.SameEmail: chat.FieldEmail, chat.SamePhone: chat.FieldPhone, chat.SameIdentifier: chat.FieldIdentifier}

// Duplicates finds contacts that may be the same customer as one, the most telling reasons first, at most 50. Which value
// it is that two contacts share is in no answer; that a part is the same is told of kinds that the viewer sees alone.
// chat.ErrNotFound when the account has no such contact.
//
// Candidates of whole values and of names come from indexes that every account has. Those of parts come from tokens; an
// account without has them among the contacts of last activity.
func (v *Vault) Duplicates(ctx context.Context, account *chat.Account, contactID int64, sees map[chat.Kind]bool) ([]*chat.DuplicateCandidate, error) {
	r, err := v.reader(ctx, account)
	if err != nil {
		return nil, err
	}
	d := &duplicates{reader: r, source: contactSource(account), sees: sees, scans: scansContacts(account)}
	own, err := d.read(ctx, []int64{contactID})
	if err != nil {
		return nil, err
	}
	if len(own) == 0 {
		return nil, chat.ErrNotFound
	}
	if d.Own, err = d.facts(own[0].Contact); err != nil {
		return nil, err
	}
	rows, err := d.candidates(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for duplicates of contact %d of account %d: %w", contactID, account.ID, err)
	}
	return d.verified(rows), nil
}

// duplicates is one search for the doubles of a contact.
type duplicates struct {
	*reader
	source store.ContactSource
	sees   map[chat.Kind]bool
	scans  bool
	Own    contactFacts           // exported, so that fmt asks the values how they print
	tagged map[int64][]chat.Field // which tags say that a contact has the same value
}

// contactFacts is what contacts are compared by.
type contactFacts struct {
	ID      int64
	Whole   map[chat.Field]chat.PII // as they are compared
	Similar chat.PII                // "" of none
	Ending  chat.PII
	Name    chat.PII
}

// facts opens what a contact is compared by: an address that does not open is an error.
func (d *duplicates) facts(c *chat.Contact) (contactFacts, error) {
	f := contactFacts{ID: c.ID, Whole: make(map[chat.Field]chat.PII)}
	for _, field := range addressFields {
		p, err := c.Values.Get(field)
		if err != nil {
			return f, err
		}
		if p == nil || strings.TrimSpace(p.Reveal()) == "" {
			continue
		}
		f.Whole[field] = chat.PII(Normalise(field, p.Reveal()))
		switch {
		case field == chat.FieldEmail && d.sees[chat.Email]:
			f.Similar = chat.PII(search.SimilarEmail(p.Reveal()))
		case field == chat.FieldPhone && d.sees[chat.Phone]:
			f.Ending = chat.PII(search.PhoneEnding(p.Reveal()))
		}
	}
	if utf8.RuneCountInString(c.ListedName) >= shortestSameName && masking.NameIsListed(c) {
		f.Name = chat.PII(strings.ToLower(c.ListedName))
	}
	return f, nil
}

// candidates reads whoever may share something with the contact.
func (d *duplicates) candidates(ctx context.Context) ([]store.FoundContact, error) {
	q := store.DuplicateQuery{ContactID: d.Own.ID, Most: perReason}
	if d.Own.Name != "" {
		q.Name = store.LikeExactly(d.Own.Name.Reveal())
	}
	var scanned []store.FoundContact
	var err error
	if d.source.Sealed {
		if scanned, err = d.askSealed(ctx, &q); err != nil {
			return nil, err
		}
	} else {
		d.askPlain(&q)
	}
	pairs, err := d.vault.store.DuplicatesOf(ctx, d.id, q)
	if err != nil {
		return nil, err
	}
	d.tagged = make(map[int64][]chat.Field)
	var ids []int64
	for _, p := range pairs {
		ids = append(ids, p.ContactID)
		for f, number := range tagFields {
			if p.Field == int16(number) {
				d.tagged[p.ContactID] = append(d.tagged[p.ContactID], f)
			}
		}
	}
	for _, row := range scanned {
		ids = append(ids, row.ID)
	}
	slices.Sort(ids)
	return d.read(ctx, slices.Compact(ids))
}

// askSealed asks for equal tags and for tokens. Where there are none, the newest contacts are looked through.
func (d *duplicates) askSealed(ctx context.Context, q *store.DuplicateQuery) (scanned []store.FoundContact, err error) {
	q.Generation, q.Sealed = d.account.IndexGeneration(), true
	if d.scans {
		return d.lookThrough(ctx)
	}
	for _, p := range []struct {
		Field keyring.Field
		Part  chat.PII // exported, so that fmt asks it how it prints
	}{{keyring.FieldEmail, d.Own.Similar}, {keyring.FieldPhoneNumber, d.Own.Ending}} {
		if p.Part == "" {
			continue
		}
		lists, err := contactTokens(d.account, p.Field, []string{p.Part.Reveal()})
		if err != nil {
			return nil, err
		}
		q.Tokens = append(q.Tokens, lists...)
	}
	return nil, nil
}

// askPlain asks Chatwoot's own columns.
func (d *duplicates) askPlain(q *store.DuplicateQuery) {
	q.Email, q.Phone, q.Identifier = d.Own.Whole[chat.FieldEmail].Reveal(), d.Own.Whole[chat.FieldPhone].Reveal(), d.Own.Whole[chat.FieldIdentifier].Reveal()
	if d.Own.Similar != "" {
		q.LocalPart, q.Domain = search.SimilarParts(d.Own.Similar.Reveal())
	}
	if d.Own.Ending != "" {
		q.Ending = search.EndingDigits(d.Own.Ending.Reveal())
	}
}

// lookThrough opens the contacts of last activity, as far as a search does, and keeps those that share a part.
func (d *duplicates) lookThrough(ctx context.Context) (list []store.FoundContact, err error) {
	if d.Own.Similar == "" && d.Own.Ending == "" {
		return nil, nil
	}
	began := time.Now()
	var from *chat.Position
	for range maxScanned / contactScanBlock {
		rows, err := d.vault.store.ScanContacts(ctx, d.id, d.source, store.ContactCandidates{}, from, contactScanBlock)
		if err != nil {
			return nil, err
		}
		for i := range rows {
			from = rows[i].Position
			d.attachContact(rows[i].Contact, rows[i].Record)
			other, err := d.facts(rows[i].Contact)
			if rows[i].Record != nil && err == nil && other.ID != d.Own.ID && (same(other.Similar, d.Own.Similar) || same(other.Ending, d.Own.Ending)) {
				list = append(list, rows[i])
			}
		}
		if len(rows) < contactScanBlock || time.Since(began) > d.vault.SearchTime {
			return list, nil
		}
	}
	return list, nil
}

func (d *duplicates) read(ctx context.Context, ids []int64) ([]store.FoundContact, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	rows, err := d.vault.store.ContactsFound(ctx, d.id, d.source, ids)
	for i := range rows {
		d.attachContact(rows[i].Contact, rows[i].Record)
	}
	return rows, err
}

// verified compares candidates with the contact: an index is believed nothing. A tag that says what is not so is on record.
func (d *duplicates) verified(rows []store.FoundContact) []*chat.DuplicateCandidate {
	var list []*chat.DuplicateCandidate
	for _, row := range rows {
		other, err := d.facts(row.Contact)
		if err != nil || other.ID == d.Own.ID {
			continue // what does not open is on record, and no reason
		}
		for _, f := range d.tagged[row.ID] {
			if !same(other.Whole[f], d.Own.Whole[f]) {
				_ = d.vault.unreadable(d.ctx, d.id, contactKey(row.Contact), f, errTag) // the others are answered all the same
			}
		}
		if reasons := d.reasons(other); len(reasons) > 0 {
			list = append(list, &chat.DuplicateCandidate{Contact: row.Contact, Reasons: reasons})
		}
	}
	slices.SortStableFunc(list, func(a, b *chat.DuplicateCandidate) int { return compareReasons(a.Reasons, b.Reasons) })
	return list[:min(len(list), maxDuplicates)]
}

// reasons are why another contact may be the same. A similar address is no reason beside an equal one.
func (d *duplicates) reasons(other contactFacts) (list []chat.DuplicateReason) {
	for _, reason := range duplicateReasons {
		var holds bool
		switch f, whole := sameValues[reason]; {
		case whole:
			holds = same(other.Whole[f], d.Own.Whole[f])
		case reason == chat.SimilarEmail:
			holds = same(other.Similar, d.Own.Similar) && !slices.Contains(list, chat.SameEmail)
		case reason == chat.SamePhoneEnding:
			holds = same(other.Ending, d.Own.Ending) && !slices.Contains(list, chat.SamePhone)
		case reason == chat.SameName:
			holds = same(other.Name, d.Own.Name)
		}
		if holds {
			list = append(list, reason)
		}
	}
	return list
}

func same(a, b chat.PII) bool { return a != "" && a == b }

// compareReasons puts the most telling first, and of two lists that begin alike the longer one.
func compareReasons(a, b []chat.DuplicateReason) int {
	for i := range min(len(a), len(b)) {
		if order := cmp.Compare(slices.Index(duplicateReasons, a[i]), slices.Index(duplicateReasons, b[i])); order != 0 {
			return order
		}
	}
	return cmp.Compare(len(b), len(a))
}
