package main

import (
	"fmt"
	"io"
	"maps"
	"slices"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/periods"
)

type periodsOptions struct{ recount bool }

func newPeriods(environ []string) *cobra.Command {
	var o periodsOptions
	c := &cobra.Command{
		Use:   "periods",
		Short: "What is locked and closed, by whom, and whether it still says the same",
		Long: `periods lists the periods that are locked or closed, the last first. With --recount
it works out the balances through the end of each closed one again, and names what is
not as it was closed; that reads all of the books for each.

Exit codes: 0, and 3 when balances of a closed period have changed.`,
		Example: "  reconcile periods\n  reconcile periods --recount --json",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	c.Flags().BoolVar(&o.recount, "recount", false, "work out the balances of closed periods again, and compare")
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *periodsOptions) read(*cobra.Command, []string) error { return nil }

func (o *periodsOptions) call(c *cobra.Command, s *session) (page, error) {
	list, err := periods.New(s.pool).List(c.Context(), o.recount)
	if err != nil {
		return nil, err
	}
	found := &periodsPage{Periods: list, recounted: o.recount}
	if found.changed() {
		return found, &command.PartlyError{Text: "the balances of a closed period are not what they were: reconcile verify looks for the rows"}
	}
	return found, nil
}

type periodsPage struct {
	Periods   []periods.Period `json:"periods"`
	recounted bool
}

func (p *periodsPage) changed() bool {
	return slices.ContainsFunc(p.Periods, func(one periods.Period) bool {
		return one.Closed != nil && (len(one.Closed.Differences) > 0 || one.Closed.Edited)
	})
}

func (p *periodsPage) print(out io.Writer) {
	if len(p.Periods) == 0 {
		fmt.Fprintln(out, "All business dates are open.")
		return
	}
	var rows [][]string
	for i := range p.Periods {
		one := &p.Periods[i]
		act := &one.Locked
		if one.Closed != nil {
			act = &one.Closed.Act
		}
		rows = append(rows, []string{spanWords(one.Span), one.State, wording.Moment(act.At), terminal.Clean(act.Actor) + " (" + terminal.Clean(act.DatabaseUser) + ")", p.standing(one)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("BUSINESS DATES"), terminal.Left("STATE"), terminal.Left("SINCE"), terminal.Left("BY (DATABASE USER)"), terminal.Left("BALANCES")}, rows)
	for i := range p.Periods {
		if c := p.Periods[i].Closed; c != nil && len(c.Differences) > 0 {
			printDifferences(out, p.Periods[i].Through, c.Differences)
		}
	}
}

func (p *periodsPage) standing(one *periods.Period) string {
	switch {
	case one.Closed == nil:
		return ""
	case one.Closed.Edited:
		return "EDITED: not what the act of closing says"
	case !p.recounted:
		return "not recounted"
	case len(one.Closed.Differences) == 0:
		return "as closed"
	}
	return "CHANGED"
}

func printDifferences(out io.Writer, through string, differences []periods.Difference) {
	fmt.Fprintf(out, "\nChanged through %s:\n", through)
	var rows [][]string
	for _, d := range differences {
		rows = append(rows, []string{terminal.Clean(d.Account), wording.Count(d.ClosedPoints), wording.Count(d.Points), wording.Signed(d.Points - d.ClosedPoints)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Right("AS CLOSED"), terminal.Right("NOW"), terminal.Right("DIFFERENCE")}, rows)
}

func printTotals(out io.Writer, totals map[string]int64) {
	var rows [][]string
	for _, account := range slices.Sorted(maps.Keys(totals)) {
		rows = append(rows, []string{terminal.Clean(account), wording.Count(totals[account])})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Right("POINTS")}, rows)
}
