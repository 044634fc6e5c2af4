package main

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/carry"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// voidOptions are the flags of `replay void`.
type voidOptions struct {
	planFlags
	acceptInDoubt bool
}

func newVoid(environ []string) *cobra.Command {
	var o voidOptions
	c := &cobra.Command{
		Use:   "void",
		Short: "Give parked operations up for good; without --yes only show what that would do",
		Long: `void gives up the parked operations that fit the filter: each gets a voiding
posting, its points go back in the books, and it is never sent again. It can not
be taken back, and its event counts as known: to grant the points after all, the
shop publishes the sale anew under a key of its own.

Without --yes nothing is changed: void shows what it would do, stores that set as a
plan, and prints the command that gives up exactly that set. What is no longer
parked by then is skipped and counted. With filters and --yes it acts at once; above
100 operations the number found must be given with --expect.

What is in doubt (the vendor may have applied it) is refused and counted, unless
--accept-in-doubt says that you know better: ask the vendor about its key first. If
the vendor does confirm such an operation later, that is kept and alerted.
` + filterHelp,
		Example: `  replay void --account zhimai --code 40302
  replay void --plan P-7K2M --reason "members left, ticket 81" --yes
  replay void --order SO-1001 --reason "test order" --yes`,
		Args: command.Args(cobra.NoArgs),
		RunE: runs(environ, &o),
	}
	o.register(c, desk.PlanOfVoid, "give up exactly the set of this plan, such as P-7K2M")
	c.Flags().BoolVar(&o.acceptInDoubt, "accept-in-doubt", false, "also what the vendor may have applied")
	return c
}

func (o *voidOptions) read(c *cobra.Command, _ []string) error {
	err := o.check(c)
	if err == nil && strings.TrimSpace(o.plan) != "" && o.expect != 0 {
		err = command.Usagef("--plan and --expect: a plan has its number")
	}
	if err == nil {
		err = o.readFilter(c, "accept-in-doubt")
	}
	return err
}

func (o *voidOptions) call(c *cobra.Command, s *session) (page, error) {
	plan, err := s.planOf(c.Context(), &o.planFlags)
	switch {
	case err != nil:
		return nil, err
	case plan.ID == 0:
		return &voidReport{GiveUpPreview: carry.GiveUpPreview{Groups: []desk.VoidGroup{}}}, nil
	case o.Yes:
		return s.void(c, o, plan)
	}
	var r voidReport
	if r.GiveUpPreview, err = carry.PreviewGiveUp(c.Context(), s.desk, plan, o.acceptInDoubt); err != nil {
		return nil, err
	}
	if r.Going() > 0 {
		r.Command = o.planCommand(plan)
	}
	return &r, nil
}

// voidReport is what void shows without --yes.
type voidReport struct {
	carry.GiveUpPreview
	// Command does it; empty when nothing would be given up.
	Command string `json:"command"`
}

// planCommand is the line that gives a plan up.
func (o *voidOptions) planCommand(plan desk.Plan) string {
	args := []string{"replay", "void", "--plan", plan.Name}
	if o.acceptInDoubt {
		args = append(args, "--accept-in-doubt")
	}
	return o.Line(args...)
}

func (r *voidReport) print(out io.Writer) {
	if r.Plan == "" {
		fmt.Fprintln(out, steps.NoneFits("give up"))
		return
	}
	fmt.Fprintf(out, "Plan %s: %s to give up. This is a preview: nothing has been changed.\n\n", r.Plan, wording.Plural(r.Total.Operations, "parked operation"))
	row := func(account, cause, call string, g desk.VoidGroup) []string {
		return []string{account, cause, call, wording.Count(g.Operations), wording.Count(g.Members), wording.Count(g.Points), wording.Count(g.InDoubt)}
	}
	rows := make([][]string, 0, len(r.Groups)+1)
	for _, g := range r.Groups {
		rows = append(rows, row(g.Account, string(g.Cause), string(g.Kind), g))
	}
	if len(rows) > 1 {
		rows = append(rows, row("all", "", "", r.Total))
	}
	if len(rows) > 0 {
		terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CAUSE"), terminal.Left("CALL"), terminal.Right("OPERATIONS"), terminal.Right("MEMBERS"),
			terminal.Right("POINTS"), terminal.Right("OF THEM IN DOUBT")}, rows)
		fmt.Fprintln(out)
		terminal.Line(out, "recorded", wording.Moment(r.Total.Oldest)+" to "+wording.Moment(r.Total.Newest))
	}
	counted(out, "skipped", r.Gone, ": no longer parked since the plan was made")
	switch doubt := r.Total.InDoubt; {
	case doubt > 0 && r.AcceptInDoubt:
		terminal.Line(out, "in doubt", wording.Count(doubt)+": the vendor may have applied them. Given up, those count as not granted in our books, whatever the vendor did.")
	case doubt > 0:
		terminal.Line(out, "in doubt", wording.Count(doubt)+": refused, they stay parked: the vendor may have applied them. Ask about their keys; --accept-in-doubt gives them up all the same.")
	}
	switch {
	case r.CancelledAt != nil:
		fmt.Fprintf(out, "\nThis plan was cancelled by %s: make another.\n", terminal.Clean(r.CancelledBy))
	case r.Command == "":
		fmt.Fprintln(out, "\nNothing of this would be given up, so there is no command to run.")
	default:
		fmt.Fprintf(out, "\nIt can not be taken back. To do it:\n  %s\n", r.Command)
	}
}
