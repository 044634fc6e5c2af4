package desk

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/jackc/pgx/v5"

	"pointsledger/ledger"
)

// leaveOutTx takes out of a run plan's filter what is not put back with others, or not
// at all, and counts it.
func leaveOutTx(ctx context.Context, tx pgx.Tx, p *Plan, filter *OpenFilter, memories []KeyMemory) error {
	count := func(left OpenFilter, n *int64) error {
		if err := tx.QueryRow(ctx, sqlCountOpen, left.args(memories)).Scan(n); err != nil {
			return fmt.Errorf("count what is left out: %w", err)
		}
		return nil
	}
	if filter.Cause == "" || filter.Cause == ledger.CauseNoVendorCall {
		work := *filter
		work.Cause = ledger.CauseNoVendorCall
		if err := count(work, &p.Work); err != nil {
			return err
		}
	}
	filter.withoutWork = true
	if !filter.Refunded {
		refunded := *filter
		refunded.Refunded = true
		if err := count(refunded, &p.Refunded); err != nil {
			return err
		}
		filter.withoutRefunded = true
	}
	if !filter.namesOverBudget() {
		over := *filter
		over.Cause = ledger.CauseOverBudget
		if err := count(over, &p.OverBudget); err != nil {
			return err
		}
		filter.withinBudget = true
	}
	return nil
}

// ofRefunded are the details of a run plan of what was refunded or cancelled since:
// a person has asked for it.
const ofRefunded = `{"refunded": true}`

// takesRefunded tells whether a run plan was made of what was refunded or cancelled
// since. Others leave such rows parked, also when the refund came after the plan.
func (p *Plan) takesRefunded() bool {
	var d struct {
		Refunded bool `json:"refunded"`
	}
	return json.Unmarshal(p.Details, &d) == nil && d.Refunded
}
