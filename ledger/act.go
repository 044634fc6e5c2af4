package ledger

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/jackc/pgx/v5"
)

// ActRecover is a worker's act: it mended the ledger from the stream.
const ActRecover = "recover"

// Act is something that a person did, for table ops_actions.
type Act struct {
	// Actor is who, Name what ("doctor"), Filter to what, and Reason why.
	// Actor and Reason may not be empty.
	Actor, Name, Filter, Reason string
	// SetSize is how many things it is about.
	SetSize int64
	// Result is what became of it. The row is never changed: an act that is
	// recorded before it is done says so here.
	Result string
}

// RecordAct keeps what a person does and returns the record's id.
func (s *Store) RecordAct(ctx context.Context, a Act) (id int64, err error) {
	if strings.TrimSpace(a.Actor) == "" || strings.TrimSpace(a.Reason) == "" {
		return 0, fmt.Errorf("record action: want an actor and a reason")
	}
	return RecordActOn(ctx, s.pool, a)
}

// sqlRecordAct keeps who did what and why (table ops_actions).
const sqlRecordAct = `
INSERT INTO ops_actions (actor, action, filter, reason, set_size, result)
VALUES ($1, $2, $3, $4, $5, $6)
RETURNING id`

// RecordActOn keeps an act on a connection, a pool, or in the transaction that
// does it, and returns the record's id.
func RecordActOn(ctx context.Context, on interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}, a Act) (id int64, err error) {
	err = on.QueryRow(ctx, sqlRecordAct, Storable(a.Actor), a.Name, Storable(a.Filter), Storable(a.Reason),
		a.SetSize, Storable(a.Result)).Scan(&id)
	if err != nil {
		return 0, fmt.Errorf("record action: %w", err)
	}
	return id, nil
}

// actedBatch bounds the parameters of one statement: 16 kB.
const actedBatch = 2000

// sqlRecordActed keeps which operations an act changed.
const sqlRecordActed = `INSERT INTO action_operations (action_id, operation_id) SELECT $1, unnest($2::bigint[])`

// RecordActedTx keeps which operations an act changed, in the transaction that
// changes them.
func RecordActedTx(ctx context.Context, tx pgx.Tx, act int64, changed []OperationID) error {
	for batch := range slices.Chunk(changed, actedBatch) {
		if _, err := tx.Exec(ctx, sqlRecordActed, act, batch); err != nil {
			return fmt.Errorf("record operations of action: %w", err)
		}
	}
	return nil
}
