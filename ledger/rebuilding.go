package ledger

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
)

// RebuildMark stands behind the stream's name in the identity of a ledger that
// is being rebuilt: an event that is published again would be taken for a new
// one. No stream can have such a name, so a worker that does not know the mark
// takes the ledger for another stream's.
const RebuildMark = " (being rebuilt)"

// sqlIsRebuilding looks for the mark in the one row of the identity.
const sqlIsRebuilding = `SELECT EXISTS (SELECT FROM ledger_identity WHERE right(stream, length($1::text)) = $1)`

// RebuildingTx tells whether the ledger is being rebuilt from the stream.
func RebuildingTx(ctx context.Context, tx pgx.Tx) (is bool, err error) {
	if err := tx.QueryRow(ctx, sqlIsRebuilding, RebuildMark).Scan(&is); err != nil {
		return false, fmt.Errorf("read ledger identity: %w", err)
	}
	return is, nil
}
