package ledger

import (
	"context"
	"maps"
	"slices"
	"time"

	"pointsledger/ledger/database"
)

// CopyAlways lets the store copy batches of any size, as it does large ones.
func (s *Store) CopyAlways() *Store {
	return &Store{pool: s.pool, copyLeast: 1, older: s.older, behind: s.behind, budgetWriters: s.budgetWriters}
}

// RescueAll rescues every lease that is over by the database's clock, as a worker
// does that has watched them for long enough.
func (s *Store) RescueAll(ctx context.Context, account string, maxAttempts int, rest time.Duration) (int, error) {
	seen, err := s.Leases(ctx, account)
	if err != nil {
		return 0, err
	}
	return s.Rescue(ctx, account, slices.Collect(maps.Keys(seen)), maxAttempts, rest)
}

// What tests tell apart and nobody else asks for.
const CorrectionAppliedAfterVoid = correctionAppliedAfterVoid

var ErrSequenceBehind = database.ErrSequenceBehind
