package carry

import (
	"context"
	"fmt"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// GiveUpResult is what giving a plan up came to.
type GiveUpResult struct {
	Plan string `json:"plan"`
	// Act is the row of ops_actions; 0 when nothing was left to do, for then
	// nothing is recorded.
	Act int64 `json:"action_id"`
	desk.VoidCount
	// Left are still to be done: somebody else was changing them, or it was
	// stopped.
	Left int64 `json:"left"`

	// MoreInDoubt: there may be more in doubt than were counted, in a batch whose
	// answer was lost.
	MoreInDoubt bool `json:"-"`
	// Of is how many the plan had left when it began.
	Of int64 `json:"-"`
	// Stopped is why it ended before the end of the plan; nil when it did not. It is
	// a *desk.PlanCancelledError, that of the context, or the database's.
	Stopped error `json:"-"`
}

// GiveUp gives up what is left of a plan of kind void, and records that it begins
// and how it ended; what is in doubt only with acceptInDoubt. progress hears of
// each batch. The result is nil when it did not begin: the error is BeginPlan's.
// With a result, the error says that the end could not be recorded.
func GiveUp(ctx context.Context, d *desk.Desk, plan desk.Plan, who desk.Decision, acceptInDoubt bool, progress func(done, of int64)) (*GiveUpResult, error) {
	run, err := d.BeginPlan(ctx, desk.PlanStart{Plan: plan, Act: desk.ActVoid, Actor: who.Actor, Reason: who.Reason})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	r := &GiveUpResult{Plan: plan.Name, Act: run.Act, Of: run.Plan.Left}
	for more := true; more && r.Stopped == nil; {
		var batch desk.VoidCount
		batch, more, r.Stopped = run.VoidBatch(ctx, acceptInDoubt)
		r.Add(batch)
		progress(r.Voided+r.Refused+r.Skipped, r.Of)
	}
	_, err = endCounted(ctx, run, func(counts desk.PlanCounts, points ledger.Points) (int64, string) {
		r.MoreInDoubt = acceptInDoubt && counts.Done > r.Voided
		r.Voided, r.Points, r.Refused, r.Skipped, r.Left = counts.Done, points, counts.Refused, counts.Skipped, counts.Left
		return r.Voided, r.text()
	})
	return r, err
}

// text is the result as ops_actions keeps it.
func (r *GiveUpResult) text() string {
	more := ""
	if r.MoreInDoubt {
		more = " or more"
	}
	return fmt.Sprintf("voided %d (%d points, %d%s in doubt); refused %d in doubt; skipped %d no longer parked; left %d",
		r.Voided, r.Points, r.InDoubt, more, r.Refused, r.Skipped, r.Left)
}
