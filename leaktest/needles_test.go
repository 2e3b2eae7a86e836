package leaktest

import (
	"bytes"
	"crypto/md5" // Gravatar's hash of an address, which is what is looked for
	"crypto/sha1"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chatwoot/schema"
)

func TestFindsEveryForm(t *testing.T) {
	t.Parallel()
	n := NewNeedles()
	n.Plant("mail", "John.Doe+x@Example.com")
	n.Plant("phone", "+15552010001")
	n.Plant("address", "whatsapp:+447700900007")
	for text, form := range map[string]string{
		"John.Doe+x@Example.com": "as it is", "john.doe+x@example.com": "as it is", "JOHN.DOE+X@EXAMPLE.COM": "as it is",
		"7john.doe+x@example.com": "as it is", "mailto:john.doe+x@example.com?subject=x": "as it is", "John Doe <john.doe+x@example.com>": "as it is",
		"Seen as john.doe+x": "local part", "John.doe": "local part without plus-tag", "john.doe@example.com": "without plus-tag",
		"?q=john.doe%2Bx%40example.com": "as it is", `\u006aohn.doe+x\u0040example.com`: "as it is", `{"a":"{\"b\":\"john.doe+x\\u0040example.com\"}"}`: "as it is",
		"john.doe+x&#64;example.com": "as it is", "john.doe+x&#x40;example.com": "as it is", "john.doe%252Bx%2540example.com": "as it is",
		fmt.Sprintf("%x", md5.Sum([]byte("john.doe+x@example.com"))):                                "MD5",
		fmt.Sprintf("%X", md5.Sum([]byte("John.Doe+x@Example.com"))):                                "MD5",
		fmt.Sprintf("%x", sha1.Sum([]byte("john.doe+x@example.com"))):                               "SHA-1",
		fmt.Sprintf("%X", sha256.Sum256([]byte("john.doe+x@example.com"))):                          "SHA-256",
		fmt.Sprintf("%x", sha256.Sum256([]byte("+15552010001"))):                                    "SHA-256",
		base64.StdEncoding.EncodeToString([]byte("john.doe+x@example.com")):                         "base64",
		base64.URLEncoding.EncodeToString([]byte("v\xff\xfe John.Doe+x@Example.com ?>")):            "base64",
		"wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x18\x0b15552010001\x15\x02\x00")): "base64",
		"wamid." + base64.StdEncoding.EncodeToString([]byte("\x1c\x0b15552010001\x15\x02\x00")):     "base64",
		"wamid." + base64.StdEncoding.EncodeToString([]byte("\x0b15552010001\x15\x02\x00")):         "base64",
		"<CAF7xQ@example.com>": messageID, "CAF7xQ@mail.example.com": messageID,
		"+15552010001": "digits", "15552010001": "digits", "whatsapp:+15552010001": "digits", "whatsapp:+1555201000142": "digits",
		"tel:15552010001": "digits", "15552010001@s.whatsapp.net": "digits", "+1 (555) 201-0001": "digits", "1.555.201.0001": "digits",
		"+1\u00a0555\u2011201\u20110001": "digits", "(555) 201-0001": "national", "%2B15552010001": "digits", "+44 7700 900007": "digits",
		"07700 900007": "national", "at 2026-06-15 +1 555 201 0001": "digits", "at 2026-06-15 15552010001": "digits", "447700900007": "digits", `\u002b1 555-201-0001`: "digits",
	} {
		hits := n.Find([]byte("…" + text + "…"))
		if len(hits) == 0 {
			t.Errorf("not found: %s", text)
			continue
		}
		forms := make([]string, len(hits))
		for i, h := range hits {
			forms[i] = h.Form
		}
		if !strings.Contains(strings.Join(forms, "\n"), form) {
			t.Errorf("%s is found as %q and not as %s", text, forms, form)
		}
	}
}

func TestFindsNothingByChance(t *testing.T) {
	t.Parallel()
	n := NewNeedles()
	n.Plant("mail", "bo@example.com")
	n.Plant("phone", "+15552010001")
	n.Plant("number", "770000237")
	for _, text := range []string{
		`{"id":"1","createdAt":"2026-06-15T12:00:00Z","status":"OPEN"}`, "bo", "ann@example.com", "written to ann@example.com, bob@example.com",
		"2010001", "555201000", "179515552010001373026", "12:00:01.555201000Z", "2026-06-15T12:01:55.552010001Z", "7700002379", `["1","5552010","001"]`, "15552010002", "100% of 5 & 6 \\ 7",
	} {
		if hits := n.Find([]byte(text)); len(hits) > 0 {
			t.Errorf("in %s: %v", text, hits)
		}
	}
}

