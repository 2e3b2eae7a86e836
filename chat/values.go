package chat

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
)

// Field names one personal column of a row, in whichever table the row lies.
type Field uint8

// The fields that are sealed. One row has at most sixteen, so that presence fits a bit set.
const (
	FieldEmail Field = iota
	FieldPhone
	FieldIdentifier
	FieldName
	FieldProfile          // contacts.additional_attributes, a JSON object
	FieldCustomAttributes // a JSON object
	FieldSourceID
	FieldContent
	FieldContentAttributes    // messages.content_attributes, a JSON object, unwrapped
	FieldAdditionalAttributes // conversations.additional_attributes, a JSON object
	FieldTitle
	FieldMeta     // attachments.meta, a JSON object
	FieldFileName // of an attachment, as it was uploaded
)

// Fields is a set of Field.
type Fields uint16

// With adds f.
func (s Fields) With(f Field) Fields { return s | 1<<f }

// Has tells whether f is in the set.
func (s Fields) Has(f Field) bool { return s&(1<<f) != 0 }

// Values gives the personal values of one row, each opened only where it is shown. vault makes it, from
// sealed or from plain columns; the rest of the program cannot tell which.
type Values struct {
	Present Fields                   // fields that have a value, known without opening one
	Open    func(Field) (PII, error) // the value of a present field
}

var errNotLoaded = errors.New("a row's personal values were not loaded before they were asked for")

// Get opens a field: nil when it has no value. The error of a value that does not open wraps ErrUnreadable.
func (v *Values) Get(f Field) (*PII, error) {
	if v.Open == nil {
		return nil, errNotLoaded
	}
	if !v.Present.Has(f) {
		return nil, nil
	}
	p, err := v.Open(f)
	if err != nil {
		return nil, err
	}
	return &p, nil
}

// Text is Get for free text, which is history and not PII in the sense of masking.
func (v *Values) Text(f Field) (*string, error) {
	p, err := v.Get(f)
	if p == nil || err != nil {
		return nil, err
	}
	s := p.Reveal()
	return &s, nil
}

// Object opens a field that holds a JSON object; an absent one is an empty object.
func (v *Values) Object(f Field) (map[string]json.RawMessage, error) {
	p, err := v.Get(f)
	if p == nil || err != nil {
		return nil, err
	}
	var object map[string]json.RawMessage
	if err := json.Unmarshal([]byte(p.Reveal()), &object); err != nil {
		return nil, fmt.Errorf("read a JSON object: %w", ErrUnreadable)
	}
	return object, nil
}

// CustomAttribute is one key of a contact's or conversation's attributes. Its value is PII unless its
// definition says otherwise.
type CustomAttribute struct {
	AccountID int64
	Of        Whose
	Model     AttributeModel // "" for what is no custom attribute, such as a social profile: that is always personal
	Key       string
	Value     *Value
}

// Owner is the account the value belongs to.
func (a *CustomAttribute) Owner() int64 { return a.AccountID }

// attributesOf lists an object's members by key; a JSON null is an absent value. model is "" for what is no custom attribute.
func attributesOf(accountID int64, of Whose, model AttributeModel, object map[string]json.RawMessage) []*CustomAttribute {
	list := make([]*CustomAttribute, 0, len(object))
	for key, raw := range object {
		a := &CustomAttribute{AccountID: accountID, Of: of, Model: model, Key: key}
		if string(raw) != "null" {
			v := NewValue(raw)
			a.Value = &v
		}
		list = append(list, a)
	}
	slices.SortFunc(list, func(a, b *CustomAttribute) int { return strings.Compare(a.Key, b.Key) })
	return list
}
