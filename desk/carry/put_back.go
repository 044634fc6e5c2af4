package carry

import (
	"context"
	"errors"
	"fmt"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// PutBackOrder says how a plan is put back.
type PutBackOrder struct {
	// PerSecond is the most operations to put back in a second; 0 is no limit.
	PerSecond int
	// Canary is how many go first, 0 is none. CanaryShare of them, above 0 and up
	// to 1, must have posted within CanaryWait, or the rest stays.
	Canary      int
	CanaryShare float64
	CanaryWait  time.Duration
	// Memories are how long the accounts' vendors remember a dedup key.
	Memories []desk.KeyMemory
	Watch    PutBackWatch
}

// PutBackWatch hears how putting back goes, in the goroutine that does it.
type PutBackWatch interface {
	// Begun is called once, with the plan as it is then.
	Begun(plan desk.Plan)
	// Did is called after each batch.
	Did(r *PutBackResult)
	// Watches is called each time that the canary is looked at.
	Watches(c *Canary)
	// Untaken is called once when no worker has taken any of the canary for a
	// while; gates are those that are closed.
	Untaken(waited time.Duration, gates []desk.ClosedGate)
}

// PutBackResult is what putting a plan back came to.
type PutBackResult struct {
	// Plan is the plan's name.
	Plan string `json:"plan"`
	// Act and EndAct are the rows of ops_actions; 0 when nothing was left to do, for
	// then nothing is recorded.
	Act    int64 `json:"action_id"`
	EndAct int64 `json:"end_action_id"`
	// Found = put back + refused + skipped + Left.
	Found int64 `json:"found"`
	desk.Reopened
	Left int64 `json:"left"`
	// Canary is nil without one.
	Canary *Canary `json:"canary"`

	// Stopped is why it ended before the end of the plan; nil when it did not. It is
	// a *CanaryError, a *desk.PlanCancelledError, that of the context, or the
	// database's. What was done before is done.
	Stopped error `json:"-"`
}

// putBackRun is one go at a plan: what lies between its two records.
type putBackRun struct {
	PutBackOrder
	desk   *desk.Desk
	run    *desk.PlanRun
	pace   pace
	result *PutBackResult
}

// PutBack puts back what is left of a plan of kind run, and records that it begins
// and how it ended. The result is nil when it did not begin: the error is
// BeginPlan's. With a result, the error says that the end could not be recorded.
func PutBack(ctx context.Context, d *desk.Desk, plan desk.Plan, who desk.Decision, o PutBackOrder) (*PutBackResult, error) {
	run, err := d.BeginPlan(ctx, desk.PlanStart{Plan: plan, Act: desk.ActReplay, Actor: who.Actor, Reason: who.Reason})
	if err != nil {
		return nil, err
	}
	defer run.Close()
	r := &putBackRun{PutBackOrder: o, desk: d, run: run, pace: pace{perSecond: o.PerSecond},
		result: &PutBackResult{Plan: plan.Name, Act: run.Act, Found: run.Plan.Left}}
	o.Watch.Begun(run.Plan)
	r.result.Stopped = r.all(ctx)
	return r.result, r.end(ctx)
}

// all puts back the canary, if one is asked for, and then the rest.
func (r *putBackRun) all(ctx context.Context) error {
	more := true
	var err error
	if r.Canary > 0 {
		if more, err = r.batches(ctx, int64(r.Canary)); err == nil {
			err = r.watchCanary(ctx)
		}
	}
	if err == nil && more {
		_, err = r.batches(ctx, 0)
	}
	return err
}

// batches puts operations back until enough are (0: until nothing is left). It
// holds one batch in memory, whatever the size of the plan.
func (r *putBackRun) batches(ctx context.Context, enough int64) (more bool, err error) {
	done := &r.result.Reopened
	for more = true; more && (enough == 0 || done.Reopened < enough); {
		limit := r.pace.batch()
		if enough > 0 && (limit == 0 || int64(limit) > enough-done.Reopened) {
			limit = int(enough - done.Reopened)
		}
		if err := r.pace.wait(ctx); err != nil {
			return true, err
		}
		before := done.Reopened
		if more, err = r.run.PutBack(ctx, limit, r.Memories, done); err != nil {
			return true, err
		}
		r.pace.did(done.Reopened - before)
		r.Watch.Did(r.result)
	}
	return more, nil
}

// end records how the run ended. It counts anew: a batch whose answer was lost
// may have been committed all the same.
func (r *putBackRun) end(ctx context.Context) (err error) {
	r.result.EndAct, err = endCounted(ctx, r.run, func(counts desk.PlanCounts, points ledger.Points) (int64, string) {
		done := &r.result.Reopened
		done.Reopened, done.Points, done.Skipped = counts.Done, points, counts.Skipped
		done.KeyMemoryOver = counts.Refused - done.WorkItems - done.Refunded - done.AccountUnknown - done.MemberUnknown
		r.result.Left = counts.Left
		text := done.Text() + fmt.Sprintf("; left %d", counts.Left)
		if r.result.Stopped != nil {
			text = stoppedWords(r.result.Stopped) + ": " + text
		}
		return r.result.Found, text
	})
	return err
}

// stoppedWords says in a few words what stopped a run, for ops_actions.
func stoppedWords(stopped error) string {
	var canary *CanaryError
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(stopped, &canary):
		return "stopped by the canary"
	case errors.As(stopped, &cancelled):
		return "stopped, as the plan was cancelled"
	case errors.Is(stopped, context.Canceled):
		return "interrupted"
	}
	return "failed"
}

// endPatience bounds recording an end that the person does not wait for any more.
const endPatience = 10 * time.Second

// endCounted records how a run ended, also when the person has had enough. say
// makes of what was counted the size of the act and its text.
func endCounted(ctx context.Context, run *desk.PlanRun, say func(desk.PlanCounts, ledger.Points) (int64, string)) (act int64, err error) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), endPatience)
	defer cancel()
	counts, points, err := run.Counts(ctx)
	if err != nil {
		return 0, err
	}
	size, text := say(counts, points)
	return run.End(ctx, size, text)
}
