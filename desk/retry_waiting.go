package desk

import (
	"context"
	"fmt"
	"math"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// sqlWaitingShares reads what waiting events will take back of sales that are not
// recorded yet. It reads the whole of the table: what waits for its sale is little.
const sqlWaitingShares = `
SELECT w.origin_keys, (w.referral ->> 'ShareFen')::bigint
  FROM waiting w
 WHERE w.origin_keys && $1::uuid[] AND NOT COALESCE((w.referral ->> 'Consumes')::boolean, false)`

// takenSince is what waits to take back from a sale.
type takenSince struct {
	whole    bool
	shareFen int64
}

// all tells whether nothing of an event is kept.
func (t takenSince) all(e *ledger.Event) bool {
	gives, kept := false, false
	for i := range e.Operations {
		o := &e.Operations[i]
		gives = gives || o.Points > 0
		kept = kept || o.Points > 0 && (!t.whole && (o.AmountFen == nil || t.shareFen < *o.AmountFen))
	}
	return gives && !kept
}

// refundedSince finds which of the events were refunded or cancelled whole before they
// could be recorded: what takes them back waits for them.
func (d *Desk) refundedSince(ctx context.Context, items []retried) (refunded map[ledger.FactKey]bool, err error) {
	events := map[ledger.FactKey]*ledger.Event{}
	var keys [][16]byte
	for i := range items {
		e := items[i].entry.Event
		if e == nil || e.Refers != nil {
			continue
		}
		for _, key := range append([]ledger.FactKey{e.FactKey}, e.OtherFacts...) {
			events[key] = e
			keys = append(keys, key)
		}
	}
	if len(keys) == 0 {
		return nil, nil
	}
	rows, err := d.pool.Query(ctx, sqlWaitingShares, keys)
	if err != nil {
		return nil, fmt.Errorf("find what was refunded since: %w", err)
	}
	taken := map[ledger.FactKey]takenSince{}
	var origins [][16]byte
	var share *int64
	_, err = pgx.ForEachRow(rows, []any{&origins, &share}, func() error {
		for _, key := range origins {
			if e := events[key]; e != nil {
				t := taken[e.FactKey]
				if share == nil {
					t.whole = true
				} else {
					t.shareFen = min(t.shareFen, math.MaxInt64-*share) + *share // more than any sale: the join refuses it
				}
				taken[e.FactKey] = t
				break
			}
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("find what was refunded since: %w", err)
	}
	refunded = map[ledger.FactKey]bool{}
	for _, e := range events {
		refunded[e.FactKey] = taken[e.FactKey].all(e)
	}
	return refunded, nil
}

// isRefunded tells whether an item is one of those that refundedSince found.
func (x *retried) isRefunded(refunded map[ledger.FactKey]bool) bool {
	return x.entry.Event != nil && refunded[x.entry.Event.FactKey]
}

// sqlStillWait finds facts that wait for what they are about (waiting_pkey).
const sqlStillWait = `SELECT fact_key FROM waiting WHERE fact_key = ANY ($1::uuid[])`

// leaveWaiting leaves rejects open whose event waits for what it is about, as a refund
// for its sale: the ledger has them, and nothing is recorded of them yet. Whoever
// retries all that is open would close them, and nobody would see that they wait.
func (d *Desk) leaveWaiting(ctx context.Context, items ...[]retried) error {
	named := map[ledger.FactKey]*retried{}
	var facts [][16]byte
	for _, of := range items {
		for i := range of {
			if x := &of[i]; x.reject.Code == ledger.OriginUnknown && x.entry.Event != nil {
				named[x.entry.Event.FactKey] = x
				facts = append(facts, x.entry.Event.FactKey)
			}
		}
	}
	if len(facts) == 0 {
		return nil
	}
	rows, err := d.pool.Query(ctx, sqlStillWait, facts)
	if err != nil {
		return fmt.Errorf("find what waits: %w", err)
	}
	var fact [16]byte
	_, err = pgx.ForEachRow(rows, []any{&fact}, func() error {
		if x := named[fact]; x != nil {
			x.entry = ledger.Entry{Message: x.reject.Message, Rejection: &ledger.Rejection{Code: ledger.OriginUnknown, Reason: x.reject.Reason}}
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("find what waits: %w", err)
	}
	return nil
}
