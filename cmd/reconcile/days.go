package main

import (
	"context"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/orders"
	"pointsledger/reconcile/periods"
)

type daysOptions struct{ asked orders.DaysAsked }

func newDays(environ []string) *cobra.Command {
	var o daysOptions
	c := &cobra.Command{
		Use:   "days",
		Short: "What shops declared that they sold, day by day, against the books",
		Long: `days holds each day that a source declared (event day.declared) against the orders that
the ledger has of it: paid orders of that source with that business date, each once,
those that give no points too, and the sum of their amounts. Of a day that was declared
several times the newest counts.

Days that are over and do not add up are listed: what is MISSING was sold and is not in
the ledger, or, below 0, is in the ledger and was not declared. REJECTED are orders of
which an event was rejected and none was accepted: they explain a part of it.`,
		Example: "  reconcile days\n  reconcile days --from 2026-11-01 --to 2026-11-30 --source shop-sh --all\n  reconcile days --json",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	f := c.Flags()
	f.StringVar(&o.asked.From, "from", "", "days from this one on, such as 2026-11-01")
	f.StringVar(&o.asked.To, "to", "", "days up to this one")
	f.StringVar(&o.asked.Source, "source", "", "this source alone, in any spelling; all of them unless given")
	f.BoolVar(&o.asked.All, "all", false, "list the days that add up, or are not over, too")
	f.IntVar(&o.asked.Limit, "limit", 1000, "the most days to list, 1 to 1,000,000; all are counted")
	f.Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *daysOptions) read(c *cobra.Command, _ []string) error {
	if err := command.NoneEmpty(c, "from", "to", "source"); err != nil {
		return err
	}
	if err := checkSpan(o.asked.From, o.asked.To); err != nil {
		return err
	}
	if o.asked.Limit < 1 || o.asked.Limit > maxRows {
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxRows), o.asked.Limit)
	}
	return nil
}

// checkSpan checks --from and --to.
func checkSpan(from, to string) error {
	if err := checkDate("from", from); err != nil {
		return err
	}
	if err := checkDate("to", to); err != nil {
		return err
	}
	if from != "" && to != "" && from > to {
		return command.Usagef("--from %s is after --to %s", from, to)
	}
	return nil
}

func (o *daysOptions) call(c *cobra.Command, s *session) (page, error) {
	_, zone, err := policyAndZone(c.Context(), s.pool)
	if err != nil {
		return nil, err
	}
	o.asked.Zone = zone
	found, err := orders.New(s.pool).Days(c.Context(), o.asked)
	if err == nil && found.Differ > 0 {
		err = command.ErrDisagree
	}
	return &daysPage{found}, err
}

type daysPage struct{ orders.Days }

func (d *daysPage) print(out io.Writer) {
	if d.Declared == 0 {
		terminal.Paragraph(out, "No day was declared: a shop publishes day.declared when its day is over (docs/rules.md).")
		return
	}
	text := wording.Plural(d.Declared, "declared day") + ": " + wording.Count(d.AddUp) + " add up, " + wording.Count(d.Differ) + " do not"
	if d.NotOver > 0 {
		text += ", " + wording.Count(d.NotOver) + " not over yet"
	}
	terminal.Paragraph(out, text)
	if d.Undeclared > 0 {
		terminal.Paragraph(out, fmt.Sprintf("%s on %s that these sources did not declare.", wording.Plural(d.Undeclared, "order"), wording.Plural(d.UndeclaredDays, "day")))
	}
	if len(d.Rows) == 0 {
		return
	}
	fmt.Fprintln(out)
	var rows [][]string
	for i := range d.Rows {
		r := &d.Rows[i]
		rows = append(rows, []string{r.Day, terminal.Clean(dayOf(r)), wording.Count(r.DeclaredOrders), wording.Count(r.AcceptedOrders), wording.Count(r.RejectedOrders),
			wording.Count(r.MissingOrders), yuan(r.MissingFen), verdictOf(r)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("DAY"), terminal.Left("OF"), terminal.Right("DECLARED"), terminal.Right("ACCEPTED"),
		terminal.Right("REJECTED"), terminal.Right("MISSING"), terminal.Right("YUAN"), terminal.Left("")}, rows)
	if d.More {
		fmt.Fprintln(out, "\nThere are more days: --limit shows more.")
	}
}

// dayOf is whose day it is.
func dayOf(d *orders.Day) string {
	if d.ShopCode == nil {
		return d.Source
	}
	return d.Source + ", shop " + *d.ShopCode
}

func verdictOf(d *orders.Day) string {
	switch {
	case d.AddsUp:
		return "adds up"
	case !d.Over:
		return "not over"
	}
	return "DIFFERS"
}

// yuan writes fen as yuan.
func yuan(fen int64) string {
	sign, rest := "", uint64(fen)
	if fen < 0 {
		sign, rest = "-", -rest
	}
	return fmt.Sprintf("%s%s.%02d", sign, wording.Count(int64(rest/100)), rest%100)
}

// declaredDays is the check of that name before a period is closed.
type declaredDays struct {
	pool *pgxpool.Pool
	zone string
}

func (d declaredDays) Look(ctx context.Context, s periods.Span) ([]periods.Finding, error) {
	asked := orders.DaysAsked{To: s.Through, Zone: d.zone, Limit: 3}
	if after, err := time.Parse(time.DateOnly, s.After); err == nil {
		asked.From = after.AddDate(0, 0, 1).Format(time.DateOnly)
	}
	found, err := orders.New(d.pool).Days(ctx, asked)
	if err != nil || found.Differ == 0 {
		return nil, err
	}
	var days []string
	for i := range found.Rows {
		days = append(days, found.Rows[i].Day+" of "+dayOf(&found.Rows[i]))
	}
	says := strings.Join(days, ", ")
	if found.More {
		says += ", …"
	}
	return []periods.Finding{{Check: periods.DeclaredDays, Count: found.Differ, Says: says}}, nil
}
