//go:build !race

package resolvers_test

const slowdown = 1