func TestHitSaysWhere(t *testing.T) {
	t.Parallel()
	n := NewNeedles()
	n.Plant("P01", "ann.lee@example.com")
	n.Plant("P06", "15553010007")
	body := `{"data":{"account":{"list":[{"name":"x"},{"name":"call \"ann.lee\u0040example.com\""}],"score":15553010007,"ann.lee@example.com":1}}}`
	paths := make(map[string]string)
	for _, h := range n.FindInAnswer([]byte(body)) {
		if h.Form == "as it is" {
			paths[h.Carrier] = h.Path
		}
	}
	want := map[string]string{"P01": "data.account.ann.lee@example.com (the key)", "P06": "data.account.score"}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Error(diff)
	}
	if hits := n.FindInAnswer([]byte(`no JSON, but ann.lee@example.com`)); len(hits) == 0 || hits[0].Path != "" || !strings.Contains(hits[0].Around, "no JSON") {
		t.Errorf("%v", hits)
	}
}

func TestLowerWord(t *testing.T) {
	t.Parallel()
	for c := range 256 {
		text := []byte{byte(c), 'A', byte(c), 'z', 'Z', byte(c), '@', '['}
		got := lowerWord(binary.LittleEndian.Uint64(text))
		if want := binary.LittleEndian.Uint64(lower(text)); got != want {
			t.Errorf("%q: %x, want %x", text, got, want)
		}
	}
}

// TestNeedlesThatBeginAlike: each is found and no other, among all of them and when only it is looked for.
func TestNeedlesThatBeginAlike(t *testing.T) {
	t.Parallel()
	n := NewNeedles()
	var values []string
	for i := range 100 {
		values = append(values, fmt.Sprintf("signature.%02d@example.com", i))
		n.PlantText("a signature", values[i])
	}
	for i, v := range values {
		hits := n.Find([]byte(v))
		only := n.Only(hits)
		for _, found := range [][]Hit{hits, only.Find([]byte("Dr " + strings.ToUpper(v) + ".")), only.Find([]byte(strings.Join(values, "\n")))} {
			if len(found) != 1 || found[0].Text != v {
				t.Errorf("%d: %v", i, found)
			}
		}
	}
}

// FuzzFind compares the search with the obvious one, for plain text.
func FuzzFind(f *testing.F) {
	n := NewNeedles()
	needles := []string{"ann.lee@example.com", "1001 Lantern Row", "fb_ines_moura"}
	for _, v := range needles {
		n.PlantText(v, v)
	}
	for _, seed := range []string{"", "x1001 LANTERN ROWx", "fb_ines_mour fb_ines_moura", "\xffann.lee@example.co ann.lee@example.com", "ann\\u002elee%40example.com"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		found := n.Find(text)
		for _, v := range needles {
			if bytes.Contains(lower(text), lower([]byte(v))) != containsCarrier(found, v) && !escaped(text) {
				t.Errorf("%q in %q: %v", v, text, found)
			}
		}
	})
}

func containsCarrier(hits []Hit, carrier string) bool {
	for _, h := range hits {
		if h.Carrier == carrier {
			return true
		}
	}
	return false
}

func TestDemoIsPlanted(t *testing.T) {
	t.Parallel()
	demo, err := schema.Demo(time.Date(2026, time.June, 15, 12, 0, 0, 0, time.UTC))
	if err != nil {
		t.Fatal(err)
	}
	hidden, sealed := Hidden(demo, schema.Acme), Sealed(demo, schema.Acme)
	planted := make(map[string]bool)
	for _, c := range demo.Canaries() {
		planted[c.Carrier] = true
		hits := hidden.Find([]byte(c.Value))
		if c.AccountID == schema.Acme && !c.FreeText && len(c.Value) >= shortest && !containsCarrier(hits, c.Carrier) {
			t.Errorf("%s: %q is not found in itself", c.Carrier, c.Value)
		}
	}
	for _, carrier := range Shown {
		if !planted[carrier] {
			t.Errorf("nothing is planted under %s", carrier)
		}
	}
	if hidden.Len() < 20_000 || sealed.Len() <= hidden.Len() {
		t.Errorf("%d forms of what is hidden, %d of what is sealed", hidden.Len(), sealed.Len())
	}
	t.Logf("%d forms of what is hidden, %d of what is sealed", hidden.Len(), sealed.Len())
}

func BenchmarkFind(b *testing.B) {
	demo, err := schema.Demo(time.Date(2026, time.June, 15, 12, 0, 0, 0, time.UTC))
	if err != nil {
		b.Fatal(err)
	}
	n := Hidden(demo, schema.Acme)
	rng := rand.New(rand.NewPCG(1, 2)) // no secret
	var answer bytes.Buffer
	for answer.Len() < 1<<20 {
		fmt.Fprintf(&answer, `{"id":"%d","alias":"Customer 7QF-%d","name":"Inês Moura","email":null,"emailState":"HIDDEN","content":"Quick \"question\" about #%d","at":"2026-06-%02dT12:00:00Z"},`,
			rng.IntN(1000), rng.IntN(10), rng.IntN(100000), rng.IntN(30))
	}
	b.SetBytes(int64(answer.Len()))
	for b.Loop() {
		if hits := n.Find(answer.Bytes()); len(hits) > 0 {
			b.Fatal(hits)
		}
	}
}
