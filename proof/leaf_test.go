package proof

import (
	"encoding/hex"
	"slices"
	"testing"
	"time"

	"github.com/cloakroom/cloakroom/chat"
)

func example() Leaf {
	return Leaf{Seq: 6, Transaction: 812, KeyID: 3, DetailsSealed: []byte{1, 2, 3}, AuditEntry: chat.AuditEntry{
		AccountID: 1, ID: 7, OccurredAt: time.Date(2026, 11, 22, 19, 30, 0, 123456000, time.UTC), Actor: chat.Actor{Kind: "AGENT", ID: "4"},
		Action: chat.FlagSet, EntityType: "account", EntityID: "1", RequestID: "req"}}
}

// TestLeafIsWritten holds the form of leaves against bytes that were put together by hand from its description: other
// programs verify them, and old ones must stay verifiable.
func TestLeafIsWritten(t *testing.T) {
	t.Parallel()
	want := "01000000080000000000000006" + "02000000080000000000000001" + "03000000080000000000000007" + "04000000080006" + "60e280ce0040" +
		"0500000008000000000000032c" + "06000000054147454e54" + "070000000134" + "0800000010666561747572655f666c61675f736574" +
		"09000000076163636f756e74" + "0a0000000131" + "0b00000003726571" + "0c000000080000000000000003" +
		"0d00000020039058c6f2c0cb492c533b0a4d14ef77cc0f78abccced5287d84a1a2011cfb81"
	if got := hex.EncodeToString(example().Encode()); got != want {
		t.Errorf("\n%s, want\n%s", got, want)
	}
}

// TestEveryColumnCounts: no change of a leaf leaves its hash, and the marks say which group it was.
func TestEveryColumnCounts(t *testing.T) {
	t.Parallel()
	seen := map[Hash]string{example().Hash(): "the leaf itself"}
	marks := example().Marks()
	for name, c := range map[string]struct {
		group  string
		change func(*Leaf)
	}{
		"seq":         {Number, func(l *Leaf) { l.Seq++ }},
		"account":     {Place, func(l *Leaf) { l.AccountID = 2 }},
		"entry":       {Place, func(l *Leaf) { l.ID++ }},
		"time":        {When, func(l *Leaf) { l.OccurredAt = l.OccurredAt.Add(time.Microsecond) }},
		"transaction": {When, func(l *Leaf) { l.Transaction++ }},
		"actor kind":  {Who, func(l *Leaf) { l.Actor.Kind = "SERVICE" }},
		"actor":       {Who, func(l *Leaf) { l.Actor.ID = "5" }},
		"border":      {Who, func(l *Leaf) { l.Actor.Kind, l.Actor.ID = "AGENT4", "" }},
		"action":      {What, func(l *Leaf) { l.Action = chat.MaskingSet }},
		"entity type": {Which, func(l *Leaf) { l.EntityType = "user" }},
		"entity":      {Which, func(l *Leaf) { l.EntityID = "" }},
		"request":     {Request, func(l *Leaf) { l.RequestID += " " }},
		"key":         {Details, func(l *Leaf) { l.KeyID++ }},
		"details":     {Details, func(l *Leaf) { l.DetailsSealed = []byte{1, 2, 2} }},
		"no details":  {Details, func(l *Leaf) { l.DetailsSealed = nil }},
	} {
		l := example()
		c.change(&l)
		if other, same := seen[l.Hash()]; same {
			t.Errorf("%s hashes as %s does", name, other)
		}
		seen[l.Hash()] = name
		if got := l.changedGroups(marks); !slices.Equal(got, []string{c.group}) {
			t.Errorf("%s: %v, want %s", name, got, c.group)
		}
	}
	inBerlin := example()
	inBerlin.OccurredAt = inBerlin.OccurredAt.In(time.FixedZone("", 3600)).Add(300 * time.Nanosecond) // PostgreSQL keeps microseconds
	if inBerlin.Hash() != example().Hash() {
		t.Error("a time zone, or what the database does not keep, counts")
	}
}
