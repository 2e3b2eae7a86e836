package store

// RequiredColumns is what CheckColumns asks for.
var RequiredColumns = requiredColumns

// URL is where a store's database is.
func (s *Store) URL() string { return s.pool.Config().ConnString() }
