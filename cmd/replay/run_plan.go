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

// runReport is what a run with --yes came to.
type runReport struct {
	// Plan is empty when no parked operation fits.
	Plan string `json:"plan"`
	// Action and EndAction are the rows of ops_actions; 0 when nothing was left
	// to do, for then nothing is recorded.
	Action    int64 `json:"action_id"`
	EndAction int64 `json:"end_action_id"`
	// Found = put back + refused + skipped + Left.
	Found int64 `json:"found"`
	ledger.Reopened
	Left int64 `json:"left"`
	// Canary is nil without --canary.
	Canary *canaryReport `json:"canary"`
}

// planRun is one go at a plan: what run --yes does between its two records.
type planRun struct {
	*session
	o        *runOptions
	run      *ledger.PlanRun
	progress *command.Progress
	errOut   io.Writer
	pace     putBackPace
	report   runReport
}

// runEndPatience bounds recording the end after an interruption.
const runEndPatience = 10 * time.Second

// carryOut puts back what is left of a plan.
func (s *session) carryOut(c *cobra.Command, o *runOptions, plan ledger.Plan, act ledger.Decision) error {
	if plan.Left == 0 && plan.CancelledAt == nil {
		return s.nothingLeft(c, o, plan)
	}
	run, err := s.store.BeginPlan(c.Context(), ledger.PlanStart{Plan: plan, Act: ledger.ActReplay, Actor: act.Actor, Reason: act.Reason})
	if err != nil {
		return beginWords(err)
	}
	defer run.Close()
	p := planRun{session: s, o: o, run: run, progress: command.NewProgress(c.ErrOrStderr()), errOut: c.ErrOrStderr(),
		pace: putBackPace{perSecond: o.rate}, report: runReport{Plan: plan.Name, Action: run.Act, Found: run.Plan.Left}}
	switch before := run.Plan.Size - run.Plan.Left; {
	case before > 0:
		c.PrintErrf("Going on with plan %s: %s before; %s left.\n", plan.Name, countsWords(run.Plan.PlanCounts), wording.Plural(run.Plan.Left, "operation"))
	case o.rate > 0 || o.canary > 0 || plan.Left > ledger.MaxUnexpected: // what takes a while can be interrupted
		c.PrintErrf("Plan %s: %s. After an interruption this goes on with it:\n  %s\n", plan.Name, wording.Plural(plan.Size, "operation"), o.command(plan.Name))
	}
	stopped := p.putAllBack(c.Context())
	p.progress.Done()
	if err := p.end(c.Context(), stopped); err != nil {
		return p.broken(errors.Join(stopped, err))
	}
	if o.json {
		err = printJSON(c.OutOrStdout(), p.report)
	} else {
		p.print(c.OutOrStdout(), act)
	}
	if err != nil {
		return err
	}
	return p.verdict(c.Context(), stopped)
}

// beginWords says why a plan did not begin, and what to do.
func beginWords(err error) error {
	var busy *ledger.PlanBusyError
	var cancelled *ledger.PlanCancelledError
	switch {
	case errors.As(err, &busy) && busy.Actor == "":
		return fmt.Errorf("plan %s has just been begun by somebody else (database session %d): nothing was done here. `replay plans` shows how it goes", busy.Plan, busy.Session)
	case errors.As(err, &busy):
		return fmt.Errorf("plan %s is being run by %s since %s, %s ago (database session %d):\nnothing was done here. `replay plans` shows how it goes; if that run dies, this command goes on",
			busy.Plan, clean(busy.Actor), wording.Moment(busy.Since), wording.Age(busy.Since, time.Now()), busy.Session)
	case errors.As(err, &cancelled):
		return cancelledWords(cancelled)
	}
	return err
}

func cancelledWords(e *ledger.PlanCancelledError) error {
	return fmt.Errorf("%s cancelled plan %s at %s, so no more of it is put back. Its filter makes a new plan: `replay plans` shows it",
		clean(e.By), e.Plan, wording.Moment(e.At))
}

func (s *session) nothingLeft(c *cobra.Command, o *runOptions, plan ledger.Plan) error {
	switch {
	case o.json:
		return printJSON(c.OutOrStdout(), runReport{Plan: plan.Name})
	case plan.ID == 0:
		fmt.Fprintln(c.OutOrStdout(), "No parked operation fits: nothing was put back, nothing recorded.")
	default:
		fmt.Fprintf(c.OutOrStdout(), "Nothing is left of plan %s: %s.\nNothing was put back now, nothing recorded.\n", plan.Name, countsWords(plan.PlanCounts))
	}
	return nil
}

// putAllBack puts back the canary, if one is asked for, and then the rest. The
// error says why it stopped before the end of the plan.
func (p *planRun) putAllBack(ctx context.Context) error {
	more := true
	var err error
	if p.o.canary > 0 {
		if more, err = p.putBack(ctx, int64(p.o.canary)); err == nil {
			err = p.watchCanary(ctx)
		}
	}
	if err == nil && more {
		_, err = p.putBack(ctx, 0)
	}
	return err
}

