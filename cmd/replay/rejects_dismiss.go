package main

import (
	"cmp"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

func newRejectsDismiss(environ []string) *cobra.Command {
	var filters rejectFlags
	var act rejectAct
	c := &cobra.Command{
		Use:   "dismiss [ID…]",
		Short: "Decide that rejects need nothing more; without --yes only show which",
		Long: `dismiss resolves open rejects without accepting them: no points are granted for
them by this. The bytes stay in the ledger. It cannot be taken back: a reject is
decided about once. An event that counts after all must be published again.

Without --yes it changes nothing, and shows what it would dismiss. Above 100
rejects the number found must be given with --expect.
` + rejectFilterHelp,
		Example: `  replay rejects dismiss 17 18 --reason "test events of the new POS" --yes
  replay rejects dismiss --code no_vendor_call --expect 212 --reason "by hand" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			who, err := act.check(c)
			if err != nil {
				return err
			}
			filter, err := filters.filter(c, args, time.Now())
			if err != nil {
				return err
			}
			if act.yes && act.expect == 0 && len(rejectFilterArgs(filter)) == 0 {
				return command.Usagef("dismiss --yes wants the numbers of rejects, a filter, or --expect with the number of all open ones")
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			if act.yes {
				return act.dismiss(c, s, filter, who)
			}
			return act.preview(c, s, filter)
		},
	}
	filters.register(c)
	act.register(c)
	return c
}

// preview shows what would be dismissed, and the command that does it.
func (a *rejectAct) preview(c *cobra.Command, s *session, filter desk.RejectFilter) error {
	p, err := rejects.PreviewDismissal(c.Context(), s.desk, filter)
	if err != nil {
		return err
	}
	if p.Rejects > 0 {
		args := append([]string{"replay", "rejects", "dismiss"}, rejectFilterArgs(filter)...)
		p.Command = a.command(append(args, "--expect", strconv.FormatInt(p.Rejects, 10))...)
	}
	out := c.OutOrStdout()
	switch {
	case a.json:
		err = terminal.JSON(out, p)
	case p.Rejects == 0:
		fmt.Fprintln(out, "No open reject fits: nothing to dismiss. `replay rejects list --all` shows what there was.")
	default:
		fmt.Fprintf(out, "Found: %s. This is a preview: nothing has been changed.\n\n", wording.Plural(p.Rejects, "open reject"))
		printCodes(out, p.Codes)
		fmt.Fprintf(out, "\nDismissed, they stay without points, and cannot be retried.\n\nTo do it:\n  %s\n", p.Command)
	}
	return cmp.Or(err, a.otherThanExpected(p.Rejects))
}

// printCodes prints counts by code, with an example of each.
func printCodes(out io.Writer, codes []desk.RetryCode) {
	rows := make([][]string, len(codes))
	for i, code := range codes {
		rows[i] = []string{string(code.Code), wording.Count(code.Count), strconv.FormatInt(int64(code.Example), 10), terminal.Clean(code.Reason)}
	}
	terminal.Table(out, []terminal.Column{terminal.Left("CODE"), terminal.Right("REJECTS"), terminal.Right("FOR EXAMPLE"), terminal.Left("REASON")}, rows)
}

func (a *rejectAct) dismiss(c *cobra.Command, s *session, filter desk.RejectFilter, who desk.Decision) error {
	done, err := s.desk.DismissRejects(c.Context(), desk.Dismissal{Filter: filter,
		FilterText: rejectFilterText(filter), Expect: a.expect, Actor: who.Actor, Reason: who.Reason})
	if err != nil {
		return dismissFailed(err)
	}
	out := c.OutOrStdout()
	switch {
	case a.json:
		err = terminal.JSON(out, done)
	case done.Found == 0:
		fmt.Fprintln(out, "No open reject fits: nothing was dismissed, nothing recorded.")
	default:
		fmt.Fprintf(out, "Dismissed %s of %s.\n", wording.Count(done.Dismissed), wording.Plural(done.Found, "reject"))
		var facts wording.Facts
		facts.Count("skipped", done.Skipped, "somebody decided about them meanwhile")
		facts.Add("recorded", recordedAs(done.Act, who))
		printFacts(out, facts)
	}
	if err == nil && (done.Skipped > 0 || len(filter.IDs) > int(done.Found)) {
		return &partlyError{fmt.Sprintf("%s dismissed; the others are decided about already, or do not fit", wording.Plural(done.Dismissed, "reject"))}
	}
	return err
}

// dismissFailed says what to do after an error. The database may have done it
// all and its answer been lost, but never a part.
func dismissFailed(err error) error {
	return cmp.Or(rejectSizeError(err), fmt.Errorf("%w\nAll of it is done or nothing: `replay log --action %s` shows whether it is", err, desk.ActRejectsDismiss))
}
