package ledger

// CopyAlways lets the store copy batches of any size, as it does large ones.
func (s *Store) CopyAlways() *Store {
	return &Store{pool: s.pool, copyLeast: 1, older: s.older, behind: s.behind}
}
