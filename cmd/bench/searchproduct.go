package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
	"github.com/cloakroom/cloakroom/vault"
)

// operator is who decides about the account: a super admin.
var operator = &chat.Viewer{User: &chat.User{ID: searcher}, SuperAdmin: true}

func (b *searchBench) readAccount(ctx context.Context) error {
	policy, err := b.store.ReadPolicy(ctx, searcher, []int64{b.data.accountID, b.data.smallID()})
	if err != nil {
		return err
	}
	b.account = &chat.Account{ID: b.data.accountID, Name: "Bench", Settings: policy.Settings[b.data.accountID]}
	b.small = &chat.Account{ID: b.data.smallID(), Name: "Small", Settings: policy.Settings[b.data.smallID()]}
	return nil
}

// index has tokens, tags and labels made as an operator would: by settings and the jobs that follow them.
func (b *searchBench) index(ctx context.Context) error {
	if _, err := b.vault.SetSearchMode(ctx, chat.ActorOf(operator), b.data.accountID, chat.SearchByTokens, "measurement"); err != nil {
		return err
	}
	if err := b.work(ctx, chat.IndexSearch); err != nil {
		return err
	}
	if _, err := b.vault.SetAttributePolicy(ctx, vault.AttributeDecision{AccountID: b.data.accountID, Model: chat.ContactAttributes,
		Key: segmentKey, Personal: true, Searchable: true, Reason: "measurement"}); err != nil {
		return err
	}
	if err := b.work(ctx, chat.IndexSearch); err != nil {
		return err
	}
	if err := b.order(ctx, true); err != nil {
		return err
	}
	return b.work(ctx, chat.BuildOrder)
}

// order has the database keep contacts in order by e-mail address, or not.
func (b *searchBench) order(ctx context.Context, labels bool) error {
	_, err := b.vault.SetContactOrdering(ctx, vault.OrderingChange{AccountID: b.data.accountID, Field: chat.ContactsByEmail, Labels: labels, Reason: "measurement"})
	return err
}

// work does an open job of the account to its end and tells the speed of its steps.
func (b *searchBench) work(ctx context.Context, kind chat.JobKind) error {
	job, err := b.store.FindOpenJob(ctx, kind, b.data.accountID, 0)
	if err != nil {
		return fmt.Errorf("find the job %s: %w", kind, err)
	}
	ended := make(chan error, 1)
	var steps []*stepTime
	err = step("job "+string(kind), func() error {
		go func() { ended <- b.finish(ctx, job.ID) }()
		steps, err = follow(ctx, b.db, string(kind), ended)
		return err
	})
	for _, s := range steps {
		if s.rows > 0 {
			b.speeds = append(b.speeds, speed{"job " + string(kind) + ", " + s.name, s.rows, s.last.Sub(s.began)})
		}
	}
	return err
}

func (b *searchBench) finish(ctx context.Context, jobID int64) error {
	for {
		again, done, err := b.vault.WorkJob(ctx, jobID, time.Minute)
		if err != nil || done {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(again):
		}
	}
}

// searchPage is how many messages a page of a search has, and how many contacts.
const searchPage = 15

// searchMessages finds messages and gives what a page shows of them: who looks has opened every hit to compare it.
func (b *searchBench) searchMessages(ctx context.Context, text string) (found, error) {
	page, err := b.vault.SearchMessages(ctx, b.account, chat.MessageSearch{Text: text, Page: chat.Page{Limit: searchPage},
		Visibility: chat.Visibility{Reach: chat.ReachInboxes, UserID: searcher}})
	return found{idsOf(page.Rows, func(r store.MessageRow) int64 { return r.ID }), page.Partial}, err
}

// searchContacts finds contacts by a part of anything, for a viewer who sees it all.
func (b *searchBench) searchContacts(ctx context.Context, text string) (found, error) {
	parts := make(map[chat.Kind]bool)
	for _, kind := range chat.Kinds {
		parts[kind] = true
	}
	page, err := b.vault.SearchContacts(ctx, b.account, chat.ContactSearch{Text: chat.PII(text), Parts: parts, Page: chat.Page{Limit: searchPage}})
	if err != nil {
		return found{}, err
	}
	return found{idsOf(page.Contacts, contactID), page.Partial}, showContacts(page.Contacts)
}

func contactID(c *chat.Contact) int64 { return c.ID }

// showContacts opens what a list shows of contacts.
func showContacts(contacts []*chat.Contact) error {
	var errs []error
	for _, c := range contacts {
		_, name := c.FullName()
		_, email := c.Email()
		_, phone := c.PhoneNumber()
		_, identifier := c.Identifier()
		errs = append(errs, name, email, phone, identifier)
	}
	return errors.Join(errs...)
}

// questions are what both are asked, drawn the same way every time.
func (b *searchBench) questions(ctx context.Context) ([]*question, error) {
	words, parts := newWordQueries(b.data, b.often), newPartQueries(b.data)
	var list []*question
	for _, q := range []struct {
		title string
		n     int
		draw  func() []int32
		query string // the twin's
		goals goals
	}{
		{"2 words of one message", 400, words.together(2), "plainto_tsquery", goals{25 * time.Millisecond, 3, 0.95}},
		{"3 words of one message", 200, words.together(3), "plainto_tsquery", goals{}},
		{"1 frequent word", 200, words.one(5_000, 1_000_000), "plainto_tsquery", goals{}},
		{"1 rare word", 200, words.one(1, 20), "plainto_tsquery", goals{}},
		{"a phrase of 2 words", 200, words.phrase, "phraseto_tsquery", goals{}},
		{"2 words that no message holds together", 100, words.apart, "plainto_tsquery", goals{}},
	} {
		list = append(list, b.messageQuestion(q.title, words.list(q.n, q.draw), q.query, q.goals))
	}
	for _, q := range []struct {
		title string
		draw  func(customer) string
	}{
		{"5 to 8 characters of an e-mail", parts.inMail}, {"6 or 7 last digits of a phone", parts.ending},
		{"5 to 8 characters of a name", parts.inName}, {"5 to 8 characters of a company", parts.inCompany},
	} {
		list = append(list, b.contactQuestion(q.title, parts.list(150, q.draw)))
	}
	pages, err := b.pageQuestions(ctx)
	return append(list, pages...), err
}

func (b *searchBench) messageQuestion(title string, texts []string, query string, g goals) *question {
	typed := func(i int) string { return texts[i] }
	if query == "phraseto_tsquery" {
		typed = func(i int) string { return `"` + texts[i] + `"` }
	}
	return &question{group: "messages", title: title, n: len(texts), goals: g, ways: messageWays(query),
		sealed: func(ctx context.Context, i int) (found, error) { return b.searchMessages(ctx, typed(i)) },
		twin: func(ctx context.Context, w way, i int) ([]int64, error) {
			return cut(searchPage)(b.twin.messages(ctx, w, b.data.accountID, int64(searcher), texts[i], searchPage+1))
		}}
}

func (b *searchBench) contactQuestion(title string, texts []string) *question {
	return &question{group: "contacts", title: title, n: len(texts), ways: partWays,
		sealed: func(ctx context.Context, i int) (found, error) { return b.searchContacts(ctx, texts[i]) },
		twin: func(ctx context.Context, w way, i int) ([]int64, error) {
			return cut(searchPage)(b.twin.contacts(ctx, w, b.data.accountID, "%"+texts[i]+"%", searchPage+1))
		}}
}
