package vault

import (
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/redis/go-redis/v9"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/store"
)

// verifyErasure is the plan of chat.VerifyErasure.
var verifyErasure = []step{{name: "verify", batch: verifyBatch}}

func verifyBatch(ctx context.Context, b *batch) (outcome, error) {
	if wait := time.Until(b.job.Arguments.NotBefore); wait > 0 {
		return outcome{wait: wait, waitingFor: "answers and keys in memory of before the erasure"}, nil
	}
	e, err := b.verifyIn(ctx, b.tx, b.job.AccountID, b.job.Arguments.ContactID, &b.after)
	if err != nil {
		return outcome{}, err
	}
	if e.Proven() {
		return over(1), nil
	}
	// It was mended once already: a person has to look at it.
	b.job.State = chat.JobFailed
	left := strings.Join(whereLeft(e.Leftovers), ", ")
	b.log.ErrorContext(ctx, "an erased contact is not gone", "account", e.AccountID, "contact", e.ContactID, "left", left)
	return outcome{rows: 1, waitingFor: "somebody to look at what is left: " + left}, nil
}

// VerifyErasure proves that an erased contact is gone: no key of it exists, no row holds a value of it, no blind index
// leads to it, Redis has no record of it under any epoch. What is left is mended once and counted anew; the findings are
// in the ledger and on record. chat.ErrNotFound when the contact was not erased.
func (v *Vault) VerifyErasure(ctx context.Context, accountID, contactID int64) (e *chat.Erasure, err error) {
	var after []func(context.Context)
	err = v.store.InTx(ctx, func(tx *store.Store) error {
		e, err = v.verifyIn(ctx, tx, accountID, contactID, &after)
		return err
	})
	if err != nil {
		return nil, err
	}
	for _, fn := range after {
		fn(ctx)
	}
	return e, nil
}

func (v *Vault) verifyIn(ctx context.Context, tx *store.Store, accountID, contactID int64, after *[]func(context.Context)) (*chat.Erasure, error) {
	if _, err := tx.FindErasure(ctx, accountID, contactID); err != nil {
		return nil, err
	}
	first, scope, err := v.remains(ctx, tx, accountID, contactID)
	if err != nil {
		return nil, err
	}
	left := first
	if len(first) > 0 {
		mend := &erasing{Vault: v, by: ActorFrom(ctx), details: map[string]any{"mended": first}, mending: true}
		if err := mend.run(ctx, tx, accountID, contactID); err != nil {
			return nil, err
		}
		*after = append(*after, mend.settle)
		if left, scope, err = v.remains(ctx, tx, accountID, contactID); err != nil {
			return nil, err
		}
	}
	dropped, cached, err := v.cache.clear(ctx, accountID, belongsTo(scope))
	if err != nil {
		return nil, fmt.Errorf("look for an erased contact in Redis: %w", err)
	}
	if cached > 0 {
		left["redis"] = cached
	}
	e, err := tx.SaveVerification(ctx, accountID, contactID, left)
	if err != nil {
		return nil, err
	}
	return e, v.write(ctx, tx, chat.AuditEntry{AccountID: accountID, Actor: ActorFrom(ctx), Action: chat.ErasureVerified, EntityType: "contact",
		EntityID: chat.FormatID(contactID), Details: map[string]any{"erasure": chat.FormatID(e.ID), "mended": first, "dropped": dropped, "left": left}})
}

func (v *Vault) remains(ctx context.Context, tx *store.Store, accountID, contactID int64) (map[string]int64, *store.Erasing, error) {
	scope, err := tx.LockErasing(ctx, accountID, contactID)
	if err != nil {
		return nil, nil, err
	}
	keys, err := v.keys.Account(ctx, accountID)
	if err != nil {
		return nil, nil, err
	}
	if scope.Alias, err = keys.Alias(contactID); err != nil {
		return nil, nil, err
	}
	found, err := tx.CountRemains(ctx, scope)
	return found, scope, err
}

