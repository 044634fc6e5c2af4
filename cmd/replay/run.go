package main

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/records"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
)

// runOptions are the flags of `replay run`.
type runOptions struct {
	planFlags
	// rate is the most operations to put back in a second; 0 is no limit.
	rate int
	// canary is how many to put back first, 0 is none; canaryShare of them must
	// have posted within canaryWait.
	canary      int
	canaryShare float64
	canaryWait  time.Duration
	// probe is how many operations a preview looks up in the vendor's records.
	probe int
}

func newRun(environ []string) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run",
		Short: "Put parked operations back into the queue; without --yes only show what that would do",
		Long: `run stores a plan of the parked operations that fit the filter, shows what putting
them back would do, and prints the command that does it. That command puts back
exactly those operations: what is no longer parked by then is skipped and counted,
and nothing is added.

Put back, an operation has all its attempts anew and is due at once; one that is
in doubt when its look-up can prove something, some seconds after its last call.
Its dedup key, its first sending and its doubt stay. What is in doubt is looked up
in the vendor's records first where the account says in_doubt: verify. Elsewhere it
stays parked when it was first sent longer ago than the vendor surely remembers
the key, and always when its account is not in the configuration; one that was
never sent has no age limit.

What was parked because it was above the budget of a day is left out, and counted,
unless the filter names it: by --cause over_budget, --order or --biz-id. So is what is for a
person to do because no call can be made for it; that is never put back (replay
workitems). So is what was refunded or cancelled since, so that nothing of it is
kept: nobody is owed it. replay void --refunded gives it up; run --refunded puts it
back all the same, as what is in doubt may have arrived.

A plan is carried out in batches. After Ctrl-C or a kill the same command goes on
with what is left, and never does an operation twice; ` + "`replay cancel`" + ` ends a plan
for good. Each run records in ops_actions that it began, with who and why, and
how it ended.

--canary N puts back the first N and waits until each has posted or parked again;
one that was tried without success may still post, and is waited for. When fewer
than --canary-share of them have posted, after --canary-wait or as soon as no more
can, it stops there: exit code 3.

With filters and --yes, without a plan that was looked at, it makes a plan and
carries it out; above 100 operations the number found must be given with --expect.
` + filterHelp,
		Example: `  replay run --account zhimai --cause refused
  replay run --plan P-7K2M --yes --reason "members unfrozen, ticket 81" --canary 20 --rate 50
  replay run --order SO-1001 --reason "asked by the shop" --yes`,
		Args: command.Args(cobra.NoArgs),
		RunE: runs(environ, &o),
	}
	o.register(c, desk.PlanOfRun, "the plan to show, or with --yes to carry out, such as P-7K2M")
	c.Flags().IntVar(&o.probe, "probe", 0, "preview: look so many up in the vendor's records")
	c.Flags().IntVar(&o.rate, "rate", 0, "the most operations to put back in a second (default: no limit)")
	c.Flags().IntVar(&o.canary, "canary", 0, "put back so many first, and stop if too few of them post")
	c.Flags().Float64Var(&o.canaryShare, "canary-share", defaultCanaryShare, "share of the canary that must post, up to 1")
	c.Flags().DurationVar(&o.canaryWait, "canary-wait", defaultCanaryWait, "how long to wait for the canary")
	return c
}

const (
	defaultCanaryShare = 0.9
	defaultCanaryWait  = 5 * time.Minute
	// maxRate is more than a database puts back, so that it means no limit.
	maxRate = 100_000
)

func (o *runOptions) read(c *cobra.Command, _ []string) error {
	err := o.check(c)
	switch {
	case err != nil:
		return err
	case c.Flag("rate").Changed && (o.rate < 1 || o.rate > maxRate):
		return command.Usagef("--rate: want 1 to %s operations a second, got %d", wording.Count(maxRate), o.rate)
	case c.Flag("probe").Changed && (o.probe < 1 || o.probe > records.MaxProbe):
		return command.Usagef("--probe: want 1 to %s operations, got %d", wording.Count(records.MaxProbe), o.probe)
	case o.probe > 0 && o.Yes:
		return command.Usagef("--probe goes with a preview, without --yes")
	case c.Flag("canary").Changed && o.canary < 1:
		return command.Usagef("--canary: want the number of operations, 1 or more, got %d", o.canary)
	case !(o.canaryShare > 0 && o.canaryShare <= 1):
		return command.Usagef("--canary-share: want a share above 0 and up to 1, such as 0.9, got %g", o.canaryShare)
	case o.canaryWait <= 0:
		return command.Usagef("--canary-wait: want a time above 0, got %s", o.canaryWait)
	case o.canary == 0 && (c.Flag("canary-share").Changed || c.Flag("canary-wait").Changed):
		return command.Usagef("--canary-share and --canary-wait go with --canary N")
	}
	return o.readFilter(c, "rate", "probe", "canary", "canary-share", "canary-wait")
}

func (o *runOptions) call(c *cobra.Command, s *session) (page, error) {
	plan, err := s.planOf(c.Context(), &o.planFlags)
	switch {
	case err != nil:
		return nil, err
	case plan.ID == 0 && plan.Work+plan.Refunded > 0 && o.chosen.Named():
		return nil, steps.NothingOwed(&plan)
	}
	c.PrintErr(steps.LeftOut(&plan))
	switch {
	case o.Yes:
		return s.carryOut(c, o, plan)
	}
	p, err := s.preview(c, o, plan)
	if p != nil && err == nil && o.expect != 0 && int64(o.expect) != plan.Size {
		err = fmt.Errorf("%s found, not the %s expected", wording.Plural(plan.Size, "parked operation"), wording.Count(o.expect))
	}
	return p, err
}

// command is the line that carries a plan out.
func (o *runOptions) command(plan string) string {
	args := []string{"replay", "run", "--plan", plan, "--yes"}
	if operator := strings.TrimSpace(o.Operator); operator != "" {
		args = append(args, "--operator", operator)
	}
	if o.rate != 0 {
		args = append(args, "--rate", strconv.Itoa(o.rate))
	}
	if o.canary != 0 {
		args = append(args, "--canary", strconv.Itoa(o.canary))
		if o.canaryShare != defaultCanaryShare {
			args = append(args, "--canary-share", strconv.FormatFloat(o.canaryShare, 'g', -1, 64))
		}
		if o.canaryWait != defaultCanaryWait {
			args = append(args, "--canary-wait", o.canaryWait.String())
		}
	}
	return command.Shell(append(args, "--reason", cmp.Or(o.Reason, command.ReasonToFill))...)
}
