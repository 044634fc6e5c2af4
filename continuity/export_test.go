package continuity

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// NoteRebuilt is what Rebuilder.Add notes each batch with.
func NoteRebuilt(ctx context.Context, pool *pgxpool.Pool, act int64, planMade time.Time, entries []ledger.Entry, verdicts []ledger.Verdict) error {
	return noteRebuilt(ctx, pool, act, planMade, entries, verdicts)
}
