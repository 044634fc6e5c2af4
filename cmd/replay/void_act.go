package main

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// void gives the operations of a plan up.
func (s *session) void(c *cobra.Command, o *voidOptions, plan desk.Plan) (page, error) {
	if plan.Left == 0 && plan.CancelledAt == nil {
		return &voidDone{GiveUpResult: carry.GiveUpResult{Plan: plan.Name}, left: &plan}, nil
	}
	progress := command.NewProgress(c.ErrOrStderr())
	done, err := carry.GiveUp(c.Context(), s.desk, plan, o.who, o.acceptInDoubt, func(done, of int64) {
		progress.Show("  giving up: %s of %s", wording.Count(done), wording.Count(of))
	})
	progress.Done()
	switch {
	case done == nil:
		return nil, steps.GiveUpRefused(err)
	case err != nil:
		return nil, fmt.Errorf("%w\nWhat was given up stays so. `replay plans` shows how far plan %s has come; the same command goes on with the rest:\n  %s",
			errors.Join(done.Stopped, err), plan.Name, o.planCommand(plan))
	case done.Stopped != nil:
		return nil, o.stopped(plan, done)
	}
	if left := done.Refused + done.Skipped + done.Left; left > 0 {
		err = &command.PartlyError{Text: fmt.Sprintf("%s of %s not given up", wording.Count(left), wording.Plural(done.Of, "operation"))}
	}
	return &voidDone{GiveUpResult: *done, who: o.who}, err
}

// voidDone is what void did.
type voidDone struct {
	carry.GiveUpResult
	who desk.Decision
	// left is a plan of which nothing was left; nothing is recorded then.
	left *desk.Plan
}

// stopped says how far a void came, and what to do.
func (o *voidOptions) stopped(plan desk.Plan, r *carry.GiveUpResult) error {
	why := r.Stopped
	soFar := fmt.Sprintf("Given up before that: %s", wording.Plural(r.Voided, "operation"))
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(why, &cancelled):
		return fmt.Errorf("%w\n%s; %s left as they are", steps.GiveUpRefused(why), soFar, wording.Count(r.Left))
	case r.Left == 0:
		return fmt.Errorf("%w\n%s. Nothing is left of plan %s", why, soFar, plan.Name)
	}
	return fmt.Errorf("%w\n%s. Plan %s goes on where it stopped:\n  %s", why, soFar, plan.Name, o.planCommand(plan))
}

func (r *voidDone) print(out io.Writer) {
	if p := r.left; p != nil {
		fmt.Fprintf(out, "Nothing is left of plan %s: %s given up, %s skipped, %s refused.\nNothing was given up now, nothing recorded.\n",
			p.Name, wording.Count(p.Done), wording.Count(p.Skipped), wording.Count(p.Refused))
		return
	}
	fmt.Fprintf(out, "Gave up %s: %s. They are never sent again.\n", wording.Plural(r.Voided, "operation"), wording.Plural(r.Points, "point"))
	if r.InDoubt > 0 {
		orMore := ""
		if r.MoreInDoubt {
			orMore = " or more"
		}
		terminal.Line(out, "in doubt", wording.Count(r.InDoubt)+orMore+" of them; if the vendor confirms one later, that is kept and alerted")
	}
	counted(out, "stay parked", r.Refused, ": in doubt. Ask the vendor about their keys; to give them up all the same, make a new plan with --accept-in-doubt")
	counted(out, "skipped", r.Skipped, ": no longer parked")
	counted(out, "left", r.Left, ": somebody else was changing them. Run plan "+r.Plan+" again")
	terminal.Line(out, "recorded", recordedAs(r.Act, r.who))
}
