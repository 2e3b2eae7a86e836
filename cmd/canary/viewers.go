package main

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"

	"github.com/cloakroom/cloakroom/chat"
	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

// viewer is somebody who asks.
type viewer struct {
	name               string
	user               int64        // 0 for a service
	scopes             []chat.Scope // of a service
	shown              bool         // values are shown to them, as long as the policy can be read
	header, credential string
}

// cast are the viewers. Everybody who is not shown values is masked in some way of their own.
var cast = []viewer{
	{name: "masked-agent", user: schema.Max},
	{name: "undecided-agent", user: schema.Ivy},    // no setting: masked by default
	{name: "custom-role-agent", user: schema.Noor}, // own and unassigned conversations
	{name: "agent-without-inbox", user: schema.Zoe},
	{name: "masked-administrator", user: schema.Ada},
	{name: "masked-super-admin", user: schema.Root},
	{name: "agent-of-unsealed-account", user: schema.Bob},
	{name: "service-without-pii", scopes: without(chat.ScopePIIEmail, chat.ScopePIIPhone, chat.ScopePIIIdentifier, chat.ScopePIIAttributes, chat.ScopeChannelAddress)},
	{name: "lookup-service", scopes: []chat.Scope{chat.ScopeContactLookup}},
	{name: "exempt-agent", user: schema.Eve, shown: true},
	{name: "full-service", scopes: chat.Scopes, shown: true},
}

func without(taken ...chat.Scope) []chat.Scope {
	return slices.DeleteFunc(slices.Clone(chat.Scopes), func(s chat.Scope) bool { return slices.Contains(taken, s) })
}

func checkViewers(names []string) error {
	for _, name := range names {
		if !slices.ContainsFunc(cast, func(v viewer) bool { return v.name == name && !v.shown }) {
			var known []string
			for _, v := range cast {
				if !v.shown {
					known = append(known, v.name)
				}
			}
			return fmt.Errorf("there is no masked viewer %q; viewers: %s", name, strings.Join(known, ", "))
		}
	}
	return nil
}

// castViewers gives every viewer a credential: users their Chatwoot access tokens, services new tokens.
func (i *installation) castViewers(ctx context.Context, l *ledger, program string) ([]viewer, error) {
	tokens, err := i.accessTokens(ctx)
	if err != nil {
		return nil, err
	}
	viewers := slices.Clone(cast)
	for n := range viewers {
		v := &viewers[n]
		if v.user != 0 {
			v.header, v.credential = "api_access_token", tokens[v.user]
			continue
		}
		args := []string{"token", "create", "--env=test", "--name=" + v.name, "--account=1", "--account=2"}
		for _, s := range v.scopes {
			args = append(args, "--scope="+string(s))
		}
		printed, err := i.command(ctx, l, program, args...)
		if err != nil {
			return nil, err
		}
		token, _, _ := strings.Cut(printed, "\n")
		v.header, v.credential = "Authorization", "Bearer "+token
		i.tokens = append(i.tokens, token)
	}
	return viewers, nil
}

func (i *installation) accessTokens(ctx context.Context) (map[int64]string, error) {
	conn, err := pgx.Connect(ctx, i.databaseURL)
	if err != nil {
		return nil, fmt.Errorf("connect to PostgreSQL: %w", err)
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT owner_id::int8, token FROM access_tokens WHERE owner_type = 'User'`)
	if err != nil {
		return nil, fmt.Errorf("read the users' access tokens: %w", err)
	}
	type token struct {
		Owner int64
		Token string
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[token])
	if err != nil {
		return nil, fmt.Errorf("read the users' access tokens: %w", err)
	}
	tokens := make(map[int64]string, len(list))
	for _, t := range list {
		tokens[t.Owner] = t.Token
	}
	return tokens, nil
}
