package main

import "testing"

func TestFirstDifference(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, floor, product, want string
	}{
		{"equal", `{"a": [1, "x", null, true]}`, `{"a":[1,"x",null,true]}`, ""},
		{"order of members", `{"a": 1, "b": 2}`, `{"b": 2, "a": 1}`, ""},
		{"order of a list", `{"a": [1, 2]}`, `{"a": [2, 1]}`, `a[0]: floor 1, product 2`},
		{"deep", `{"data": {"nodes": [{"id": "1"}, {"id": "2"}]}}`, `{"data": {"nodes": [{"id": "1"}, {"id": "3"}]}}`,
			`data.nodes[1].id: floor "2", product "3"`},
		{"longer list", `{"a": [1]}`, `{"a": [1, 2]}`, `a: floor has 1 elements, product 2`},
		{"null is not absent", `{"a": null}`, `{}`, `a: only in the floor's answer`},
		{"absent is not null", `{}`, `{"a": null}`, `a: only in the product's answer`},
		{"null is not a list", `{"a": null}`, `{"a": []}`, `a: floor null, product []`},
		{"a list is not an object", `{"a": []}`, `{"a": {}}`, `a: floor [], product {}`},
		{"a number is not its text", `{"a": 1}`, `{"a": "1"}`, `a: floor 1, product "1"`},
		{"first by name", `{"b": 1, "a": 1}`, `{"b": 2, "a": 2}`, `a: floor 1, product 2`},
		{"cursors are free", `{"p": {"endCursor": "x"}}`, `{"p": {"endCursor": "y"}}`, ""},
		{"but both have one", `{"p": {"endCursor": "x"}}`, `{"p": {"endCursor": null}}`, `p.endCursor: floor "x", product null`},
		{"a price is the product's alone", `{"data": 1}`, `{"data": 1, "extensions": {"cost": {}}}`, ""},
		{"and nothing beside them is", `{"p": {"endCursor": "x", "more": true}}`, `{"p": {"endCursor": "y", "more": false}}`,
			`p.more: floor true, product false`},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			got, err := firstDifference([]byte(test.floor), []byte(test.product))
			if err != nil || got != test.want {
				t.Errorf("firstDifference(%s, %s) = %q, %v; want %q", test.floor, test.product, got, err, test.want)
			}
		})
	}
}

func TestFirstDifferenceRefusesWhatIsNoJSON(t *testing.T) {
	t.Parallel()
	for _, pair := range [][2]string{{"", "{}"}, {"{}", "{"}} {
		if _, err := firstDifference([]byte(pair[0]), []byte(pair[1])); err == nil {
			t.Errorf("firstDifference(%q, %q) gave no error", pair[0], pair[1])
		}
	}
}
