package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// carryOut puts back what is left of a plan.
func (s *session) carryOut(c *cobra.Command, o *runOptions, plan desk.Plan) (page, error) {
	if plan.Left == 0 && plan.CancelledAt == nil {
		return &putBackDone{PutBackResult: carry.PutBackResult{Plan: plan.Name}, left: &plan}, nil
	}
	watch := &runWatch{c: c, o: o, progress: command.NewProgress(c.ErrOrStderr())}
	done, err := carry.PutBack(c.Context(), s.desk, plan, o.who, carry.PutBackOrder{PerSecond: o.rate, Canary: o.canary, CanaryShare: o.canaryShare,
		CanaryWait: o.canaryWait, Memories: s.keyMemories(), Watch: watch})
	watch.progress.Done()
	switch {
	case done == nil:
		return nil, steps.PutBackRefused(err)
	case err != nil:
		return nil, o.broken(plan.Name, errors.Join(done.Stopped, err))
	}
	return &putBackDone{PutBackResult: *done, who: o.who}, o.verdict(c.Context(), done)
}

// putBackDone is what a run did.
type putBackDone struct {
	carry.PutBackResult
	who desk.Decision
	// left is a plan of which nothing was left; nothing is recorded then.
	left *desk.Plan
}

// runWatch shows a person how putting back goes.
type runWatch struct {
	c        *cobra.Command
	o        *runOptions
	progress *command.Progress
}

// Begun implements carry.PutBackWatch.
func (w *runWatch) Begun(plan desk.Plan) {
	switch before := plan.Size - plan.Left; {
	case before > 0:
		w.c.PrintErrf("Going on with plan %s: %s before; %s left.\n", plan.Name, countsWords(plan.PlanCounts), wording.Plural(plan.Left, "operation"))
	case w.o.rate > 0 || w.o.canary > 0 || plan.Left > desk.MaxUnexpected: // what takes a while can be interrupted
		w.c.PrintErrf("Plan %s: %s. After an interruption this goes on with it:\n  %s\n", plan.Name, wording.Plural(plan.Size, "operation"), w.o.command(plan.Name))
	}
}

// Did implements carry.PutBackWatch.
func (w *runWatch) Did(r *carry.PutBackResult) {
	w.progress.Show("  put back %s, refused %s, skipped %s, of %s", wording.Count(r.Reopened.Reopened), wording.Count(r.Refused()),
		wording.Count(r.Skipped), wording.Count(r.Found))
}

// Watches implements carry.PutBackWatch.
func (w *runWatch) Watches(canary *carry.Canary) {
	w.progress.Show("  canary: %s", canary.Words())
}

// Untaken implements carry.PutBackWatch.
func (w *runWatch) Untaken(waited time.Duration, gates []desk.ClosedGate) {
	w.progress.Done()
	w.c.PrintErrf("No worker has taken any of the canary in %s: %s\nWaiting up to %s.\n", wording.Short(waited), steps.Untaken(gates), w.o.canaryWait)
}

// verdict is the error that the run ends with: none when everything was put
// back.
func (o *runOptions) verdict(ctx context.Context, done *carry.PutBackResult) error {
	var canary *carry.CanaryError
	var cancelled *desk.PlanCancelledError
	goOn := "The same command goes on with them:\n  " + o.command(done.Plan)
	switch stopped := done.Stopped; {
	case errors.As(stopped, &canary):
		return &command.PartlyError{Text: o.canaryStopped(done.Plan, canary)}
	case errors.As(stopped, &cancelled):
		return steps.PutBackRefused(cancelled)
	case stopped != nil && ctx.Err() != nil:
		return fmt.Errorf("interrupted: %s left of plan %s.\n%s", wording.Plural(done.Left, "operation"), done.Plan, goOn)
	case stopped != nil:
		return o.broken(done.Plan, stopped)
	case done.Left > 0:
		return &command.PartlyError{Text: fmt.Sprintf("%s left, because somebody else was changing them.\n%s", wording.Plural(done.Left, "operation"), goOn)}
	case done.Reopened.Reopened < done.Found:
		left := done.Found - done.Reopened.Reopened
		was := "were"
		if left == 1 {
			was = "was"
		}
		return &command.PartlyError{Text: fmt.Sprintf("%s of %s %s not put back", wording.Count(left), wording.Plural(done.Found, "operation"), was)}
	}
	return nil
}

// broken says what to do after an error of the database.
func (o *runOptions) broken(plan string, err error) error {
	return fmt.Errorf("%w\nWhat was put back stays put back. The same command goes on with the rest:\n  %s", err, o.command(plan))
}

func (r *putBackDone) print(out io.Writer) {
	switch p := r.left; {
	case p != nil && p.ID == 0:
		fmt.Fprintln(out, "No parked operation fits: nothing was put back, nothing recorded.")
		return
	case p != nil:
		fmt.Fprintf(out, "Nothing is left of plan %s: %s.\nNothing was put back now, nothing recorded.\n", p.Name, countsWords(p.PlanCounts))
		return
	}
	fmt.Fprintf(out, "Put back %s of %s: %s.\n", wording.Count(r.Reopened.Reopened), wording.Plural(r.Found, "operation"), wording.Plural(r.Points, "point"))
	printFacts(out, r.Facts(terminalNames))
	terminal.Line(out, "recorded", fmt.Sprintf("%s; its end as action %d", recordedAs(r.Act, r.who), r.EndAct))
	if r.Reopened.Reopened > 0 {
		fmt.Fprintln(out, "The running workers send them now; `replay status` shows how it goes.")
	}
}

// canaryStopped says why a run ended after its canary, and how to go on.
func (o *runOptions) canaryStopped(plan string, e *carry.CanaryError) string {
	goOn := fmt.Sprintf("See why with `replay status`. To go on all the same, leave --canary out:\n  %s\nTo give the plan up:\n  replay cancel %s", o.withoutCanary(plan), plan)
	if e.Untried == e.Operations {
		return fmt.Sprintf("stopped after the canary: in %s no worker has taken any of its %s:\n%s\nThey are sent when one does; the rest is still parked. %s",
			wording.Short(e.Waited), wording.Plural(e.Operations, "operation"), steps.Untaken(e.Gates), goOn)
	}
	return fmt.Sprintf("stopped after the canary: %s.\nThe rest is still parked. %s", e.Canary.Words(), goOn)
}

// withoutCanary is the command that goes on without one.
func (o runOptions) withoutCanary(plan string) string {
	o.canary = 0
	return o.command(plan)
}
