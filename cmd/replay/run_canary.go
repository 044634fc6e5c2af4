package main

import (
	"context"
	"fmt"
	"math"
	"strings"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// canaryReport is what became of the operations that were put back first.
type canaryReport struct {
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

func (r *canaryReport) words() string {
	parts := []string{fmt.Sprintf("%s of %s posted (wanted: %s)", wording.Count(r.Posted), wording.Count(r.Operations), wording.Count(r.Needed))}
	for _, part := range []struct {
		n    int64
		what string
	}{{r.ParkedAgain, "parked again"}, {r.Failing, "tried without success"}, {r.Sending, "being sent"}, {r.Untried, "not tried"}, {r.Voided, "voided"}} {
		if part.n > 0 {
			parts = append(parts, wording.Count(part.n)+" "+part.what)
		}
	}
	return strings.Join(parts, ", ")
}

// canaryError stops a run after its canary: exit code 3.
type canaryError struct{ text string }

func (e *canaryError) Error() string { return e.text }

// Is makes the error stand for "done, but something does not agree".
func (e *canaryError) Is(target error) bool { return target == command.ErrDisagree }

const (
	// canaryPoll is how often the canary is looked at.
	canaryPoll = 250 * time.Millisecond
	// canaryQuiet is after how long a person is told that no worker has taken
	// any of the canary: workers look for due rows every second or two.
	canaryQuiet = 10 * time.Second
)

// watchCanary waits until the operations that were put back first have posted or
// parked again, as far as that decides. The error is a *canaryError when
// too few have posted.
func (p *planRun) watchCanary(ctx context.Context) error {
	if p.report.Reopened.Reopened == 0 {
		return nil
	}
	p.report.Canary = &canaryReport{}
	began, told := time.Now(), false
	tick := time.NewTicker(canaryPoll)
	defer tick.Stop()
	for {
		now, err := p.run.Progress(ctx, ledger.CauseReturned)
		if err != nil {
			return err
		}
		*p.report.Canary = newCanaryReport(now, p.o.canaryShare)
		waited := time.Since(began)
		if p.report.Canary.decided() || waited >= p.o.canaryWait {
			return p.judgeCanary(ctx, waited)
		}
		if !told && waited >= canaryQuiet && now.Waiting == now.Total {
			told = true
			p.progress.Done()
			fmt.Fprintf(p.errOut, "No worker has taken any of the canary in %s: %s\nWaiting up to %s.\n", wording.Short(waited), p.whyUntaken(ctx), p.o.canaryWait)
		}
		p.progress.Show("  canary: %s", p.report.Canary.words())
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
func (r *canaryReport) decided() bool {
	return r.Untried+r.Sending == 0 && (r.Posted >= r.Needed || r.Posted+r.Failing < r.Needed)
}

func newCanaryReport(now ledger.PutBackProgress, share float64) canaryReport {
	return canaryReport{Operations: now.Total, Posted: now.Posted, Voided: now.Voided, ParkedAgain: now.Parked, Failing: now.Failing,
		Untried: now.Waiting, Sending: now.Sending, Needed: canaryNeeds(now.Total-now.Voided, share)}
}

// canaryNeeds is how many of n must post, at least 1. What a person voided
// meanwhile says nothing about the vendor.
func canaryNeeds(n int64, share float64) int64 {
	const rounding = 1e-9 // 0.9 × 10 is 9, not the next number up
	return max(int64(math.Ceil(float64(n)*share-rounding)), 1)
}

// judgeCanary is nil when the run may go on.
func (p *planRun) judgeCanary(ctx context.Context, waited time.Duration) error {
	r := p.report.Canary
	if r.Posted >= r.Needed {
		return nil
	}
	p.progress.Done()
	goOn := fmt.Sprintf("See why with `replay status`. To go on all the same, leave --canary out:\n  %s\nTo give the plan up:\n  replay cancel %s", p.o.withoutCanary(p.report.Plan), p.report.Plan)
	if r.Untried == r.Operations {
		return &canaryError{fmt.Sprintf("stopped after the canary: in %s no worker has taken any of its %s:\n%s\nThey are sent when one does; the rest is still parked. %s",
			wording.Short(waited), wording.Plural(r.Operations, "operation"), p.whyUntaken(ctx), goOn)}
	}
	return &canaryError{fmt.Sprintf("stopped after the canary: %s.\nThe rest is still parked. %s", r.words(), goOn)}
}

// withoutCanary is the command that goes on without one.
func (o runOptions) withoutCanary(plan string) string {
	o.canary = 0
	return o.command(plan)
}

// whyUntaken says why workers may leave operations alone that are due.
func (p *planRun) whyUntaken(ctx context.Context) string {
	gates, err := p.store.ClosedGates(ctx)
	if err != nil || len(gates) == 0 {
		return "is one running? (`replay status` says so when what is due stays)"
	}
	var closed []string
	for _, g := range gates {
		closed = append(closed, g.Account+" ("+g.Reason+")")
	}
	return "closed to calls: " + strings.Join(closed, ", ") + " (`replay status` says why)"
}
