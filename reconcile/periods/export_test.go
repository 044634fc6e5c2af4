package periods

import (
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
)

// Within is the same periods, whose closings wait so long for older transactions.
func (p *Periods) Within(d time.Duration) *Periods {
	other := *p
	other.within = d
	return &other
}

// Pool is the connections it is asked on.
func (p *Periods) Pool() *pgxpool.Pool { return p.pool }
