package waiting

import (
	"context"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// Book records waiting events under the locks of their sales ([ledger.Store]).
type Book interface {
	RecordJoined(ctx context.Context, origins []ledger.FactKey, joining ledger.Joining) error
}

// Waiting is what waits in a ledger. It is safe for concurrent use, by many workers.
type Waiting struct {
	pool *pgxpool.Pool
	book Book
}

// New returns what waits in the ledger of a pool.
func New(pool *pgxpool.Pool, book Book) *Waiting { return &Waiting{pool: pool, book: book} }
