package desk

import (
	"context"
	"fmt"

	"pointsledger/ledger"
	"pointsledger/ledger/budgets"
)

// BudgetExcess is why an operation was parked when it was recorded (table
// budget_excesses). It stays what it was when a person has released the operation.
type BudgetExcess struct {
	Bound budgets.Bound `json:"bound"`
	// Day is the broker's, in the programme's time zone: YYYY-MM-DD.
	Day string `json:"day"`
	// Limit is the budget of that day, Spent what had been granted of it.
	Limit ledger.Points `json:"limit_points"`
	Spent ledger.Points `json:"spent_points"`
}

// sqlBudgetExcesses reads by budget_excesses_pkey. No rows means that none was above
// a budget.
const sqlBudgetExcesses = `
SELECT operation_id, bound, to_char(day, 'YYYY-MM-DD'), limit_points, spent_points
  FROM budget_excesses
 WHERE operation_id = ANY ($1::bigint[])`

// budgetExcesses adds to operations by which budget they were parked.
func (d *Desk) budgetExcesses(ctx context.Context, ids []int64, byID map[ledger.OperationID]*OperationDetail) error {
	rows, err := d.pool.Query(ctx, sqlBudgetExcesses, ids)
	if err != nil {
		return fmt.Errorf("read budget excesses: %w", err)
	}
	defer rows.Close()
	for rows.Next() {
		var id ledger.OperationID
		var e BudgetExcess
		if err := rows.Scan(&id, &e.Bound, &e.Day, &e.Limit, &e.Spent); err != nil {
			return fmt.Errorf("read budget excesses: %w", err)
		}
		if d := byID[id]; d != nil {
			d.OverBudget = &e
		}
	}
	if err := rows.Err(); err != nil {
		return fmt.Errorf("read budget excesses: %w", err)
	}
	return nil
}
