package main

import (
	"strings"
	"unicode/utf8"
)

type person struct{ name, slug string }

var firstNames = []person{
	{"Amara", "amara"}, {"Björn", "bjorn"}, {"Chiara", "chiara"}, {"Dmitri", "dmitri"}, {"Élodie", "elodie"}, {"Farid", "farid"},
	{"Greta", "greta"}, {"Hugo", "hugo"}, {"Inês", "ines"}, {"Jonas", "jonas"}, {"Keiko", "keiko"}, {"Liam", "liam"}, {"Mónica", "monica"},
	{"Niamh", "niamh"}, {"Oskar", "oskar"}, {"Priya", "priya"}, {"Quentin", "quentin"}, {"Rosa", "rosa"}, {"Sven", "sven"},
}

var lastNames = []person{
	{"Abara", "abara"}, {"Bergström", "bergstrom"}, {"Conti", "conti"}, {"Duarte", "duarte"}, {"Eriksen", "eriksen"}, {"Fontaine", "fontaine"},
	{"García", "garcia"}, {"Haddad", "haddad"}, {"Ivanova", "ivanova"}, {"Jansen", "jansen"}, {"Kowalski", "kowalski"}, {"Lindqvist", "lindqvist"},
	{"Moreau", "moreau"}, {"Nakamura", "nakamura"}, {"O’Brien", "obrien"}, {"Petrov", "petrov"}, {"Quist", "quist"}, {"Rossi", "rossi"},
	{"Schreiber", "schreiber"}, {"Tanaka", "tanaka"}, {"Urquhart", "urquhart"}, {"Vargas", "vargas"}, {"Weiß", "weiss"},
}

var words = strings.Fields(`the order parcel invoice was sent on Monday and still has not arrived could you please check with
 carrier thank for your quick answer I would like to return blue one because it is too small we have asked warehouse they
 will call back before noon refund takes three working days address changed last week my neighbour says nobody rang bell
 sorry about that a replacement leaves today at no cost café naïve “express” delivery € 12.50 "gift" wrap it's <fragile> & more`)

// prose gives a text of about 80 characters: 10 to 150, most in the middle.
func (g *generator) prose() string {
	length := 10 + g.rng.IntN(71) + g.rng.IntN(71)
	var text strings.Builder
	for text.Len() < length {
		if text.Len() > 0 {
			text.WriteByte(' ')
		}
		text.WriteString(pick(g, words))
	}
	if g.chance(3) {
		text.WriteString("\nBest regards")
	}
	s := text.String()
	first, n := utf8.DecodeRuneInString(s)
	return strings.ToUpper(string(first)) + s[n:]
}
