package foresight

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"pointsledger/ledger"
)

// Book decides about an event without recording it ([ledger.Store]).
type Book interface {
	ForeseeTx(ctx context.Context, tx pgx.Tx, e ledger.Entry) (ledger.Foresight, error)
}

// Foresight is what would become of an event if it was recorded now, and nothing else
// came meanwhile.
type Foresight struct {
	Verdict ledger.Verdict
	// Waits: what the event is about is not recorded. It would wait for that, or, as a
	// duplicate, waits already.
	Waits bool
	// Takes are what it would take, in the order of the earlier event's operations.
	Takes []Take
}

// Take is what an event would take from an operation, with how that stands.
type Take struct {
	ledger.Take
	// State and Cause are the origin's, as operation_status has them. Ended: it is
	// posted, voided, or was applied after a void.
	State string
	Cause ledger.Cause
	Ended bool
	// given: the vendor has applied the origin.
	given bool
}

// sqlOriginStates reads how operations stand (operations_pkey, and the primary keys
// of what belongs to them).
const sqlOriginStates = `
SELECT id, state, COALESCE(cause, ''), posted_at IS NOT NULL, state IN ('posted', 'voided but applied')
  FROM operation_status WHERE id = ANY ($1::bigint[])`

// Look says what would become of an event if it was recorded now. The pool is the one
// that the book is on, and has two connections at least.
func Look(ctx context.Context, pool *pgxpool.Pool, book Book, m ledger.Message, event *ledger.Event) (f Foresight, err error) {
	options := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, pool, options, func(tx pgx.Tx) error {
		seen, err := book.ForeseeTx(ctx, tx, ledger.Entry{Message: m, Event: event})
		if err != nil {
			return err
		}
		f = Foresight{Verdict: seen.Verdict, Waits: seen.Waits}
		for _, t := range seen.Takes {
			f.Takes = append(f.Takes, Take{Take: t})
		}
		return f.addStates(ctx, tx)
	})
	if err != nil {
		return Foresight{}, fmt.Errorf("foresee event: %w", err)
	}
	return f, nil
}

func (f *Foresight) addStates(ctx context.Context, tx pgx.Tx) error {
	ids := make([]int64, len(f.Takes))
	for i := range f.Takes {
		ids[i] = int64(f.Takes[i].Origin)
	}
	rows, err := tx.Query(ctx, sqlOriginStates, ids)
	if err != nil {
		return fmt.Errorf("read states: %w", err)
	}
	var id ledger.OperationID
	var how Take
	if _, err := pgx.ForEachRow(rows, []any{&id, &how.State, &how.Cause, &how.Ended, &how.given}, func() error {
		for i := range f.Takes {
			if t := &f.Takes[i]; t.Origin == id {
				t.State, t.Cause, t.Ended, t.given = how.State, how.Cause, how.Ended, how.given
			}
		}
		return nil
	}); err != nil {
		return fmt.Errorf("read states: %w", err)
	}
	return nil
}
