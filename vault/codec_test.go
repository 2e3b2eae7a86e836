package vault

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/cloakroom/cloakroom/chat"
)

func TestRecordCodec(t *testing.T) {
	t.Parallel()
	key := chat.RecordKey{Kind: chat.MessageRecord, Parent: 3, ID: 9}
	for name, r := range map[string]chat.Record{
		"empty":                     {},
		"full":                      {ContactID: 1, Version: 2, SubjectKeyID: 3, KeySealed: []byte("key"), Columns: [4][]byte{[]byte("a"), []byte("b"), []byte("c"), []byte("d")}},
		"columns missing and empty": {ContactID: 1<<63 - 1, Version: 1 << 40, SubjectKeyID: 7, KeySealed: []byte{0}, Columns: [4][]byte{nil, {}, {0xff, 0xff, 0xff, 0xff}, nil}},
		"large":                     {KeySealed: make([]byte, 200), Columns: [4][]byte{make([]byte, 70_000)}},
	} {
		r.RecordKey, r.Sealed = key, true
		encoded := string(encodeRecord(&r))
		got, err := decodeRecord(key, encoded)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if diff := cmp.Diff(&r, got); diff != "" {
			t.Errorf("%s: %s", name, diff)
		}
		for _, bad := range []string{"", encoded[1:], encoded[:len(encoded)-1], encoded + "\x00", "\x02" + encoded[1:], "\x00" + encoded[1:]} {
			if _, err := decodeRecord(key, bad); err == nil {
				t.Errorf("%s: %d bytes of %d were taken for a record", name, len(bad), len(encoded))
			}
		}
	}
}

// FuzzDecodeRecord: whatever Redis holds, decoding does not fail the program, and what it takes is exactly what
// encoding writes.
func FuzzDecodeRecord(f *testing.F) {
	f.Add("")
	f.Add(string(encodeRecord(&chat.Record{ContactID: 1, Version: 1, SubjectKeyID: 1, KeySealed: []byte("k"), Columns: [4][]byte{[]byte("x")}})))
	f.Add(strings.Repeat("\x01", 60))
	f.Add("\x01" + strings.Repeat("\xff", 44))
	f.Fuzz(func(t *testing.T, text string) {
		key := chat.RecordKey{Kind: chat.ContactRecord, ID: 1}
		r, err := decodeRecord(key, text)
		if err != nil {
			return
		}
		if again := string(encodeRecord(r)); again != text || r.RecordKey != key || !r.Sealed {
			t.Errorf("%q is read as %+v and written as %q", text, r, again)
		}
	})
}

func TestCacheKeys(t *testing.T) {
	t.Parallel()
	seen := map[string]bool{}
	for account := range int64(3) {
		for epoch := range int64(3) {
			for kind := chat.ContactRecord; kind <= chat.NoteRecord; kind++ {
				for _, ids := range [][2]int64{{0, 1}, {0, 11}, {1, 1}, {11, 1}, {1, 11}} {
					seen[cacheKey(account, epoch, chat.RecordKey{Kind: kind, Parent: ids[0], ID: ids[1]})] = true
				}
			}
		}
	}
	if len(seen) != 3*3*7*5 {
		t.Errorf("%d keys, want %d", len(seen), 3*3*7*5)
	}
	if got := cacheKey(1, 2, chat.RecordKey{Kind: chat.MessageRecord, Parent: 3, ID: 4}); got != "cloakroom:{1}:2:5:3:4" {
		t.Error(got)
	}
}

func TestCacheTTL(t *testing.T) {
	t.Parallel()
	least, most := cacheTTLMax, cacheTTLMin
	for range 10_000 {
		least, most = min(least, cacheTTL()), max(most, cacheTTL())
	}
	if least < cacheTTLMin || most > cacheTTLMax || most-least < (cacheTTLMax-cacheTTLMin)/2 {
		t.Errorf("between %v and %v", least, most)
	}
}

func TestRecentIsBounded(t *testing.T) {
	t.Parallel()
	var r recent[failure]
	now := time.Now()
	one := failure{1, chat.RecordKey{Kind: chat.ContactRecord, ID: 1}}
	if !r.first(one, failureQuiet, now) || r.first(one, failureQuiet, now.Add(failureQuiet)) || !r.first(one, failureQuiet, now.Add(2*failureQuiet+1)) {
		t.Error("a failure is not put on record once per quiet time")
	}
	for id := range int64(2 * maxRecent) {
		r.first(failure{1, chat.RecordKey{Kind: chat.MessageRecord, ID: id}}, failureQuiet, now)
	}
	if len(r.last) > maxRecent {
		t.Errorf("%d failures are remembered, the bound is %d", len(r.last), maxRecent)
	}
}
