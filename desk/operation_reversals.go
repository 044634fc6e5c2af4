package desk

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// Reversal says what one operation takes back from another, or that it ends its
// freeze, as seen from one of the two.
type Reversal struct {
	// The other operation, and how it stands (view operation_status).
	Operation ledger.OperationID `json:"operation"`
	BizID     ledger.BizID       `json:"biz_id"`
	Kind      ledger.Kind        `json:"kind"`
	State     string             `json:"state"`
	// KeptBefore and KeptAfter are the points that the member keeps of the origin.
	KeptBefore ledger.Points `json:"kept_before"`
	KeptAfter  ledger.Points `json:"kept_after"`
	// AmountFen is the share of the order's amount; nil: all of it.
	AmountFen *int64 `json:"amount_fen"`
	// Netted: taken before the origin was sent, so that no call is made.
	Netted bool `json:"netted"`
}

// sqlReversals reads what operations take from (reversals_pkey) and what takes from
// them (reversals_origin_idx), in order of recording. No rows means nothing does.
const sqlReversals = `
SELECT r.operation_id, true, s.id, s.biz_id, s.kind, s.state, r.kept_before, r.kept_after, r.amount_fen, r.netted
  FROM reversals r
  JOIN operation_status s ON s.id = r.origin_id
 WHERE r.operation_id = ANY ($1::bigint[])
UNION ALL
SELECT r.origin_id, false, s.id, s.biz_id, s.kind, s.state, r.kept_before, r.kept_after, r.amount_fen, r.netted
  FROM reversals r
  JOIN operation_status s ON s.id = r.operation_id
 WHERE r.origin_id = ANY ($1::bigint[])
 ORDER BY 1, 3`

// reversals adds what operations take from, and what takes from them.
func (d *Desk) reversals(ctx context.Context, ids []int64, byID map[ledger.OperationID]*OperationDetail) error {
	rows, err := d.pool.Query(ctx, sqlReversals, ids)
	if err != nil {
		return fmt.Errorf("read reversals: %w", err)
	}
	var id ledger.OperationID
	var takes bool
	var r Reversal
	_, err = pgx.ForEachRow(rows, []any{&id, &takes, &r.Operation, &r.BizID, &r.Kind, &r.State, &r.KeptBefore, &r.KeptAfter, &r.AmountFen, &r.Netted}, func() error {
		found := r
		r.AmountFen = nil
		switch d := byID[id]; {
		case takes:
			d.TakesFrom = &found
		default:
			d.TakenBack = append(d.TakenBack, found)
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("read reversals: %w", err)
	}
	return nil
}
