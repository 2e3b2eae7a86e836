package directives

import (
	"context"
	"errors"
	"sync"

	"github.com/cloakroom/cloakroom/auth"
	"github.com/cloakroom/cloakroom/chat"
)

// Shown gathers what the gates let through to a service in one answer, so that it can be put on record before the answer
// leaves. It holds whose values these were and of which kind. A nil Shown is that of a user, who sees by right: it gathers
// nothing.
type Shown struct {
	mu       sync.Mutex
	readings map[chat.Reading]bool
}

type shownKey struct{}

// WithShown begins an answer.
func WithShown(ctx context.Context) (context.Context, *Shown) {
	s := &Shown{readings: make(map[chat.Reading]bool)}
	return context.WithValue(ctx, shownKey{}, s), s
}

// errUnnoted is a gate that would show a service what nobody would put on record.
var errUnnoted = errors.New("a service asks for a personal value where nothing notes that it was shown")

// ShownTo gives what notes for the viewer of a context; nil for a user. It is an error where nothing notes for a service.
func ShownTo(ctx context.Context) (*Shown, error) {
	if auth.Viewer(ctx).Service == nil {
		return nil, nil
	}
	s, ok := ctx.Value(shownKey{}).(*Shown)
	if !ok {
		return nil, errUnnoted
	}
	return s, nil
}

// Note says that a value of a row was shown.
func (s *Shown) Note(row Owned, kind chat.Kind) {
	if s == nil {
		return
	}
	reading := chat.Reading{AccountID: row.Owner(), Of: row.Whose(), Kind: kind}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.readings[reading] = true
}

// Readings lists what was shown, each once, in no order.
func (s *Shown) Readings() []chat.Reading {
	s.mu.Lock()
	defer s.mu.Unlock()
	list := make([]chat.Reading, 0, len(s.readings))
	for r := range s.readings {
		list = append(list, r)
	}
	return list
}

// isValue tells a value from its absence, of the types behind @pii.
func isValue(value any) bool {
	switch v := value.(type) {
	case nil:
		return false
	case *chat.PII:
		return v != nil
	case []chat.PII:
		return len(v) > 0
	case *chat.Value:
		return v != nil
	}
	return true
}
