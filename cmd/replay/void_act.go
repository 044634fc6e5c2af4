package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// voidResult is what became of a void.
type voidResult struct {
	Plan string `json:"plan"`
	// Action is the row of ops_actions; 0 when nothing was left to do, for then
	// nothing is recorded.
	Action int64 `json:"action_id"`
	ledger.VoidCount
	// Left are still to be done: somebody else was changing them, or the void
	// was stopped.
	Left int64 `json:"left"`

	// moreInDoubt: there may be more in doubt than were counted, in a batch
	// whose answer was lost.
	moreInDoubt bool
}

// void gives the operations of a plan up.
func (s *session) void(c *cobra.Command, o *voidOptions, plan ledger.Plan, act ledger.Decision) error {
	if plan.Left == 0 && plan.CancelledAt == nil {
		return nothingToVoid(c, o, plan)
	}
	run, err := s.store.BeginPlan(c.Context(), ledger.PlanStart{Plan: plan, Act: ledger.ActVoid, Actor: act.Actor, Reason: act.Reason})
	if err != nil {
		return planRefused(err)
	}
	defer run.Close()
	result := voidResult{Plan: plan.Name, Action: run.Act}
	progress := command.NewProgress(c.ErrOrStderr())
	var stopped error
	for more := true; more && stopped == nil; {
		var batch ledger.VoidCount
		batch, more, stopped = run.VoidBatch(c.Context(), o.acceptInDoubt)
		result.Add(batch)
		progress.Show("  giving up: %s of %s", wording.Count(result.Voided+result.Refused+result.Skipped), wording.Count(run.Plan.Left))
	}
	progress.Done()
	if err := result.end(c.Context(), run, o.acceptInDoubt); err != nil {
		return fmt.Errorf("%w\nWhat was given up stays so. `replay plans` shows how far plan %s has come; the same command goes on with the rest:\n  %s",
			errors.Join(stopped, err), plan.Name, o.planCommand(plan))
	}
	if stopped != nil {
		return result.stopped(o, plan, stopped)
	}
	if o.json {
		err = printJSON(c.OutOrStdout(), result)
	} else {
		result.print(c.OutOrStdout(), act)
	}
	if left := result.Refused + result.Skipped + result.Left; err == nil && left > 0 {
		return &partlyError{fmt.Sprintf("%s of %s not given up", wording.Count(left), wording.Plural(run.Plan.Left, "operation"))}
	}
	return err
}

// nothingToVoid says that a plan is finished. Nothing is recorded.
func nothingToVoid(c *cobra.Command, o *voidOptions, plan ledger.Plan) error {
	if o.json {
		return printJSON(c.OutOrStdout(), voidResult{Plan: plan.Name})
	}
	fmt.Fprintf(c.OutOrStdout(), "Nothing is left of plan %s: %s given up, %s skipped, %s refused.\nNothing was given up now, nothing recorded.\n",
		plan.Name, wording.Count(plan.Done), wording.Count(plan.Skipped), wording.Count(plan.Refused))
	return nil
}

// voidEndPatience bounds the record of an end that the operator does not wait for.
const voidEndPatience = 5 * time.Second

// end records how the void ended, also when the operator has had enough. It
// counts anew: a batch whose answer was lost may have been committed all the
// same.
func (r *voidResult) end(ctx context.Context, run *ledger.PlanRun, acceptInDoubt bool) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), voidEndPatience)
	defer cancel()
	counts, points, err := run.Counts(ctx)
	if err != nil {
		return err
	}
	r.moreInDoubt = acceptInDoubt && counts.Done > r.Voided
	r.Voided, r.Points, r.Refused, r.Skipped, r.Left = counts.Done, points, counts.Refused, counts.Skipped, counts.Left
	_, err = run.End(ctx, r.Voided, r.text())
	return err
}

// stopped says how far a void came, and what to do.
func (r *voidResult) stopped(o *voidOptions, plan ledger.Plan, why error) error {
	soFar := fmt.Sprintf("Given up before that: %s", wording.Plural(r.Voided, "operation"))
	var cancelled *ledger.PlanCancelledError
	switch {
	case errors.As(why, &cancelled):
		return fmt.Errorf("%w\n%s; %s left as they are", planRefused(why), soFar, wording.Count(r.Left))
	case r.Left == 0:
		return fmt.Errorf("%w\n%s. Nothing is left of plan %s", why, soFar, plan.Name)
	}
	return fmt.Errorf("%w\n%s. Plan %s goes on where it stopped:\n  %s", why, soFar, plan.Name, o.planCommand(plan))
}

// planRefused says what to do when a plan cannot be carried out.
func planRefused(err error) error {
	var busy *ledger.PlanBusyError
	var cancelled *ledger.PlanCancelledError
	switch {
	case errors.As(err, &busy):
		return fmt.Errorf("%s: nothing was changed by you. Wait until that has ended, then look again", busy.Error())
	case errors.As(err, &cancelled):
		return fmt.Errorf("%s: make another", cancelled.Error())
	}
	return err
}

// orMore stands behind the number of those that were in doubt.
func (r *voidResult) orMore() string {
	if r.moreInDoubt {
		return " or more"
	}
	return ""
}

// text is the result as ops_actions keeps it.
func (r *voidResult) text() string {
	return fmt.Sprintf("voided %d (%d points, %d%s in doubt); refused %d in doubt; skipped %d no longer parked; left %d",
		r.Voided, r.Points, r.InDoubt, r.orMore(), r.Refused, r.Skipped, r.Left)
}

func (r *voidResult) print(out io.Writer, act ledger.Decision) {
	fmt.Fprintf(out, "Gave up %s: %s. They are never sent again.\n", wording.Plural(r.Voided, "operation"), wording.Plural(r.Points, "point"))
	if r.InDoubt > 0 {
		printLine(out, "in doubt", wording.Count(r.InDoubt)+r.orMore()+" of them; if the vendor confirms one later, that is kept and alerted")
	}
	if r.Refused > 0 {
		printLine(out, "stay parked", wording.Count(r.Refused)+": in doubt. Ask the vendor about their keys; to give them up all the same, make a new plan with --accept-in-doubt")
	}
	if r.Skipped > 0 {
		printLine(out, "skipped", wording.Count(r.Skipped)+": no longer parked")
	}
	if r.Left > 0 {
		printLine(out, "left", wording.Count(r.Left)+": somebody else was changing them. Run plan "+r.Plan+" again")
	}
	printLine(out, "recorded", recordedAs(r.Action, act))
}
