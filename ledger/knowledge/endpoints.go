package knowledge

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Endpoints is what is known of the vendors' endpoints that the accounts of a
// ledger were called at. It is safe for concurrent use.
type Endpoints struct{ pool *pgxpool.Pool }

// New returns what is known in the ledger that a pool is on.
func New(pool *pgxpool.Pool) *Endpoints { return &Endpoints{pool: pool} }

func inSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }

// timeOrZero turns NULL into the zero time.
func timeOrZero(t *time.Time) time.Time {
	if t == nil {
		return time.Time{}
	}
	return *t
}
