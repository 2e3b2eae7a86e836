package chat

import (
	"errors"
	"fmt"
)

// Code classes an error for clients; it is what extensions.code shows.
type Code string

// The codes of the contract. Any other error is INTERNAL: logged once, shown as one fixed sentence.
const (
	NotFound          Code = "NOT_FOUND"
	Invalid           Code = "INVALID"
	Forbidden         Code = "FORBIDDEN"
	Unauthenticated   Code = "UNAUTHENTICATED"
	Conflict          Code = "CONFLICT"
	SealedUnreadable  Code = "SEALED_UNREADABLE"
	Limited           Code = "LIMITED"
	PIIFilterRejected Code = "PII_FILTER_FORBIDDEN"
	Expired           Code = "EXPIRED"
	Revoked           Code = "REVOKED"
	Internal          Code = "INTERNAL"
)

// Error is the one error a client sees. Message is written for a person and never holds a value that was
// sent or stored; Field names the argument at fault, in the schema's spelling, or is empty.
type Error struct {
	Code    Code
	Message string
	Field   string
}

func (e *Error) Error() string {
	if e.Field != "" {
		return fmt.Sprintf("%s: %s: %s", e.Code, e.Field, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Code, e.Message)
}

// Errorf makes an Error without a field.
func Errorf(code Code, format string, args ...any) *Error {
	return &Error{Code: code, Message: fmt.Sprintf(format, args...)}
}

// InvalidField makes an INVALID error that names the argument at fault.
func InvalidField(field, format string, args ...any) *Error {
	return &Error{Code: Invalid, Field: field, Message: fmt.Sprintf(format, args...)}
}

// CodeOf gives the code of err, INTERNAL when it carries none.
func CodeOf(err error) Code {
	var e *Error
	if errors.As(err, &e) {
		return e.Code
	}
	return Internal
}

// ErrNotFound is a look-up that missed, for callers that branch on it.
var ErrNotFound = &Error{Code: NotFound, Message: "there is no such record, or you may not see it"}

// ErrDuplicate is one answer for every value that must be unique and is taken: it names neither the value nor whose
// it is.
var ErrDuplicate = &Error{Code: Conflict, Message: "there is one like this already"}

// ErrUnauthenticated is one answer for every bad credential, so that none can be told from another.
var ErrUnauthenticated = &Error{Code: Unauthenticated, Message: "sign in, or present a valid token"}

// ErrUnreadable is a sealed value that did not open: wrong key, or changed since it was sealed.
var ErrUnreadable = &Error{Code: SealedUnreadable, Message: "a sealed value could not be opened"}
