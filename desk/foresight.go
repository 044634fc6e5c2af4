package desk

import (
	"context"
	"fmt"
	"slices"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

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

// Fate is what becomes of an operation that takes from another.
type Fate string

// Fates, as TestForesight tries them.
const (
	// FateNothing: there are no points to take.
	FateNothing Fate = "nothing_to_send"
	// FateNetted: the origin was not sent, and is lessened. No call is made.
	FateNetted = Fate(ledger.Netted)
	// FateSent: a call is made of it.
	FateSent Fate = "sent"
	// FateWorkItem: the account has no call for it; a person does it.
	FateWorkItem Fate = "work_item"
	// FateNoCall: the account has no call for it, and needs none.
	FateNoCall = Fate(ledger.NoCallNeeded)
	// FateGivenUp: its origin was given up.
	FateGivenUp = Fate(ledger.NothingToTakeBack)
)

// Fate says what becomes of it at an account that takes these calls; unless
// Ended, once its origin has ended, and as if that is applied then.
func (t *Take) Fate(calls []ledger.Kind) Fate {
	offered := slices.Contains(calls, t.Operation.Kind)
	switch {
	case t.Operation.Points == 0:
		return FateNothing
	case t.Netted:
		return FateNetted
	case t.ByHand:
		return FateWorkItem
	case t.Ended && !t.given:
		return FateGivenUp
	case offered:
		return FateSent
	case t.Operation.Kind == ledger.ConsumeFrozen:
		return FateNoCall
	}
	return FateWorkItem
}

// Waits tells that its origin has to end first.
func (t *Take) Waits() bool {
	return !t.Ended && t.Operation.Points > 0 && !t.Netted && !t.ByHand
}

// sqlOriginStates reads how operations stand (operations_pkey, and the primary keys
// of what belongs to them).
const sqlOriginStates = `
SELECT id, state, COALESCE(cause, ''), posted_at IS NOT NULL, state IN ('posted', 'voided but applied')
  FROM operation_status WHERE id = ANY ($1::bigint[])`

// Foresee says what would become of an event if it was recorded now. It changes and
// locks nothing: one look, in a transaction that cannot write (TestForesight).
func (d *Desk) Foresee(ctx context.Context, m ledger.Message, event *ledger.Event) (f Foresight, err error) {
	look := pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly}
	err = pgx.BeginTxFunc(ctx, d.pool, look, func(tx pgx.Tx) error {
		seen, err := d.book.ForeseeTx(ctx, tx, ledger.Entry{Message: m, Event: event})
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
