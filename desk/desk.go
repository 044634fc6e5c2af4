package desk

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
)

// Desk reads the ledger for people and does what they decide. It is safe for
// concurrent use.
type Desk struct {
	pool *pgxpool.Pool
	// book is the ledger on the same pool.
	book *ledger.Store
}

// New returns a desk over a ledger. The pool is the one that the ledger is on.
func New(pool *pgxpool.Pool, book *ledger.Store) *Desk { return &Desk{pool: pool, book: book} }

// Endpoints is what is known of the accounts' endpoints.
func (d *Desk) Endpoints() *knowledge.Endpoints { return knowledge.New(d.pool) }

// timeOrZero turns NULL into the zero time.
func timeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}

// timeOrNull turns the zero time into NULL.
func timeOrNull(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	return &t
}
