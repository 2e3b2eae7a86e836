package main

import (
	"context"

	"github.com/cloakroom/cloakroom/chat"
)

func (b *searchBench) readAccount(ctx context.Context) error {
	policy, err := b.store.ReadPolicy(ctx, searcher, []int64{b.data.accountID})
	b.account = &chat.Account{ID: b.data.accountID, Name: "Bench", Settings: policy.Settings[b.data.accountID]}
	return err
}

func (b *searchBench) index(ctx context.Context) error { return nil }

func (b *searchBench) questions(ctx context.Context) ([]*question, error) {
	return nil, nil
}

func (b *searchBench) write(ctx context.Context) error { return nil }
