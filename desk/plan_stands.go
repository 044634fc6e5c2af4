package desk

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// sqlPlanRunnable keeps a plan from being cancelled until the transaction ends
// (a share lock on its row), and says whether it was.
const sqlPlanRunnable = `SELECT cancelled_at, COALESCE(cancelled_by, '') FROM replay_plans WHERE id = $1 FOR SHARE`

// runnable asks whether the plan still stands; the error is a
// *PlanCancelledError when it does not. In a transaction it stands until that
// ends.
func (r *PlanRun) runnable(ctx context.Context, in interface {
	QueryRow(context.Context, string, ...any) pgx.Row
}) error {
	var cancelledAt *time.Time
	var by string
	if err := in.QueryRow(ctx, sqlPlanRunnable, r.Plan.ID).Scan(&cancelledAt, &by); err != nil {
		return fmt.Errorf("look at plan: %w", err)
	}
	if cancelledAt != nil {
		return &PlanCancelledError{Plan: r.Plan.Name, By: by, At: *cancelledAt}
	}
	return nil
}

// Stands says at this moment whether the plan may go on; the error is a
// *PlanCancelledError when it was cancelled.
func (r *PlanRun) Stands(ctx context.Context) error { return r.runnable(ctx, r.reader()) }

// StandsTx keeps the plan from being cancelled until the transaction ends; the
// error is a *PlanCancelledError when it was. It is what RecordRebuilt asks for
// each batch of a plan (ledger.Standing).
func (r *PlanRun) StandsTx(ctx context.Context, tx pgx.Tx) error { return r.runnable(ctx, tx) }

// Hold does something short while nobody can cancel the plan: whoever tries
// waits. It is for what is no batch (StandsTx). The error is a
// *PlanCancelledError, and nothing was done, when the plan was cancelled.
func (r *PlanRun) Hold(ctx context.Context, do func() error) (err error) {
	tx, err := r.conn.Begin(ctx)
	if err != nil {
		return fmt.Errorf("hold plan %s: %w", r.Plan.Name, err)
	}
	defer func() {
		// Nothing was written here. The lock is given back also after Ctrl-C.
		ended, cancel := context.WithTimeout(context.WithoutCancel(ctx), planUnlockPatience)
		defer cancel()
		if lost := tx.Rollback(ended); err == nil && lost != nil {
			err = fmt.Errorf("let go of plan %s: %w", r.Plan.Name, lost)
		}
	}()
	if err := r.runnable(ctx, tx); err != nil {
		return err
	}
	return do()
}
