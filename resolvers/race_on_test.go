//go:build race

package resolvers_test

// slowdown is how much longer the race detector's build may take: it makes parsing about ten times slower.
const slowdown = 15

// thinned is of how many viewers one is asked for each document, where a test puts every document to every viewer: all are
// asked without the race detector, and no access differs by how often it is repeated.
const thinned = 3
