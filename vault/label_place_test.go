package vault

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sort"
	"strings"
	"testing"
)

// labelModel is an order as a database would keep it, in memory: the code that places is the product's.
type labelModel struct {
	fingers fingers
	rows    []modelRow // in the order of their labels
	moved   int        // labels that were spread
	spreads int
}

type modelRow struct {
	text  string
	id    int64
	label int64
}

func (m *labelModel) insert(text string, id int64) {
	for {
		at := sort.Search(len(m.rows), func(i int) bool {
			return m.rows[i].text > text || m.rows[i].text == text && m.rows[i].id > id
		})
		below, above := labelled{}, labelled{label: labelEnd}
		if at > 0 {
			below = labelled{m.rows[at-1].id, m.rows[at-1].label}
		}
		if at < len(m.rows) {
			above = labelled{m.rows[at].id, m.rows[at].label}
		}
		if label, ok := m.fingers.place(id, below, above); ok {
			m.rows = slices.Insert(m.rows, at, modelRow{text, id, label})
			return
		}
		m.makeRoom(below.label)
	}
}

func (m *labelModel) makeRoom(around int64) {
	index := func(label int64) int {
		return sort.Search(len(m.rows), func(i int) bool { return m.rows[i].label >= label })
	}
	from, to, n, _ := spread(around, func(from, to int64) (int, error) { return index(to) - index(from), nil })
	step := apart(from, to, n)
	for i, first := 0, index(from); i < n; i++ {
		m.rows[first+i].label = from + int64(i+1)*step
	}
	m.moved, m.spreads = m.moved+n, m.spreads+1
}

// disorder says where labels do not grow with values between some rows.
func (m *labelModel) disorder(from, to int) string {
	for i := max(from, 0); i < min(to, len(m.rows)); i++ {
		r := m.rows[i]
		if r.label <= 0 || r.label >= labelEnd || i > 0 && m.rows[i-1].label >= r.label {
			return fmt.Sprintf("row %d of %d: label %d follows %d", i, len(m.rows), r.label, m.rows[max(i-1, 0)].label)
		}
	}
	return ""
}

// insertPatterns give the n-th of so many values.
var insertPatterns = map[string]func(draw *rand.Rand, n, of int) string{
	"random":    func(draw *rand.Rand, _, _ int) string { return fmt.Sprintf("%016x", draw.Uint64()) },
	"clustered": func(draw *rand.Rand, _, _ int) string { return fmt.Sprintf("%02d%08x", draw.IntN(5), draw.Uint32()) },
	"sorted":    func(_ *rand.Rand, n, _ int) string { return fmt.Sprintf("%08d", n) },
	"reversed":  func(_ *rand.Rand, n, of int) string { return fmt.Sprintf("%08d", of-n) },
	"hot gap": func(draw *rand.Rand, n, of int) string {
		if n < of/5 {
			return fmt.Sprintf("%08d", draw.IntN(1e8))
		}
		return fmt.Sprintf("50000000%08d", n)
	},
	"equal":    func(*rand.Rand, int, int) string { return "same" },
	"two runs": func(_ *rand.Rand, n, _ int) string { return fmt.Sprintf("%d%08d", n%2, n) },
	"mostly a run": func(draw *rand.Rand, n, _ int) string {
		return fmt.Sprintf("%08d", map[bool]int{true: draw.IntN(1e7), false: 1e6 + n*100}[draw.IntN(10) == 0])
	},
}

// TestLabelsKeepTheOrder after each insert of every pattern, and seldom move. Four patterns are looked at as a whole each
// time, the others around the insert.
func TestLabelsKeepTheOrder(t *testing.T) {
	t.Parallel()
	const inserts = 10_000
	for name, value := range insertPatterns {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			each := slices.Contains([]string{"random", "sorted", "reversed", "hot gap"}, name)
			draw := rand.New(rand.NewPCG(1, 2))
			m := new(labelModel)
			for n := range inserts {
				before := m.spreads
				text, id := value(draw, n, inserts), int64(draw.Uint64()>>2)
				m.insert(text, id)
				at := slices.IndexFunc(m.rows, func(r modelRow) bool { return r.id == id })
				wrong := m.disorder(at-1, at+2)
				if each || m.spreads > before || n == inserts-1 {
					wrong = m.disorder(0, len(m.rows))
				}
				if wrong != "" {
					t.Fatalf("after %d: %s", n+1, wrong)
				}
			}
			byValue := slices.IsSortedFunc(m.rows, func(a, b modelRow) int {
				if a.text != b.text {
					return strings.Compare(a.text, b.text)
				}
				return int(min(max(a.id-b.id, -1), 1))
			})
			if !byValue || len(m.rows) != inserts {
				t.Errorf("%d rows, in order: %v", len(m.rows), byValue)
			}
			t.Logf("%d labels moved in %d spreads", m.moved, m.spreads)
			if limit := map[bool]int{true: 5 * inserts, false: 0}[name == "mostly a run"]; m.moved > limit {
				t.Errorf("%d labels moved in %d spreads, want at most %d", m.moved, m.spreads, limit)
			}
		})
	}
}

