package desk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

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
