package main

import (
	"cmp"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
)

// retryOptions are the flags of `replay rejects retry`.
type retryOptions struct {
	rejectAct
	environ    []string
	filters    rejectFlags
	filter     desk.RejectFilter
	who        desk.Decision
	file, plan string
	refunded   bool
}

func newRejectsRetry(environ []string) *cobra.Command {
	o := retryOptions{environ: environ}
	c := &cobra.Command{
		Use:   "retry [ID…]",
		Short: "Map rejects again by the rules of today; without --yes only show what that would do",
		Long: `retry maps the stored bytes of open rejects again, with their headers, subject,
sequence and broker time, by the rules that the workers registered last, or by
those of --config. The broker's time picks the rule set, so mended rules stand in
a further set whose from is not after it.

Without --yes it accepts nothing: it shows what would be accepted, what is in the
ledger already, and what still fails and why. It stores that set as a plan, and
prints the command that carries it out; other rules than those looked at are
refused there. With filters and --yes it acts at once; above 100 rejects the
number found must be given with --expect.

What is accepted is recorded as a worker would have recorded it, and the running
workers send it. If the ledger was rebuilt since (replay stream), it may have been
granted before the loss: then it is parked in doubt, and replay run looks it up
first. What is in the ledger already is resolved as a duplicate. What still fails
stays open; a conflict always does, and so does what was refunded or cancelled since
(--refunded accepts it as well, and what it grants is taken back). It goes on where it is after
Ctrl-C or a kill: run the same plan again. It keeps one batch in memory, at most
1,000 events and 5 MiB, and some 100 bytes for each operation of a preview.

An account counts as on when it is configured here, or when the ledger has an
operation of it.
` + rejectFilterHelp,
		Example: `  replay rejects retry --code missing_field --since 24h
  replay rejects retry --code missing_field --config mended.yaml
  replay rejects retry --plan P-7K2M --reason "POS upgrade, rules mended" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: runs(environ, &o),
	}
	o.filters.register(c)
	o.register(c)
	c.Flags().StringVar(&o.file, "config", "", "map by the rules of this file instead of the registered ones")
	c.Flags().BoolVar(&o.refunded, "refunded", false, "also what was refunded or cancelled since: it is granted, and taken back")
	c.Flags().StringVar(&o.plan, "plan", "", "carry out exactly this plan, such as P-7K2M")
	return c
}

func (o *retryOptions) read(c *cobra.Command, args []string) (err error) {
	if o.who, err = o.check(c); err != nil {
		return err
	}
	o.filter, err = o.filters.filter(c, args, time.Now())
	switch {
	case err != nil:
		return err
	case c.Flag("config").Changed && o.file == "":
		return command.Usagef("--config is empty: want a file")
	case c.Flag("plan").Changed && o.plan == "":
		return command.Usagef("--plan is empty: want a plan's name, such as P-7K2M")
	case o.plan != "" && (len(rejectFilterArgs(o.filter)) > 0 || o.expect != 0 || o.refunded):
		return command.Usagef("--plan says which rejects are meant: leave out ids, filters, --refunded and --expect")
	}
	return nil
}

func (o *retryOptions) call(c *cobra.Command, s *session) (page, error) {
	rules, err := s.rejectRules(c.Context(), o.environ, o.file)
	if err != nil {
		return nil, err
	}
	rules.Refunded = o.refunded
	retry := &rejects.Retry{Desk: s.desk, Rules: rules}
	var set rejects.Set
	if o.plan != "" {
		set, err = retry.OfPlan(c.Context(), o.plan)
		err = steps.RejectPlan(o.plan, o.file, rules, err)
	} else {
		set, err = retry.OfFilter(c.Context(), o.filter, o.filterText())
	}
	switch {
	case err != nil:
		return nil, err
	case !o.Yes:
		return o.preview(c, retry, set)
	case o.plan == "":
		if set, err = retry.Keep(c.Context(), set, o.who.Actor, o.expect); err != nil {
			return nil, cmp.Or(steps.OtherRejects(err), fmt.Errorf("%w\nNo reject was changed", err))
		}
	}
	return o.carryOut(c, retry, set)
}

// preview shows what would become of a set, and the command that does it.
func (o *retryOptions) preview(c *cobra.Command, retry *rejects.Retry, set rejects.Set) (page, error) {
	progress := command.NewProgress(c.ErrOrStderr())
	defer progress.Done()
	p, err := retry.Preview(c.Context(), set, cmp.Or(o.who.Actor, "nobody"), func(done, found int) {
		progress.Show("  looking: %s of %s", wording.Count(done), wording.Count(found))
	})
	if err != nil {
		return nil, err
	}
	if p.Plan != "" {
		p.Command = o.planCommand(p.Plan)
	}
	return &forecast{p, retry.Rules}, o.otherThanExpected(p.Found)
}

// carryOut does what the plan says; what stays open makes exit code 3.
func (o *retryOptions) carryOut(c *cobra.Command, retry *rejects.Retry, set rejects.Set) (page, error) {
	progress := command.NewProgress(c.ErrOrStderr())
	defer progress.Done()
	retry.Rules.Words = advice.Said{}
	done, err := retry.CarryOut(c.Context(), set, o.who, func(done, found int) {
		progress.Show("  mapping again: %s of %s", wording.Count(done), wording.Count(found))
	})
	if err != nil {
		return nil, o.stoppedWords(set.Plan.Name, done, err)
	}
	if done.Failing > 0 {
		err = &command.PartlyError{Text: fmt.Sprintf("%s of %s still fail and stay open", wording.Count(done.Failing), wording.Plural(done.Found, "reject"))}
	}
	return &retried{done, o.who}, err
}

// filterText is a filter as plans keep it.
func (o *retryOptions) filterText() string {
	text := rejectFilterText(o.filter)
	if o.file != "" {
		text += " " + command.Shell("--config", o.file)
	}
	return text
}

// planCommand is the line that carries a plan out.
func (o *retryOptions) planCommand(name string) string {
	args := []string{"replay", "rejects", "retry", "--plan", name}
	if o.file != "" {
		args = append(args, "--config", o.file)
	}
	return o.Line(args...)
}

// stoppedWords says why a plan was not begun (done is nil) or not finished, and what
// it did before.
func (o *retryOptions) stoppedWords(plan string, done *desk.RetryResult, err error) error {
	if errors.Is(err, desk.ErrRebuilding) {
		err = fmt.Errorf("%w (replay stream --from-seq 1)", err)
	}
	var busy *desk.PlanBusyError
	var cancelled *desk.PlanCancelledError
	var changed *desk.RulesChangedError
	isCancelled := errors.As(err, &cancelled)
	switch {
	case done == nil && errors.As(err, &busy):
		return fmt.Errorf("%w: nothing was done here. Wait until that is done; `replay rejects list` shows what is left", busy)
	case done == nil && isCancelled:
		return fmt.Errorf("%w: nothing was done. `replay rejects retry` with filters makes a new one", cancelled)
	case done == nil:
		return err
	}
	before := fmt.Sprintf("Before that: accepted %s, duplicates %s; each of them is whole, the others are open", wording.Count(done.Accepted), wording.Count(done.Duplicates))
	switch {
	case errors.As(err, &changed):
		return fmt.Errorf("%w\n%s", steps.RulesChanged(plan, changed.Then, changed.Now, "replay rejects retry"), before)
	case isCancelled:
		return fmt.Errorf("%w: the rest stays open\n%s", cancelled, before)
	}
	return fmt.Errorf("%w\n%s. Go on with\n  %s", err, before, o.planCommand(plan))
}
