package carry

import (
	"context"
	"math"
	"time"

	"pointsledger/desk"
	"pointsledger/ledger"
)

// Canary is what became of the operations that were put back first.
type Canary struct {
	Operations  int64 `json:"operations"`
	Posted      int64 `json:"posted"`
	Voided      int64 `json:"voided"`
	ParkedAgain int64 `json:"parked_again"`
	// Failing were tried without success and wait for another attempt.
	Failing int64 `json:"tried_without_success"`
	// Untried are those that no worker has taken, and Sending those that one
	// had in hand, when the wait was over.
	Untried int64 `json:"not_tried"`
	Sending int64 `json:"being_sent"`
	// Needed is how many had to post.
	Needed int64 `json:"needed"`
}

const (
	// canaryPoll is how often the canary is looked at.
	canaryPoll = 250 * time.Millisecond
	// canaryQuiet is after how long a person is told that no worker has taken
	// any of the canary: workers look for due rows every second or two.
	canaryQuiet = 10 * time.Second
)

// watchCanary waits until the operations that were put back first have posted or
// parked again, as far as that decides. The error is a *CanaryError when too few
// have posted.
func (r *putBackRun) watchCanary(ctx context.Context) error {
	if r.result.Reopened.Reopened == 0 {
		return nil
	}
	r.result.Canary = &Canary{}
	began, told := time.Now(), false
	tick := time.NewTicker(canaryPoll)
	defer tick.Stop()
	for {
		now, err := r.run.Progress(ctx, ledger.CauseReturned)
		if err != nil {
			return err
		}
		*r.result.Canary = newCanary(now, r.CanaryShare)
		waited := time.Since(began)
		if r.result.Canary.decided() || waited >= r.CanaryWait {
			return r.judgeCanary(ctx, waited)
		}
		if !told && waited >= canaryQuiet && now.Waiting == now.Total {
			told = true
			r.Watch.Untaken(waited, r.closedGates(ctx))
		}
		r.Watch.Watches(r.result.Canary)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// decided tells that waiting longer changes nothing: all were tried, and enough
// have posted, or too few are left that still may. What was tried without success
// may yet post: it is tried again, or held back until the gate opens.
func (c *Canary) decided() bool {
	return c.Untried+c.Sending == 0 && (c.Posted >= c.Needed || c.Posted+c.Failing < c.Needed)
}

func newCanary(now desk.PutBackProgress, share float64) Canary {
	return Canary{Operations: now.Total, Posted: now.Posted, Voided: now.Voided, ParkedAgain: now.Parked, Failing: now.Failing,
		Untried: now.Waiting, Sending: now.Sending, Needed: canaryNeeds(now.Total-now.Voided, share)}
}

// canaryNeeds is how many of n must post, at least 1. What a person voided
// meanwhile says nothing about the vendor.
func canaryNeeds(n int64, share float64) int64 {
	const rounding = 1e-9 // 0.9 × 10 is 9, not the next number up
	return max(int64(math.Ceil(float64(n)*share-rounding)), 1)
}

// judgeCanary is nil when the run may go on.
func (r *putBackRun) judgeCanary(ctx context.Context, waited time.Duration) error {
	c := *r.result.Canary
	switch {
	case c.Posted >= c.Needed:
		return nil
	case c.Untried == c.Operations:
		return &CanaryError{Canary: c, Waited: waited, Gates: r.closedGates(ctx)}
	}
	return &CanaryError{Canary: c, Waited: waited}
}

// closedGates are why workers may leave operations alone that are due; none when
// that cannot be read.
func (r *putBackRun) closedGates(ctx context.Context) []desk.ClosedGate {
	gates, err := r.desk.ClosedGates(ctx)
	if err != nil {
		return nil
	}
	return gates
}
