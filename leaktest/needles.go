package leaktest

import (
	"bytes"
	"fmt"
	"strings"
)

// shortest is the least number of bytes of a form that is looked for. What is shorter, such as the part of some
// addresses before the @, would be met by chance and is left out.
const shortest = 8

// Needles are planted values in every form in which they could come out. They are planted first and looked for then,
// from as many goroutines as like.
type Needles struct {
	list    []needle
	planted map[planting]bool
	folded  index // letters in any case
	exact   index // base64, where case carries the value
	digits  index // phone numbers, looked for with the punctuation between digits taken out
}

type needle struct{ carrier, form, text string }

// planting is where one text of a carrier is looked for; which form it is of does not matter.
type planting struct {
	in            haystack
	carrier, text string
}

// Hit is one needle that was found.
type Hit struct {
	Carrier string // where the value was planted, such as "P01 contacts.email"
	Form    string // what was made of it, such as "as it is" or "MD5"
	Text    string // the form itself, letters in lower case where case does not matter
	Around  string // what stands on both sides, decoded where it had to be
	Path    string // where in a JSON answer, such as "data.account.contact.email"; "" where it is not known
}

func (h Hit) String() string {
	where := h.Around
	if h.Path != "" {
		where = h.Path + ": " + where
	}
	return fmt.Sprintf("%s, %s, %q at %s", h.Carrier, h.Form, h.Text, where)
}

// NewNeedles gives none.
func NewNeedles() *Needles {
	return &Needles{planted: make(map[planting]bool), folded: newIndex(), exact: newIndex(), digits: newIndex()}
}

// Plant takes a value in every form that can be made of it without knowing anything else.
func (n *Needles) Plant(carrier, value string) {
	for _, f := range formsOf(value) {
		n.add(f.in, carrier, f.name, f.text)
	}
}

// PlantText takes a fragment of text as it is, in any case, and nothing else.
func (n *Needles) PlantText(carrier, fragment string) { n.add(inFolded, carrier, "as it is", fragment) }

// Only gives those of the needles that were hit, for whoever looks for them again in much text.
func (n *Needles) Only(hits []Hit) *Needles {
	only := NewNeedles()
	for _, h := range hits {
		for _, in := range []haystack{inFolded, inExact, inDigits} {
			if n.planted[planting{in, h.Carrier, h.Text}] {
				only.add(in, h.Carrier, h.Form, h.Text)
			}
		}
	}
	return only
}

// Len is how many forms of how many values are looked for.
func (n *Needles) Len() int { return len(n.list) }

func (n *Needles) add(in haystack, carrier, form, text string) {
	if in == inFolded {
		text = string(lower([]byte(text)))
	}
	if len(text) < shortest {
		return
	}
	if once := (planting{in, carrier, text}); !n.planted[once] {
		n.planted[once] = true
		n.index(in).add(text, int32(len(n.list))) // there are not two thousand million
		n.list = append(n.list, needle{carrier, form, text})
	}
}

func (n *Needles) index(in haystack) *index {
	switch in {
	case inExact:
		return &n.exact
	case inDigits:
		return &n.digits
	default:
		return &n.folded
	}
}

// Find looks at a text in each of its views: as it is, with escapes of JSON, URLs and HTML undone, and with phone
// numbers' punctuation taken out. Each needle is given once, however often it stands there.
func (n *Needles) Find(text []byte) []Hit {
	v := viewsOf(text)
	defer v.release()
	s := search{needles: n}
	s.look(text)
	if v.decoded != nil {
		s.look(v.decoded)
	}
	n.digits.each(v.squeezed, func(i int32, at int) {
		if bytes.HasPrefix(v.squeezed[at:], []byte(n.list[i].text)) {
			s.note(i, v.squeezed, at)
		}
	})
	return s.hits
}

// search is one call of Find.
type search struct {
	needles *Needles
	hits    []Hit
	seen    map[int32]bool
}

func (s *search) look(text []byte) {
	n := s.needles
	eachOfTwo(&n.folded, &n.exact, text, func(i int32, at int) {
		if want := n.list[i].text; len(text)-at >= len(want) && equalFolded(text[at:at+len(want)], want) {
			s.note(i, text, at)
		}
	}, func(i int32, at int) {
		if want := n.list[i].text; len(text)-at >= len(want) && string(text[at:at+len(want)]) == want {
			s.note(i, text, at)
		}
	})
}

// around is how many bytes of context a hit shows on each side.
const around = 40

func (s *search) note(i int32, text []byte, at int) {
	f := s.needles.list[i]
	if s.seen[i] || f.form == messageID && !inMessageID(text, at) || allDigits(f.text) && !ownNumber(text, at, len(f.text)) {
		return
	}
	if s.seen == nil {
		s.seen = make(map[int32]bool)
	}
	s.seen[i] = true
	context := text[max(0, at-around):min(len(text), at+len(f.text)+around)]
	s.hits = append(s.hits, Hit{Carrier: f.carrier, Form: f.form, Text: f.text, Around: strings.ToValidUTF8(string(context), "·")})
}
