package runs

import (
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger/gates"
	"pointsledger/ledger/knowledge"
)

// Runs makes and keeps comparisons. It is safe for concurrent use.
type Runs struct {
	pool     *pgxpool.Pool
	accounts []Account
	gates    *gates.Gates
	known    *knowledge.Endpoints
}

// New returns the runs of the ledger that a pool is on, over the accounts that are
// configured. The pool needs two connections.
func New(pool *pgxpool.Pool, accounts []Account) *Runs {
	return &Runs{pool: pool, accounts: accounts, gates: gates.New(pool), known: knowledge.New(pool)}
}