// TestLabelsWithoutFingers: a replica that knows nothing of the runs moves more labels, and keeps the order.
func TestLabelsWithoutFingers(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sorted", "reversed", "hot gap", "equal"} {
		draw := rand.New(rand.NewPCG(3, 4))
		m := new(labelModel)
		for n := range 5000 {
			m.fingers = fingers{}
			m.insert(insertPatterns[name](draw, n, 5000), int64(n+1))
			if n%50 == 0 {
				if wrong := m.disorder(0, len(m.rows)); wrong != "" {
					t.Fatalf("%s after %d: %s", name, n+1, wrong)
				}
			}
		}
		t.Logf("%s: %d labels moved in %d spreads", name, m.moved, m.spreads)
		if m.spreads == 0 || m.moved > 40*len(m.rows) {
			t.Errorf("%s: %d labels moved in %d spreads of %d rows", name, m.moved, m.spreads, len(m.rows))
		}
	}
}

// TestPlacesAtTheEdges: the narrowest gaps, and the ends.
func TestPlacesAtTheEdges(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		below, above int64
		ok           bool
	}{{0, 1, false}, {5, 5, false}, {5, 6, false}, {5, 7, true}, {0, 2, true}, {labelEnd - 2, labelEnd, true}, {labelEnd - 1, labelEnd, false}, {0, labelEnd, true}} {
		for range 1000 {
			var f fingers
			for run := range 4 { // a run of inserts above the same contact, whatever becomes of it
				f.last = []finger{{id: 7, up: run%2 == 0, run: run}}
				label, ok := f.place(9, labelled{7, c.below}, labelled{8, c.above})
				if ok != c.ok || ok && (label <= c.below || label >= c.above) {
					t.Fatalf("between %d and %d: %d, %v", c.below, c.above, label, ok)
				}
			}
		}
	}
}

// TestFingersFollowRuns: a run's share of the gap becomes smaller with each of its inserts, in either direction.
func TestFingersFollowRuns(t *testing.T) {
	t.Parallel()
	var f fingers
	for id := int64(2); id < 10; id++ {
		if got := f.follow(id, id-1, 100); got.run != int(id)-2 || id > 2 && !got.up {
			t.Errorf("insert %d upwards: %+v", id, got)
		}
	}
	if got := f.follow(20, 1, 9); got.run != 1 || got.up {
		t.Errorf("a turn: %+v", got)
	}
	if got := f.follow(21, 1, 20); got.run != 2 || got.up {
		t.Errorf("downwards: %+v", got)
	}
	for id := int64(1000); id < 1000+2*maxFingers; id++ {
		f.follow(id, 0, 0)
	}
	if len(f.last) != maxFingers {
		t.Errorf("%d fingers", len(f.last))
	}
}

// TestSpreadTakesTheSmallestRange that has room.
func TestSpreadTakesTheSmallestRange(t *testing.T) {
	t.Parallel()
	for around := range int64(3) {
		from, to, n, err := spread(around<<40, func(from, to int64) (int, error) { return int(min(to-from, 10_000)), nil }) // every label is taken
		if err != nil || from&(to-from-1) != 0 || around<<40 < from || around<<40 >= to {
			t.Errorf("%d to %d around %d: %d, %v", from, to, around<<40, n, err)
		}
		if step := apart(from, to, n); step < 2 || from+int64(n)*step >= to {
			t.Errorf("%d labels from %d to %d lie %d apart", n, from, to, step)
		}
	}
	if from, to, _, _ := spread(5, func(int64, int64) (int, error) { return 2, nil }); from != 0 || to != 1<<leastSpread {
		t.Errorf("%d to %d", from, to)
	}
}
