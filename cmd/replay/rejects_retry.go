package main

import (
	"cmp"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

// retryOptions are the flags of `replay rejects retry`.
type retryOptions struct {
	rejectAct
	filters    rejectFlags
	file, plan string
}

func newRejectsRetry(environ []string) *cobra.Command {
	var o retryOptions
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
stays open; a conflict always does. It goes on where it is after
Ctrl-C or a kill: run the same plan again. It keeps one batch in memory, at most
1,000 events and 5 MiB, and some 100 bytes for each operation of a preview.

An account counts as on when it is configured here, or when the ledger has an
operation of it.
` + rejectFilterHelp,
		Example: `  replay rejects retry --code missing_field --since 24h
  replay rejects retry --code missing_field --config mended.yaml
  replay rejects retry --plan P-7K2M --reason "POS upgrade, rules mended" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error { return runRetry(c, environ, &o, args) },
	}
	o.filters.register(c)
	o.register(c)
	c.Flags().StringVar(&o.file, "config", "", "map by the rules of this file instead of the registered ones")
	c.Flags().StringVar(&o.plan, "plan", "", "carry out exactly this plan, such as P-7K2M")
	return c
}

func runRetry(c *cobra.Command, environ []string, o *retryOptions, args []string) error {
	who, err := o.check(c)
	if err != nil {
		return err
	}
	filter, err := o.filters.filter(c, args, time.Now())
	switch {
	case err != nil:
		return err
	case c.Flag("config").Changed && o.file == "":
		return command.Usagef("--config is empty: want a file")
	case c.Flag("plan").Changed && o.plan == "":
		return command.Usagef("--plan is empty: want a plan's name, such as P-7K2M")
	case o.plan != "" && (len(rejectFilterArgs(filter)) > 0 || o.expect != 0):
		return command.Usagef("--plan says which rejects are meant: leave out ids, filters and --expect")
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	rules, err := s.rejectRules(c.Context(), environ, o.file)
	if err != nil {
		return err
	}
	r := &retrying{session: s, c: c, o: o, rules: rules, who: who}
	if o.plan != "" {
		return r.byPlan()
	}
	return r.byFilter(filter)
}

// retrying is one run of the command.
type retrying struct {
	*session
	c     *cobra.Command
	o     *retryOptions
	rules *desk.RejectRules
	who   desk.Decision
}

// byFilter previews what fits a filter, or carries it out at once.
func (r *retrying) byFilter(filter desk.RejectFilter) error {
	ctx := r.c.Context()
	ids, err := r.desk.FindRejects(ctx, filter)
	if err != nil {
		return err
	}
	text := cmp.Or(shell(rejectFilterArgs(filter)...), "all open rejects")
	if r.o.file != "" {
		text += " " + shell("--config", r.o.file)
	}
	if !r.o.yes {
		return r.preview(ids, text)
	}
	switch {
	case len(ids) == 0 && r.o.expect != 0:
		return rejectSizeError(&desk.SetSizeError{Expect: r.o.expect})
	case len(ids) == 0:
		return r.report(&desk.RetryResult{})
	}
	plan, err := r.desk.CreateRejectPlan(ctx, r.who.Actor, text, r.rules.Plan(ids), r.o.expect, desk.MaxUnexpected)
	if size := rejectSizeError(err); size != nil {
		return size
	}
	if err != nil {
		return fmt.Errorf("%w\nNo reject was changed", err)
	}
	return r.carryOut(plan, ids)
}

// byPlan shows a plan again, or carries it out.
func (r *retrying) byPlan() error {
	plan, err := r.desk.ReadPlan(r.c.Context(), r.o.plan)
	if errors.Is(err, desk.ErrNoPlan) {
		return fmt.Errorf("there is no plan %s: `replay rejects retry` with filters makes one", terminal.Clean(r.o.plan))
	}
	if err != nil {
		return err
	}
	if plan.Kind != desk.PlanOfRejects {
		return command.Usagef("plan %s is of kind %s, not for rejects: `%s` shows it", plan.Name, plan.Kind, showPlan(plan))
	}
	about, err := plan.Rejects()
	if err != nil {
		return err
	}
	if err := r.sameRules(&plan, &about); err != nil {
		return err
	}
	if r.o.yes {
		return r.carryOut(plan, about.IDs)
	}
	return r.previewPlan(plan, about.IDs)
}

// sameRules refuses a plan whose preview was by other rules than these.
func (r *retrying) sameRules(plan *desk.Plan, about *desk.RejectPlan) error {
	again := "replay rejects retry"
	if !strings.HasPrefix(plan.Filter, "all open rejects") {
		again += " " + plan.Filter
	}
	switch {
	case about.FromFile && r.o.file == "":
		return command.Usagef("plan %s was made with the rules of a file: add the same --config FILE (version %s)", plan.Name, about.Rules)
	case !about.FromFile && r.o.file != "":
		return command.Usagef("plan %s was made with the registered rules: leave out --config, or look again with it:\n  %s --config FILE", plan.Name, again)
	case about.FromFile && r.rules.Version != about.Rules:
		return fmt.Errorf("the file %s is version %s, and plan %s was made with %s: nothing was changed. Look again:\n  %s",
			r.o.file, r.rules.Version, plan.Name, about.Rules, again)
	case r.rules.RegisteredVersion != about.Registered && r.rules.RegisteredVersion != about.Rules:
		return rulesChanged(plan.Name, about.Registered, r.rules.RegisteredVersion, again)
	}
	return nil
}

func rulesChanged(plan, then, now, again string) error {
	return fmt.Errorf("the workers have registered other rules since plan %s was made (%s, before: %s): what it showed no longer holds. Look again:\n  %s",
		plan, now, cmp.Or(then, "none"), again)
}

// carryOut does what the plan says.
func (r *retrying) carryOut(plan desk.Plan, ids []ledger.RejectID) error {
	progress := command.NewProgress(r.c.ErrOrStderr())
	done, err := r.desk.Retry(r.c.Context(), plan, ids, r.who, r.rules, func(done, found int) {
		progress.Show("  mapping again: %s of %s", wording.Count(done), wording.Count(found))
	})
	progress.Done()
	if errors.Is(err, desk.ErrRebuilding) {
		err = fmt.Errorf("%w (replay stream --from-seq 1)", err)
	}
	if done == nil {
		return r.notBegun(plan, err)
	}
	var changed *desk.RulesChangedError
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(err, &changed):
		return fmt.Errorf("%w\n%s", rulesChanged(plan.Name, changed.Then, changed.Now, "replay rejects retry"), doneBefore(&done.RetryTally))
	case errors.As(err, &cancelled):
		return fmt.Errorf("%w: the rest stays open\n%s", cancelled, doneBefore(&done.RetryTally))
	case err != nil:
		return fmt.Errorf("%w\n%s. Go on with\n  %s", err, doneBefore(&done.RetryTally), r.planCommand(plan.Name))
	}
	done.RetryTally = rejects.Masked(done.RetryTally)
	return r.report(done)
}