// belongsTo tells a cached record of an erased contact's that still holds something.
func belongsTo(scope *store.Erasing) func(*chat.Record) bool {
	keys, conversations := make(map[int64]bool), make(map[int64]bool)
	for _, id := range scope.SubjectKeys {
		keys[id] = true
	}
	for _, id := range scope.Conversations {
		conversations[id] = true
	}
	return func(r *chat.Record) bool {
		holds := len(r.KeySealed) > 0
		for _, column := range r.Columns {
			holds = holds || column != nil
		}
		return holds && (keys[r.SubjectKeyID] || r.ContactID == scope.ContactID ||
			r.Kind == chat.MessageRecord && conversations[r.Parent] || r.Kind == chat.ConversationRecord && conversations[r.ID])
	}
}

// scanned is how many keys Redis looks at in one trip.
const scanned = 1000

// clear deletes an account's records of which gone is true, under whatever epoch they were kept, and looks whether any
// is left after.
func (c *cache) clear(ctx context.Context, accountID int64, gone func(*chat.Record) bool) (dropped, left int64, err error) {
	c.fills.Wait() // those of this process were read before
	if dropped, err = c.sweep(ctx, accountID, gone); err != nil || dropped == 0 {
		return dropped, 0, err
	}
	left, err = c.sweep(ctx, accountID, gone)
	return dropped, left, err
}

// sweep goes through the keys of every node that holds any.
func (c *cache) sweep(ctx context.Context, accountID int64, gone func(*chat.Record) bool) (dropped int64, err error) {
	if cluster, ok := c.redis.(*redis.ClusterClient); ok {
		err = cluster.ForEachMaster(ctx, func(ctx context.Context, node *redis.Client) error {
			n, err := c.sweepNode(ctx, node, accountID, gone)
			dropped += n // an account's records lie on one node, so that only one adds anything
			return err
		})
		return dropped, err
	}
	return c.sweepNode(ctx, c.redis, accountID, gone)
}

func (c *cache) sweepNode(ctx context.Context, node redis.Cmdable, accountID int64, gone func(*chat.Record) bool) (dropped int64, err error) {
	prefix := "cloakroom:{" + strconv.FormatInt(accountID, 10) + "}:"
	for cursor := uint64(0); ; {
		var names []string
		if names, cursor, err = node.Scan(ctx, cursor, prefix+"*", scanned).Result(); err != nil {
			return dropped, err
		}
		n, err := c.deleteGone(ctx, node, prefix, names, gone)
		if dropped += n; err != nil || cursor == 0 {
			return dropped, err
		}
	}
}

func (c *cache) deleteGone(ctx context.Context, node redis.Cmdable, prefix string, names []string, gone func(*chat.Record) bool) (int64, error) {
	if len(names) == 0 {
		return 0, nil
	}
	values, err := node.MGet(ctx, names...).Result()
	if err != nil {
		return 0, err
	}
	var doomed []string
	for i, value := range values {
		key, ok := parseCacheKey(strings.TrimPrefix(names[i], prefix))
		text, held := value.(string)
		if !ok || !held || text == "" {
			continue
		}
		if record, err := decodeRecord(key, text); err == nil && gone(record) {
			doomed = append(doomed, names[i])
		}
	}
	if len(doomed) == 0 {
		return 0, nil
	}
	return node.Del(ctx, doomed...).Result()
}

// parseCacheKey reads what follows the account in a record's name: epoch, kind, parent and id.
func parseCacheKey(text string) (k chat.RecordKey, ok bool) {
	parts := strings.Split(text, ":")
	if len(parts) != 4 {
		return k, false
	}
	var numbers [4]int64
	for i, part := range parts {
		n, err := strconv.ParseInt(part, 10, 64)
		if err != nil {
			return k, false
		}
		numbers[i] = n
	}
	return chat.RecordKey{Kind: chat.RecordKind(numbers[1]), Parent: numbers[2], ID: numbers[3]}, true
}
