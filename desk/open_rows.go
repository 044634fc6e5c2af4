package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// OpenRows are the open operations of one account in one state.
type OpenRows struct {
	Account string
	// State is pending, sending or parked.
	State ledger.State
	// Rows is at least 1.
	Rows int64
	// OldestID names the operation that was recorded first (ids go up with
	// time) of those that are neither held nor wait for another; 0 when there is none.
	// Oldest is how long ago that was, or for how long one that was held could have gone.
	OldestID ledger.OperationID
	Oldest   time.Duration
	InDoubt  int64
	// OldestDoubt is the time since the first send of the row that is in doubt
	// longest; 0 when none is.
	OldestDoubt time.Duration
}

const (
	// sqlCountOutbox reads the outbox once from end to end, which is as large as
	// the backlog, and no other table. Locks no rows. No rows: nothing is open.
	sqlCountOutbox = `
SELECT target, state, count(*), COALESCE(min(operation_id) FILTER (WHERE waits_for IS NULL AND held_until IS NULL), 0), count(*) FILTER (WHERE in_doubt),
       COALESCE(EXTRACT(epoch FROM now() - min(held_until) FILTER (WHERE waits_for IS NULL AND held_until <= now())), 0)::float8,
       COALESCE(EXTRACT(epoch FROM now() - min(first_sent_at) FILTER (WHERE in_doubt)), 0)::float8
  FROM outbox
 GROUP BY target, state
 ORDER BY target, state`

	// sqlAgeOfOperations reads a few operations by id (operations_pkey). A row
	// is missing only in a ledger that changed between the two statements.
	sqlAgeOfOperations = `SELECT id, EXTRACT(epoch FROM now() - recorded_at)::float8 FROM operations WHERE id = ANY($1)`
)

// CountOpen says what is open, by account and state, for whoever looks every few
// seconds: it reads nothing that grows with the history
// (TestBacklogReadsNoHistory). The counts come from a transaction of their own,
// because a worker's connections plan for look-ups by key, and this is the one
// statement that wants the whole table. The ages come from operations, where
// those plans are right.
func (d *Desk) CountOpen(ctx context.Context) ([]OpenRows, error) {
	open, ids, err := d.countOutbox(ctx)
	if err != nil {
		return nil, fmt.Errorf("count open operations: %w", err)
	}
	if len(open) == 0 {
		return nil, nil
	}
	rows, err := d.pool.Query(ctx, sqlAgeOfOperations, ids)
	if err != nil {
		return nil, fmt.Errorf("read age of open operations: %w", err)
	}
	var id ledger.OperationID
	var age float64
	ages := make(map[ledger.OperationID]float64, len(ids))
	if _, err := pgx.ForEachRow(rows, []any{&id, &age}, func() error { ages[id] = age; return nil }); err != nil {
		return nil, fmt.Errorf("read age of open operations: %w", err)
	}
	for i := range open {
		open[i].Oldest = max(open[i].Oldest, inSeconds(ages[open[i].OldestID]))
	}
	return open, nil
}

// countOutbox is CountOpen without the ages; ids are the oldest operations'.
func (d *Desk) countOutbox(ctx context.Context) (open []OpenRows, ids []int64, err error) {
	err = pgx.BeginTxFunc(ctx, d.pool, pgx.TxOptions{AccessMode: pgx.ReadOnly}, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, `SET LOCAL enable_seqscan = on`); err != nil {
			return err
		}
		rows, err := tx.Query(ctx, sqlCountOutbox)
		if err != nil {
			return err
		}
		open, err = pgx.CollectRows(rows, func(row pgx.CollectableRow) (o OpenRows, err error) {
			var held, doubt float64
			err = row.Scan(&o.Account, &o.State, &o.Rows, &o.OldestID, &o.InDoubt, &held, &doubt)
			o.Oldest, o.OldestDoubt = inSeconds(held), inSeconds(doubt)
			if o.OldestID != 0 {
				ids = append(ids, int64(o.OldestID))
			}
			return o, err
		})
		return err
	})
	return open, ids, err
}
