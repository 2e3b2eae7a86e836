//go:build race

package resolvers_test

// slowdown is how much longer the race detector's build may take: it makes parsing about ten times slower.
const slowdown = 15
