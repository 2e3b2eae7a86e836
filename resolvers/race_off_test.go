//go:build !race

package resolvers_test

const slowdown = 1

// thinned is of how many viewers one is asked for each document.
const thinned = 1
