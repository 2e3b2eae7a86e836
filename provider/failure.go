package provider

import (
	"fmt"
	"time"
)

// Reason is why a provider gave nothing.
type Reason string

// The reasons.
const (
	Unreachable  Reason = "UNREACHABLE"   // the network, or no answer in time
	Limited      Reason = "LIMITED"       // 429: too many requests
	Broken       Reason = "BROKEN"        // 5xx, or an answer that is none
	InvalidGrant Reason = "INVALID_GRANT" // the refresh token is not taken, and will not be
	Refused      Reason = "REFUSED"       // the operator's configuration: the client is unknown or may not, or asks wrongly
)

// Failure is why a provider gave nothing. Its text is ours alone.
type Failure struct {
	Reason     Reason
	Status     int           // of the answer; 0 when there was none
	RetryAfter time.Duration // as the provider asks; 0 when it does not
	Sent       bool          // the provider may have seen the token, and so may have rotated it

	why string // of our own failures
}

// Error says what happened in words of ours.
func (f *Failure) Error() string {
	text := "the provider "
	switch f.Reason {
	case Unreachable:
		text += "cannot be reached"
	case Limited:
		text += "takes no more requests for now"
	case InvalidGrant:
		text += "does not take the refresh token"
	case Refused:
		text += "refuses the client's request"
	default:
		text += "answers with what is no grant"
	}
	if f.Status != 0 {
		text += fmt.Sprintf(" (status %d)", f.Status)
	}
	if f.why != "" {
		text += ": " + f.why
	}
	return text
}

// codes are what providers' error codes mean: those of RFC 6749, 5.2, and those that several add.
var codes = map[string]Reason{
	"invalid_grant":           InvalidGrant,
	"temporarily_unavailable": Broken,
	"server_error":            Broken,
	"slow_down":               Limited,
	"rate_limit_exceeded":     Limited,
	unsaid:                    Broken,
}

// failure says why there is no grant. It never asks x/oauth2's error, which holds the whole answer.
func (x *exchange) failure() *Failure {
	f := &Failure{Status: x.status, RetryAfter: x.retryAfter, Sent: x.sent.Load()}
	reason, known := x.policy.codes[x.code]
	if !known {
		reason, known = codes[x.code]
	}
	switch {
	case x.status == 0 || x.unread:
		f.Reason = Unreachable
	case x.tooLong, x.status < 300 && x.code == "":
		f.Reason = Broken
	case x.status == 429:
		f.Reason = Limited
	case x.status >= 500:
		f.Reason = Broken
	case known:
		f.Reason = reason // with whatever status, since some fail with 200
	case x.status >= 300 && x.status < 400, x.status == 408:
		f.Reason = Broken
	default:
		f.Reason = Refused
	}
	return f
}
