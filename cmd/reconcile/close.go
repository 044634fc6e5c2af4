package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/terminal"
	"pointsledger/ledger/rulefiles"
	"pointsledger/reconcile/periods"
)

type closeOptions struct {
	closing  periods.Closing
	operator string
}

func newClose(environ []string) *cobra.Command {
	var o closeOptions
	c := &cobra.Command{
		Use:   "close",
		Short: "Close the books through a business date",
		Long: `close closes all business dates through one that are not closed yet. First it locks
them: what comes late from then on keeps its date and is booked on the first open
one. It waits for what was being recorded meanwhile, looks whether something stands
against it, and closes; what was found, the balances and what is open and carried
forward are kept with it, and so are who and why.

What blocks is said by the newest registered rule file (periods.blocks; unless it
says otherwise the seal, unexplained items and declared days); what else is found is
a warning, which takes a --reason. While something blocks, the dates stay locked:
mend it or explain it, and close again; or reopen.

Exit codes: 0 closed, 3 something blocks.`,
		Example: "  reconcile close --date 2026-11-30 --preview\n  reconcile close --date 2026-11-30 --reason \"42 grants of 30 November are on their way\"",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	c.Flags().StringVar(&o.closing.Through, "date", "", "the last business date to close, such as 2026-11-30; required")
	c.Flags().BoolVar(&o.closing.PreviewOnly, "preview", false, "only look at what stands against it; change nothing")
	c.Flags().BoolVar(&o.closing.LockOnly, "lock", false, "only lock: late events go to the first open date, nothing is closed")
	c.Flags().StringVar(&o.closing.Reason, "reason", "", "why it is closed although something is open; needed with warnings")
	c.Flags().StringVar(&o.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *closeOptions) read(c *cobra.Command, _ []string) (err error) {
	if o.closing.PreviewOnly && o.closing.LockOnly {
		return command.Usagef("--preview and --lock: one changes nothing, the other locks; leave one of the two out")
	}
	o.closing.Actor, o.closing.Reason, err = actorAndReason(c, o.operator, o.closing.Reason)
	if err == nil {
		err = needDate(o.closing.Through)
	}
	return err
}

func needDate(date string) error {
	if date == "" {
		return command.Usagef("--date: want the last business date of the period, such as 2026-11-30")
	}
	return checkDate("date", date)
}

// actorAndReason are who acts, and why.
func actorAndReason(c *cobra.Command, operator, reason string) (string, string, error) {
	actor, err := command.Operator(operator, c.Flag("operator").Changed)
	if err != nil {
		return "", "", err
	}
	reason = strings.TrimSpace(reason)
	if reason == command.ReasonToFill {
		reason = ""
	}
	return actor, reason, nil
}

func (o *closeOptions) call(c *cobra.Command, s *session) (page, error) {
	var err error
	if o.closing.Policy, o.closing.Zone, err = policyAndZone(c.Context(), s.pool); err != nil {
		return nil, err
	}
	checks, end := closeChecks(c, s, o.closing.Zone)
	defer end()
	found, err := periods.New(s.pool, checks...).Close(c.Context(), o.closing)
	switch {
	case errors.Is(err, periods.ErrReasonNeeded):
		return &closePage{Outcome: found, closing: &o.closing}, &command.PartlyError{Text: "not closed: there are warnings, and --reason does not say why it is closed all the same"}
	case err != nil:
		return nil, err
	case found.Blocked():
		return &closePage{Outcome: found, closing: &o.closing}, &command.PartlyError{Text: "not closed: something blocks it"}
	}
	return &closePage{Outcome: found, closing: &o.closing}, nil
}

// policyAndZone are what the newest registered rules say of closing, and the time zone of
// their business dates; without any, what the built-in file says.
func policyAndZone(ctx context.Context, pool *pgxpool.Pool) (periods.Policy, string, error) {
	registered, err := rulefiles.New(pool).Registered(ctx)
	if err != nil {
		return periods.Policy{}, "", err
	}
	if newest, some := rulefiles.NewestRules(registered); some {
		return config.ClosingPolicy(newest.Version, newest.Text)
	}
	_, zone, err := config.ClosingPolicy("built-in", string(config.DefaultFile()))
	return periods.Policy{}, zone, err
}

type closePage struct {
	periods.Outcome
	closing *periods.Closing
}

func (p *closePage) print(out io.Writer) {
	terminal.Paragraph(out, fmt.Sprintf("Business dates %s: %s", spanWords(p.Span), stateWords(p.State)))
	if p.closing.LockOnly {
		return
	}
	printFindings(out, p.Findings)
	if len(p.Totals) > 0 {
		fmt.Fprintf(out, "\nBalances through %s, members added up:\n", p.Through)
		printTotals(out, p.Totals)
		fmt.Fprintln(out)
		terminal.Paragraph(out, "Each entry stands on the day on which it was booked: a grant on its business date, the vendor's confirmation on its own day. What was confirmed later is pending here; `reconcile trial --booked` says the same, and `reconcile trial --date` goes by business dates alone.")
	}
	if p.closing.PreviewOnly || p.State == "locked" {
		p.printNext(out)
	}
}

// printNext says how to look at what stands against it, and how to go on.
func (p *closePage) printNext(out io.Writer) {
	fmt.Fprintln(out, "\nNext:")
	said := map[string]bool{}
	for _, f := range p.Findings {
		if next := p.lookAt(f.Check); !said[next] {
			terminal.Point(out, next)
			said[next] = true
		}
	}
	again := []string{"reconcile", "close", "--date", p.Through}
	if len(p.Findings) > 0 {
		again = append(again, "--reason", command.ReasonToFill)
	}
	switch over, err := isOver(p.Through, p.closing.Zone); {
	case err == nil && !over:
		terminal.Point(out, fmt.Sprintf("%s is not over in %s: close it from the day after on", p.Through, p.closing.Zone))
	default:
		terminal.Point(out, command.Shell(again...))
	}
	if p.State == "locked" {
		terminal.Point(out, command.Shell("reconcile", "reopen", "--date", p.Through, "--reason", command.ReasonToFill)+" opens the dates again")
	}
}

// lookAt is the command that shows what a check has found.
func (p *closePage) lookAt(check string) string {
	switch check {
	case periods.Seal, periods.SealHead:
		return "reconcile verify"
	case periods.Unexplained:
		return "reconcile runs, and reconcile items RUN --unexplained of the newest"
	case periods.NotReconciled:
		return "reconcile run --from … --to …, over the days on which it was posted"
	case periods.DeclaredDays:
		return command.Shell("reconcile", "days", "--to", p.Through)
	case periods.Rejects:
		return "replay rejects list"
	}
	return command.Shell("reconcile", "balance", "--date", p.Through)
}

// isOver says whether a business date has ended.
func isOver(date, zone string) (bool, error) {
	at, err := time.LoadLocation(zone)
	return err == nil && time.Now().In(at).Format(time.DateOnly) > date, err
}

func spanWords(s periods.Span) string {
	if s.After == "" {
		return "through " + s.Through
	}
	return "after " + s.After + " through " + s.Through
}

func stateWords(state string) string {
	switch state {
	case "closed":
		return "CLOSED"
	case "locked":
		return "locked, not closed; what comes late is booked on the first open date"
	}
	return "open"
}

// printFindings lists what stands against a closing, and what is carried forward.
func printFindings(out io.Writer, findings []periods.Finding) {
	if len(findings) == 0 {
		fmt.Fprintln(out, "\nNothing stands against it, and nothing of it is open now.")
		return
	}
	fmt.Fprintln(out)
	var rows [][]string
	for _, f := range findings {
		weight := "warning"
		if f.Blocks {
			weight = "BLOCKS"
		}
		rows = append(rows, []string{weight, f.Account, checkWords(f), wording.Count(f.Count), wording.Count(f.Points)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left(""), terminal.Left("ACCOUNT"), terminal.Left("WHAT"), terminal.Right("NUMBER"), terminal.Right("POINTS")}, rows)
}

func checkWords(f periods.Finding) string {
	words := map[string]string{
		periods.Seal: "the seal does not verify", periods.SealHead: "the head outside was not compared", periods.Unexplained: "items that nobody explained", periods.NotReconciled: "not compared with the vendor",
		periods.DeclaredDays: "declared days that do not add up", periods.Rejects: "rejected events that nobody settled",
	}[f.Check]
	if words == "" {
		words = whyWords[f.Check]
	}
	if f.Says != "" {
		words += ": " + f.Says
	}
	return terminal.Clean(words)
}
