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
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// dismissOptions are the flags of `replay rejects dismiss`.
type dismissOptions struct {
	rejectAct
	filters rejectFlags
	filter  desk.RejectFilter
	who     desk.Decision
}

func newRejectsDismiss(environ []string) *cobra.Command {
	var o dismissOptions
	c := &cobra.Command{
		Use:   "dismiss [ID…]",
		Short: "Decide that rejects need nothing more; without --yes only show which",
		Long: `dismiss resolves open rejects without accepting them: no points are granted for
them by this. The bytes stay in the ledger. It cannot be taken back: a reject is
decided about once. An event that counts after all must be published again. A
refund that waits for its sale (origin_unknown) waits no more.

Without --yes it changes nothing, and shows what it would dismiss. Above 100
rejects the number found must be given with --expect.
` + rejectFilterHelp,
		Example: `  replay rejects dismiss 17 18 --reason "test events of the new POS" --yes
  replay rejects dismiss --code no_vendor_call --expect 212 --reason "by hand" --yes`,
		Args: cobra.ArbitraryArgs,
		RunE: runs(environ, &o),
	}
	o.filters.register(c)
	o.register(c)
	return c
}

func (o *dismissOptions) read(c *cobra.Command, args []string) (err error) {
	if o.who, err = o.check(c); err != nil {
		return err
	}
	o.filter, err = o.filters.filter(c, args, time.Now())
	if err == nil && o.Yes && o.expect == 0 && len(rejectFilterArgs(o.filter)) == 0 {
		return command.Usagef("dismiss --yes wants the numbers of rejects, a filter, or --expect with the number of all open ones")
	}
	return err
}

func (o *dismissOptions) call(c *cobra.Command, s *session) (page, error) {
	if o.Yes {
		return o.dismiss(c, s)
	}
	p, err := rejects.PreviewDismissal(c.Context(), s.desk, o.filter)
	if err != nil {
		return nil, err
	}
	if p.Rejects > 0 {
		args := append([]string{"replay", "rejects", "dismiss"}, rejectFilterArgs(o.filter)...)
		p.Command = o.Line(append(args, "--expect", strconv.FormatInt(p.Rejects, 10))...)
	}
	return &dismissable{p}, o.otherThanExpected(p.Rejects)
}

type dismissable struct{ rejects.Dismissable }

func (p *dismissable) print(out io.Writer) {
	if p.Rejects == 0 {
		fmt.Fprintln(out, "No open reject fits: nothing to dismiss. `replay rejects list --all` shows what there was.")
		return
	}
	fmt.Fprintf(out, "Found: %s. This is a preview: nothing has been changed.\n\n", wording.Plural(p.Rejects, "open reject"))
	printCodes(out, p.Codes)
	fmt.Fprintf(out, "\nDismissed, they stay without points, and cannot be retried.\n\nTo do it:\n  %s\n", p.Command)
}

// printCodes prints counts by code, with an example of each.
func printCodes(out io.Writer, codes []desk.RetryCode) {
	rows := make([][]string, len(codes))
	for i, code := range codes {
		rows[i] = []string{string(code.Code), wording.Count(code.Count), strconv.FormatInt(int64(code.Example), 10), terminal.Clean(code.Reason)}
	}
	terminal.Table(out, []terminal.Column{terminal.Left("CODE"), terminal.Right("REJECTS"), terminal.Right("FOR EXAMPLE"), terminal.Left("REASON")}, rows)
}

func (o *dismissOptions) dismiss(c *cobra.Command, s *session) (page, error) {
	done, err := s.desk.DismissRejects(c.Context(), desk.Dismissal{Filter: o.filter,
		FilterText: rejectFilterText(o.filter), Expect: o.expect, Actor: o.who.Actor, Reason: o.who.Reason})
	if err != nil {
		return nil, dismissFailed(err)
	}
	if done.Skipped > 0 || len(o.filter.IDs) > int(done.Found) {
		err = &command.PartlyError{Text: fmt.Sprintf("%s dismissed; the others are decided about already, or do not fit", wording.Plural(done.Dismissed, "reject"))}
	}
	return &dismissed{done, o.who}, err
}

type dismissed struct {
	desk.Dismissed
	who desk.Decision
}

func (d *dismissed) print(out io.Writer) {
	if d.Found == 0 {
		fmt.Fprintln(out, "No open reject fits: nothing was dismissed, nothing recorded.")
		return
	}
	fmt.Fprintf(out, "Dismissed %s of %s.\n", wording.Count(d.Dismissed.Dismissed), wording.Plural(d.Found, "reject"))
	counted(out, "waited for their sale", d.WaitsEnded, ": they wait no more")
	counted(out, "skipped", d.Skipped, ": somebody decided about them meanwhile")
	terminal.Line(out, "recorded", recordedAs(d.Act, d.who))
}

// dismissFailed says what to do after an error. The database may have done it
// all and its answer been lost, but never a part.
func dismissFailed(err error) error {
	return cmp.Or(steps.OtherRejects(err), fmt.Errorf("%w\nAll of it is done or nothing: `replay log --action %s` shows whether it is", err, desk.ActRejectsDismiss))
}
