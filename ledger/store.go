package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger/budgets"
	"pointsledger/ledger/database"
)

// Store is the ledger in Postgres. It is safe for concurrent use; it alone
// begins transactions.
type Store struct {
	pool *pgxpool.Pool
	// copyLeast is the constant of that name; tests lower it.
	copyLeast int
	older     *older
	// behind are the sequences that were seen behind their table.
	behind *database.Sequences
	// budgetWriters are the numbers under which this store counts budgets.
	budgetWriters *budgets.Writers
}

// New returns a store on a pool whose database is migrated.
func New(pool *pgxpool.Pool) *Store {
	return &Store{pool: pool, copyLeast: copyLeast, older: &older{}, behind: &database.Sequences{},
		budgetWriters: budgets.NewWriters()}
}

// SequencesBehind says what is to be done about the sequences that give out ids
// that exist; nothing is well. After it has found one the store records nothing
// until they are set.
func (s *Store) SequencesBehind(ctx context.Context) (lines []string, err error) {
	return s.behind.Behind(ctx, s.pool)
}

// Ping tells whether the database answers.
func (s *Store) Ping(ctx context.Context) error {
	if err := s.pool.Ping(ctx); err != nil {
		return fmt.Errorf("ping database: %w", database.Explain(err))
	}
	return nil
}