// putBack puts operations back until enough are (0: until nothing is left). It
// holds one batch in memory, whatever the size of the plan.
func (p *planRun) putBack(ctx context.Context, enough int64) (more bool, err error) {
	for more = true; more && (enough == 0 || p.report.Reopened.Reopened < enough); {
		limit := p.pace.batch()
		if enough > 0 && (limit == 0 || int64(limit) > enough-p.report.Reopened.Reopened) {
			limit = int(enough - p.report.Reopened.Reopened)
		}
		if err := p.pace.wait(ctx); err != nil {
			return true, err
		}
		before := p.report.Reopened.Reopened
		if more, err = p.run.PutBack(ctx, limit, p.keyMemories(), &p.report.Reopened); err != nil {
			return true, err
		}
		p.pace.did(p.report.Reopened.Reopened - before)
		r := &p.report.Reopened
		p.progress.Show("  put back %s, refused %s, skipped %s, of %s", wording.Count(r.Reopened), wording.Count(r.Refused()),
			wording.Count(r.Skipped), wording.Count(p.report.Found))
	}
	return more, nil
}

// end records how the run ended. It counts anew: a batch whose answer was lost
// may have been committed all the same.
func (p *planRun) end(ctx context.Context, stopped error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), runEndPatience)
	defer cancel()
	counts, points, err := p.run.Counts(ctx)
	if err != nil {
		return err
	}
	r := &p.report.Reopened
	r.Reopened, r.Points, r.Skipped = counts.Done, points, counts.Skipped
	r.KeyMemoryOver = counts.Refused - r.AccountUnknown - r.MemberUnknown
	p.report.Left = counts.Left
	text := r.Text() + fmt.Sprintf("; left %d", counts.Left)
	if stopped != nil {
		text = p.why(stopped) + ": " + text
	}
	p.report.EndAction, err = p.run.End(ctx, p.report.Found, text)
	return err
}

// why says in a few words what stopped a run, for ops_actions.
func (p *planRun) why(stopped error) string {
	var canary *canaryError
	var cancelled *ledger.PlanCancelledError
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

// verdict is the error that the run ends with: none when everything was put
// back.
func (p *planRun) verdict(ctx context.Context, stopped error) error {
	var canary *canaryError
	var cancelled *ledger.PlanCancelledError
	goOn := "The same command goes on with them:\n  " + p.o.command(p.report.Plan)
	switch {
	case errors.As(stopped, &canary):
		return canary
	case errors.As(stopped, &cancelled):
		return cancelledWords(cancelled)
	case stopped != nil && ctx.Err() != nil:
		return fmt.Errorf("interrupted: %s left of plan %s.\n%s", wording.Plural(p.report.Left, "operation"), p.report.Plan, goOn)
	case stopped != nil:
		return p.broken(stopped)
	case p.report.Left > 0:
		return &partlyError{fmt.Sprintf("%s left, because somebody else was changing them.\n%s", wording.Plural(p.report.Left, "operation"), goOn)}
	case p.report.Reopened.Reopened < p.report.Found:
		left := p.report.Found - p.report.Reopened.Reopened
		was := "were"
		if left == 1 {
			was = "was"
		}
		return &partlyError{fmt.Sprintf("%s of %s %s not put back", wording.Count(left), wording.Plural(p.report.Found, "operation"), was)}
	}
	return nil
}

// broken says what to do after an error of the database.
func (p *planRun) broken(err error) error {
	return fmt.Errorf("%w\nWhat was put back stays put back. The same command goes on with the rest:\n  %s", err, p.o.command(p.report.Plan))
}

func (p *planRun) print(out io.Writer, act ledger.Decision) {
	r := &p.report
	fmt.Fprintf(out, "Put back %s of %s: %s.\n", wording.Count(r.Reopened.Reopened), wording.Plural(r.Found, "operation"), wording.Plural(r.Points, "point"))
	printLine(out, "plan", r.Plan)
	if r.InDoubt > 0 {
		printLine(out, "in doubt", wording.Count(r.InDoubt)+" of them; the dedup key stays the same")
	}
	if r.KeyMemoryOver > 0 {
		printLine(out, "stay parked", wording.Count(r.KeyMemoryOver)+": in doubt, and the vendor may have forgotten the dedup key")
	}
	if r.AccountUnknown > 0 {
		printLine(out, "stay parked", wording.Count(r.AccountUnknown)+": in doubt, and the account is not in the configuration read here. Set WORKER_CONFIG to the worker's file")
	}
	if r.MemberUnknown > 0 {
		printLine(out, "stay parked", wording.Count(r.MemberUnknown)+": in doubt, and their member is not known: `replay show` says what is left to do")
	}
	if r.Skipped > 0 {
		printLine(out, "skipped", wording.Count(r.Skipped)+": no longer parked")
	}
	if r.Left > 0 {
		printLine(out, "left", wording.Count(r.Left)+" of the plan")
	}
	if r.Canary != nil {
		printLine(out, "canary", r.Canary.words())
	}
	printLine(out, "recorded", fmt.Sprintf("%s; its end as action %d", recordedAs(r.Action, act), r.EndAction))
	if r.Reopened.Reopened > 0 {
		fmt.Fprintln(out, "The running workers send them now; `replay status` shows how it goes.")
	}
}

// putBackPace spreads what is put back. The zero value does not.
type putBackPace struct {
	perSecond int
	// next is when the next batch may go.
	next time.Time
}

// batchesPerSecond makes a paced run even: a vendor sees no bursts.
const batchesPerSecond = 4

// batch is how many go at once; 0 is as many as the ledger takes.
func (p *putBackPace) batch() int {
	if p.perSecond == 0 {
		return 0
	}
	return max(p.perSecond/batchesPerSecond, 1)
}

// wait waits until the next batch may go.
func (p *putBackPace) wait(ctx context.Context) error {
	in := time.Until(p.next)
	if p.perSecond == 0 || in <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(in)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// did counts operations that were put back now. Time that was lost is not made
// up for.
func (p *putBackPace) did(n int64) {
	if p.perSecond == 0 {
		return
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.perSecond))
}
