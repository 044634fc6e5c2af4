package desk

import (
	"context"
	"errors"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// HandSettlement is a person's statement that the vendor has applied a parked
// operation.
type HandSettlement struct {
	Decision
	ID ledger.OperationID
	// Evidence is what the statement rests on, in the person's words. It may
	// not be empty.
	Evidence string
	// Against is what spoke against it, empty for nothing, and Records what the
	// member's records were seen to show (a word), empty when nobody looked. Both
	// are kept with the act.
	Against, Records string
	// Filter is what the person typed to name the operation.
	Filter string
}

// sqlSettleByHand ends a parked operation whose member is known: the posting is
// written by the statement that deletes the row, so a worker can neither have
// it in hand nor take it. Locks the row (outbox_pkey). No row means that it is
// not parked, or that nobody knows whose points they are.
const sqlSettleByHand = `
WITH gone AS (
    DELETE FROM outbox x
     USING operations o
     WHERE x.operation_id = $1 AND o.id = x.operation_id AND x.state = 'parked'
       AND COALESCE(x.resolved_member_id, o.member_id, '') <> ''
    RETURNING x.operation_id, COALESCE(x.resolved_member_id, o.member_id) AS member_id, x.attempts
)
INSERT INTO postings (operation_id, kind, evidence, member_id, attempts, vendor_message)
SELECT operation_id, 'posted', 'manual', member_id, attempts, $2 FROM gone
RETURNING operation_id`

// SettleByHand posts a parked operation on a person's word, and returns the id
// of the record in ops_actions. A *NotParkedError says that the operation is
// not parked, or has no member; then nothing was changed.
func (d *Desk) SettleByHand(ctx context.Context, h HandSettlement) (act int64, err error) {
	if err := h.check(); err != nil {
		return 0, fmt.Errorf("settle by hand: %w", err)
	}
	if h.Evidence == "" {
		return 0, fmt.Errorf("settle by hand: want evidence")
	}
	err = pgx.BeginFunc(ctx, d.pool, func(tx pgx.Tx) error {
		var id ledger.OperationID
		err := tx.QueryRow(ctx, sqlSettleByHand, int64(h.ID), ledger.Storable(h.Evidence)).Scan(&id)
		if errors.Is(err, pgx.ErrNoRows) {
			return refusedSettlementTx(ctx, tx, h.ID)
		}
		if err != nil {
			return err
		}
		act, err = h.recordTx(ctx, tx, ledger.Act{Name: ActSettle, Filter: h.Filter, SetSize: 1, Result: h.result()}, id)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("settle by hand: %w", err)
	}
	return act, nil
}

// result is what ops_actions keeps.
func (h *HandSettlement) result() string {
	text := "posted by hand"
	if h.Against != "" {
		text += " AGAINST what the vendor shows (" + h.Against + ")"
	}
	if h.Records != "" {
		text += "; records: " + h.Records
	}
	return text + "; evidence: " + h.Evidence
}

func refusedSettlementTx(ctx context.Context, tx pgx.Tx, id ledger.OperationID) error {
	st, err := standingTx(ctx, tx, id)
	if err != nil {
		return err
	}
	refused := &NotParkedError{ID: id, State: st.state}
	if st.state == string(ledger.Parked) && st.recorded == "" && st.resolved == "" {
		refused.Why = "its member is not known: only the scanned code " + st.code
	}
	return refused
}
