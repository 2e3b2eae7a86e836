package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"slices"
)

// unequalByNature are members that two servers are free to choose.
var unequalByNature = map[string]bool{"endCursor": true}

// firstDifference compares two JSON answers as values and says where they first differ; "" when they do not.
// The order of an object's members is no difference, the order of a list is.
func firstDifference(floor, product []byte) (string, error) {
	var a, b any
	if err := json.Unmarshal(floor, &a); err != nil {
		return "", fmt.Errorf("read the floor's answer: %w", err)
	}
	if err := json.Unmarshal(product, &b); err != nil {
		return "", fmt.Errorf("read the product's answer: %w", err)
	}
	if answer, ok := b.(map[string]any); ok {
		delete(answer, "extensions") // the price of the request, which the floor does not ask for
	}
	return differ("", a, b), nil
}

func differ(path string, a, b any) string {
	switch x := a.(type) {
	case map[string]any:
		if y, ok := b.(map[string]any); ok {
			return differObjects(path, x, y)
		}
	case []any:
		if y, ok := b.([]any); ok {
			return differLists(path, x, y)
		}
	default:
		if !composite(b) && a == b {
			return ""
		}
	}
	return fmt.Sprintf("%s: floor %s, product %s", path, brief(a), brief(b))
}

func composite(v any) bool {
	switch v.(type) {
	case map[string]any, []any:
		return true
	}
	return false
}

func differObjects(path string, a, b map[string]any) string {
	names := make(map[string]bool, len(a))
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	for _, name := range slices.Sorted(maps.Keys(names)) {
		x, inA := a[name]
		y, inB := b[name]
		below := path + "." + name
		if path == "" {
			below = name
		}
		switch {
		case !inA:
			return below + ": only in the product's answer"
		case !inB:
			return below + ": only in the floor's answer"
		case unequalByNature[name]:
			if (x == nil) != (y == nil) {
				return fmt.Sprintf("%s: floor %s, product %s", below, brief(x), brief(y))
			}
			continue
		}
		if d := differ(below, x, y); d != "" {
			return d
		}
	}
	return ""
}

func differLists(path string, a, b []any) string {
	for i := range min(len(a), len(b)) {
		if d := differ(fmt.Sprintf("%s[%d]", path, i), a[i], b[i]); d != "" {
			return d
		}
	}
	if len(a) != len(b) {
		return fmt.Sprintf("%s: floor has %d elements, product %d", path, len(a), len(b))
	}
	return ""
}

// brief gives a value as JSON, cut; the data is invented, so it may be shown.
func brief(v any) string {
	text, err := json.Marshal(v)
	if err != nil {
		return "a value that is no JSON"
	}
	if r := []rune(string(text)); len(r) > 80 {
		return string(r[:80]) + "…"
	}
	return string(text)
}
