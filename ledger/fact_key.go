package ledger

import (
	"context"
	"crypto/sha256"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgxpool"
)

// FactKey names a business fact: a paid order, a check-in, a review. It is made
// of what makes the dedup keys of its operations, without account and leg, so
// rules that name another account find the same fact. Zero is none.
type FactKey [16]byte

// NewFactKey hashes the parts that name a fact: scope, type and the key fields'
// values. Each is hashed behind its length, as for NewBizID. 128 bits of the
// digest are kept: two of 10^12 facts share them with a chance below 10^-14.
func NewFactKey(parts ...string) FactKey {
	var space [512]byte
	text := space[:0]
	for _, part := range parts {
		text = appendPart(text, part)
	}
	sum := sha256.Sum256(text)
	return FactKey(sum[:len(FactKey{})])
}

// String is the key as Postgres writes it.
func (k FactKey) String() string {
	return fmt.Sprintf("%x-%x-%x-%x-%x", k[:4], k[4:6], k[6:8], k[8:10], k[10:])
}

// OperationKey identifies an operation for ever: account and dedup key.
type OperationKey struct {
	Target string
	BizID  BizID
}

// sqlHoldsOlder tells whether an operation has no fact key, by
// operations_one_per_fact. Locks nothing.
const sqlHoldsOlder = `SELECT EXISTS (SELECT 1 FROM operations WHERE fact_key IS NULL)`

// older remembers whether the ledger holds operations from before fact keys.
// They stay for ever once they are there. Safe for concurrent use.
type older struct{ state atomic.Int32 }

const (
	olderUnknown int32 = iota
	olderThere
	olderNone
)

// there asks the database at first, and again after doubt.
func (o *older) there(ctx context.Context, pool *pgxpool.Pool) (bool, error) {
	if state := o.state.Load(); state != olderUnknown {
		return state == olderThere, nil
	}
	var found bool
	if err := pool.QueryRow(ctx, sqlHoldsOlder).Scan(&found); err != nil {
		return false, fmt.Errorf("look for operations without a fact key: %w", err)
	}
	if found {
		o.state.Store(olderThere)
	} else {
		o.state.Store(olderNone)
	}
	return found, nil
}

// doubt is called when a key clashed: an older program may write beside us.
func (o *older) doubt() { o.state.CompareAndSwap(olderNone, olderUnknown) }
