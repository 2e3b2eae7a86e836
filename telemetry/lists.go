package telemetry

import (
	"math"
	"regexp"
	"slices"

	"go.opentelemetry.io/otel/attribute"

	"github.com/cloakroom/cloakroom/chat"
)

// The attributes of spans, by OpenTelemetry's names where it has any.
const (
	keyRequestID  = "request_id"
	keyDocument   = "graphql.document.hash"
	keyOperation  = "graphql.operation.name"
	keyType       = "graphql.operation.type"
	keyStatus     = "http.response.status_code"
	keyRoute      = "http.route"
	keyCode       = "error.type"
	keyViewer     = "cloakroom.viewer.kind"
	keyCost       = "cloakroom.cost"
	keyStatements = "cloakroom.statements"
	keyRoundTrips = "cloakroom.round_trips"
	keyRedisTrips = "cloakroom.redis_trips"
)

// A form says which values an attribute of a list may have; any other value is not handed on.
type form func(attribute.Value) bool

var spanAttributes = map[string]form{
	keyRequestID:  matching(`[0-9A-Za-z-]{1,64}`),
	keyDocument:   matching(`[0-9a-f]{64}`),
	keyOperation:  matching(`[_A-Za-z][_0-9A-Za-z]{0,99}`),
	keyType:       oneOf("query", "mutation", "subscription"),
	keyStatus:     count,
	keyRoute:      aRoute,
	keyCode:       matching(`[A-Z_]{1,40}`),
	keyViewer:     oneOf(string(chat.KindAgent), string(chat.KindAdministrator), string(chat.KindSuperAdmin), string(chat.KindService)),
	keyCost:       count,
	keyStatements: count,
	keyRoundTrips: count,
	keyRedisTrips: count,
}

// The type of an exception is a type's name in Go, such as *url.Error; its message and stack are not in the list.
var eventAttributes = map[string]form{
	"exception.type": matching(`\*?[0-9A-Za-z_./-]{1,200}`),
}

// What a resource may say. Detectors and OTEL_RESOURCE_ATTRIBUTES add hosts, command lines, paths and users, which are
// not here.
var resourceAttributes = map[string]form{
	"service.name":                matching(`[\w./ -]{1,100}`),
	"service.namespace":           matching(`[\w./ -]{1,100}`),
	"service.version":             matching(`[\w.+-]{1,100}`),
	"service.instance.id":         matching(`[\w-]{1,100}`),
	"deployment.environment":      matching(`[\w./ -]{1,100}`),
	"deployment.environment.name": matching(`[\w./ -]{1,100}`),
	"telemetry.sdk.name":          matching(`[\w.-]{1,100}`),
	"telemetry.sdk.language":      matching(`[\w.-]{1,100}`),
	"telemetry.sdk.version":       matching(`[\w.-]{1,100}`),
}

// allowed keeps the attributes that are in a list and have the form it asks for.
func allowed(list map[string]form, in []attribute.KeyValue) []attribute.KeyValue {
	out := make([]attribute.KeyValue, 0, len(in))
	for _, a := range in {
		if fits := list[string(a.Key)]; fits != nil && fits(a.Value) {
			out = append(out, a)
		}
	}
	return out
}

// matching is a text that has a form from end to end and in which nothing looks like an address.
func matching(pattern string) form {
	whole := regexp.MustCompile(`^(?:` + pattern + `)$`)
	return func(v attribute.Value) bool {
		return v.Type() == attribute.STRING && whole.MatchString(v.AsString()) && Redact(v.AsString()) == v.AsString()
	}
}

func oneOf(words ...string) form {
	return func(v attribute.Value) bool {
		return v.Type() == attribute.STRING && slices.Contains(words, v.AsString())
	}
}

func aRoute(v attribute.Value) bool {
	for _, route := range routes {
		if v.Type() == attribute.STRING && route != "" && route == v.AsString() {
			return true
		}
	}
	return false
}

// count is a number that is no phone's: not below zero, and within Chatwoot's row numbers (int4).
func count(v attribute.Value) bool {
	return v.Type() == attribute.INT64 && v.AsInt64() >= 0 && v.AsInt64() <= math.MaxInt32
}