// notBegun says why a plan cannot be carried out now.
func (r *retrying) notBegun(plan desk.Plan, err error) error {
	var busy *desk.PlanBusyError
	var cancelled *desk.PlanCancelledError
	switch {
	case errors.As(err, &busy):
		return fmt.Errorf("%w: nothing was done here. Wait until that is done; `replay rejects list` shows what is left", busy)
	case errors.As(err, &cancelled):
		return fmt.Errorf("%w: nothing was done. `replay rejects retry` with filters makes a new one", cancelled)
	}
	return err
}

// doneBefore says what an unfinished retry did.
func doneBefore(t *desk.RetryTally) string {
	return fmt.Sprintf("Before that: accepted %s, duplicates %s; each of them is whole, the others are open",
		wording.Count(t.Accepted), wording.Count(t.Duplicates))
}

// planCommand is the line that carries a plan out.
func (r *retrying) planCommand(name string) string {
	args := []string{"replay", "rejects", "retry", "--plan", name}
	if r.o.file != "" {
		args = append(args, "--config", r.o.file)
	}
	return r.o.command(args...)
}

// report prints what was done; what stays open makes exit code 3.
func (r *retrying) report(done *desk.RetryResult) error {
	var err error
	if r.o.json {
		err = terminal.JSON(r.c.OutOrStdout(), done)
	} else {
		printRetry(r.c.OutOrStdout(), done, r.who)
	}
	if err == nil && done.Failing > 0 {
		return &partlyError{fmt.Sprintf("%s of %s still fail and stay open", wording.Count(done.Failing), wording.Plural(done.Found, "reject"))}
	}
	return err
}
