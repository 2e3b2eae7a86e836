// Package leaktest is what proves that nothing leaks: planted values in every form, documents that ask for everything,
// and a proxy that takes a server away. The schema and the demo's planted values come in; out go documents that between
// them ask for every field on every path, random documents of the schema, and searches of whatever a server has sent.
// Nothing of it is part of the program: only tests and the canary harness ask this room, and what was found in an
// answer never leaves it but as a failure.
package leaktest
