package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// maxPlans bounds a list of plans: each is counted anew.
const maxPlans = 1000

func newPlans(environ []string) *cobra.Command {
	var limit int
	var asJSON bool
	c := &cobra.Command{
		Use:   "plans",
		Short: "The plans that were made last, and what is left of them",
		Long: `plans lists the plans that previews and acts have made, the newest first. A plan of
kind run puts operations back, one of kind void gives them up; those of kind stream
and rejects have no operations of their own to count. It changes nothing.

One that is new or begun is carried out, or shown again, by the command that made
it: replay run --plan P-7K2M, say.`,
		Example: "  replay plans\n  replay plans --json | jq '.plans[] | select(.left > 0)'",
		Args:    command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if limit < 1 || limit > maxPlans {
				return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxPlans), limit)
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			plans, err := s.desk.RecentPlans(c.Context(), limit)
			if err != nil {
				return err
			}
			reports := make([]planReport, len(plans))
			for i, p := range plans {
				reports[i] = reported(p)
			}
			if asJSON {
				return terminal.JSON(c.OutOrStdout(), map[string][]planReport{"plans": reports})
			}
			printPlans(c.OutOrStdout(), reports, time.Now())
			return nil
		},
	}
	c.Flags().IntVar(&limit, "limit", 20, "the most plans to show, 1 to 1,000")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	return c
}

// planReport is a plan as plans and cancel show it.
type planReport struct {
	desk.Plan
	// State is new, begun, finished or cancelled; empty for a plan whose
	// operations are not counted.
	State string `json:"state"`
}

// reported is a plan as it is shown: masked.
func reported(p desk.Plan) planReport {
	p.Filter = privacy.Mobiles(p.Filter)
	return planReport{p, p.State()}
}

func printPlans(out io.Writer, plans []planReport, now time.Time) {
	if len(plans) == 0 {
		fmt.Fprintln(out, "There is no plan yet: `replay run` with filters makes one.")
		return
	}
	var rows [][]string
	for _, p := range plans {
		counts := []string{"", "", "", ""}
		if p.Kind.OfOperations() {
			counts = []string{wording.Count(p.Left), wording.Count(p.Done), wording.Count(p.Skipped), wording.Count(p.Refused)}
		}
		rows = append(rows, append(append([]string{p.Name, string(p.Kind), p.State, wording.Age(p.MadeAt, now), terminal.Clean(p.MadeBy), wording.Count(p.Size)},
			counts...), terminal.Clean(p.Filter)))
	}
	terminal.Table(out, []terminal.Column{terminal.Left("PLAN"), terminal.Left("KIND"), terminal.Left("STATE"), terminal.Right("AGE"), terminal.Left("MADE BY"), terminal.Right("SIZE"),
		terminal.Right("LEFT"), terminal.Right("DONE"), terminal.Right("SKIPPED"), terminal.Right("REFUSED"), terminal.Left("FILTER")}, rows)
}

// showPlan is the command that shows a plan again, whatever its kind.
func showPlan(p desk.Plan) string {
	words := []string{"replay", string(p.Kind)}
	if p.Kind == desk.PlanOfRejects {
		words = append(words, "retry")
	}
	return shell(append(words, "--plan", p.Name)...)
}

func newCancel(environ []string) *cobra.Command {
	var act decideFlags
	c := &cobra.Command{
		Use:   "cancel PLAN",
		Short: "Make a plan refuse to be carried out any more; without --yes only show it",
		Long: `cancel ends a plan for good, of whatever kind. If somebody is carrying it out at
this moment, cancel waits for the batch in hand, and no other is begun: when it
has answered, nothing more of the plan is done. What was done before stays done.
cancel itself changes no operation.`,
		Example: "  replay cancel P-7K2M --reason \"wrong filter\" --yes",
		Args:    command.Args(command.OneArg("a plan's name such as P-7K2M")),
		RunE: func(c *cobra.Command, args []string) error {
			who, err := act.check(c)
			if err != nil {
				return err
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			plan, err := s.readPlan(c.Context(), args[0], "")
			if err != nil {
				return err
			}
			return s.cancel(c, &act, who, plan)
		},
	}
	act.register(c)
	return c
}

// cancelReport is what cancel did, or would do.
type cancelReport struct {
	planReport
	// Command cancels it; empty when there is nothing to cancel any more.
	Command string `json:"command"`
}

// leftWords says how much is left of a plan whose operations are counted, and
// nothing of another.
func leftWords(before string, p desk.Plan) string {
	if !p.Kind.OfOperations() {
		return ""
	}
	return before + wording.Count(p.Left) + " left of " + wording.Plural(p.Size, "operation")
}

func (s *session) cancel(c *cobra.Command, a *decideFlags, who desk.Decision, plan desk.Plan) error {
	r := cancelReport{planReport: reported(plan)}
	var text string
	switch {
	case plan.CancelledAt != nil:
		text = fmt.Sprintf("%s was cancelled at %s by %s: nothing to do.", plan.Name, wording.Moment(*plan.CancelledAt), terminal.Clean(plan.CancelledBy))
	case r.State == desk.PlanFinished:
		text = fmt.Sprintf("%s is finished: nothing to cancel.", plan.Name)
	case !a.yes:
		r.Command = a.command("replay", "cancel", plan.Name)
		text = fmt.Sprintf("%s would be cancelled%s. This is a preview: nothing has been changed.\n\nTo do it:\n  %s",
			plan.Name, leftWords(": ", plan), r.Command)
	default:
		ok, err := s.desk.CancelPlan(c.Context(), plan, who.Actor, who.Reason)
		if err != nil {
			return err
		}
		if plan, err = s.desk.ReadPlan(c.Context(), plan.Name); err != nil {
			return err
		}
		r.planReport = reported(plan)
		text = fmt.Sprintf("%s is cancelled%s; what was done before stays done.", plan.Name, leftWords(" with ", r.Plan))
		if !ok {
			text = plan.Name + " was cancelled by somebody else at this moment: nothing was recorded."
		}
	}
	if a.json {
		return terminal.JSON(c.OutOrStdout(), r)
	}
	fmt.Fprintln(c.OutOrStdout(), "Plan "+strings.TrimSpace(text))
	return nil
}
