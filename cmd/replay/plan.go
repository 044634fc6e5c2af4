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
	var t plansTask
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
		RunE:    runs(environ, &t),
	}
	c.Flags().IntVar(&t.limit, "limit", 20, "the most plans to show, 1 to 1,000")
	c.Flags().Bool("json", false, "print JSON")
	return c
}

type plansTask struct{ limit int }

func (t *plansTask) read(*cobra.Command, []string) error {
	if t.limit < 1 || t.limit > maxPlans {
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxPlans), t.limit)
	}
	return nil
}

func (t *plansTask) call(c *cobra.Command, s *session) (page, error) {
	plans, err := s.desk.RecentPlans(c.Context(), t.limit)
	if err != nil {
		return nil, err
	}
	p := plansPage{make([]planReport, len(plans))}
	for i, plan := range plans {
		p.Plans[i] = reported(plan)
	}
	return &p, nil
}

type plansPage struct {
	Plans []planReport `json:"plans"`
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

func (l *plansPage) print(out io.Writer) {
	if len(l.Plans) == 0 {
		fmt.Fprintln(out, "There is no plan yet: `replay run` with filters makes one.")
		return
	}
	var rows [][]string
	for _, p := range l.Plans {
		counts := []string{"", "", "", ""}
		if p.Kind.OfOperations() {
			counts = []string{wording.Count(p.Left), wording.Count(p.Done), wording.Count(p.Skipped), wording.Count(p.Refused)}
		}
		rows = append(rows, append(append([]string{p.Name, string(p.Kind), p.State, wording.Age(p.MadeAt, time.Now()), terminal.Clean(p.MadeBy), wording.Count(p.Size)},
			counts...), terminal.Clean(p.Filter)))
	}
	terminal.Table(out, []terminal.Column{terminal.Left("PLAN"), terminal.Left("KIND"), terminal.Left("STATE"), terminal.Right("AGE"), terminal.Left("MADE BY"), terminal.Right("SIZE"),
		terminal.Right("LEFT"), terminal.Right("DONE"), terminal.Right("SKIPPED"), terminal.Right("REFUSED"), terminal.Left("FILTER")}, rows)
}

func newCancel(environ []string) *cobra.Command {
	var t cancelTask
	c := &cobra.Command{
		Use:   "cancel PLAN",
		Short: "Make a plan refuse to be carried out any more; without --yes only show it",
		Long: `cancel ends a plan for good, of whatever kind. If somebody is carrying it out at
this moment, cancel waits for the batch in hand, and no other is begun: when it
has answered, nothing more of the plan is done. What was done before stays done.
cancel itself changes no operation.`,
		Example: "  replay cancel P-7K2M --reason \"wrong filter\" --yes",
		Args:    command.Args(command.OneArg("a plan's name such as P-7K2M")),
		RunE:    runs(environ, &t),
	}
	t.Register(c)
	return c
}

type cancelTask struct {
	command.Decide
	who  desk.Decision
	name string
}

func (t *cancelTask) read(c *cobra.Command, args []string) (err error) {
	t.name = args[0]
	t.who, err = decided(&t.Decide, c)
	return err
}

// cancelReport is what cancel did, or would do.
type cancelReport struct {
	planReport
	// Command cancels it; empty when there is nothing to cancel any more.
	Command string `json:"command"`

	text string
}

func (r *cancelReport) print(out io.Writer) { fmt.Fprintln(out, "Plan "+strings.TrimSpace(r.text)) }

// leftWords says how much is left of a plan whose operations are counted, and
// nothing of another.
func leftWords(before string, p desk.Plan) string {
	if !p.Kind.OfOperations() {
		return ""
	}
	return before + wording.Count(p.Left) + " left of " + wording.Plural(p.Size, "operation")
}

func (t *cancelTask) call(c *cobra.Command, s *session) (page, error) {
	plan, err := s.readPlan(c.Context(), t.name, "")
	if err != nil {
		return nil, err
	}
	r := cancelReport{planReport: reported(plan)}
	switch {
	case plan.CancelledAt != nil:
		r.text = fmt.Sprintf("%s was cancelled at %s by %s: nothing to do.", plan.Name, wording.Moment(*plan.CancelledAt), terminal.Clean(plan.CancelledBy))
	case r.State == desk.PlanFinished:
		r.text = fmt.Sprintf("%s is finished: nothing to cancel.", plan.Name)
	case !t.Yes:
		r.Command = t.Line("replay", "cancel", plan.Name)
		r.text = fmt.Sprintf("%s would be cancelled%s. This is a preview: nothing has been changed.\n\nTo do it:\n  %s",
			plan.Name, leftWords(": ", plan), r.Command)
	default:
		ok, err := s.desk.CancelPlan(c.Context(), plan, t.who.Actor, t.who.Reason)
		if err != nil {
			return nil, err
		}
		if plan, err = s.desk.ReadPlan(c.Context(), plan.Name); err != nil {
			return nil, err
		}
		r.planReport = reported(plan)
		r.text = fmt.Sprintf("%s is cancelled%s; what was done before stays done.", plan.Name, leftWords(" with ", r.Plan))
		if !ok {
			r.text = plan.Name + " was cancelled by somebody else at this moment: nothing was recorded."
		}
	}
	return &r, nil
}
