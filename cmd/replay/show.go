package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

func newShow(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID|BIZ_ID|ORDER|REFERENCE",
		Short: "Everything about one operation, in plain words",
		Long: `show takes an operation's id, its dedup key (biz_id), the order number, or the
reference at the end of the text that the member sees (with or without #), and
tells the event, the rules, what was sent, every attempt that did not post, who
put it back, how it ended or what it waits for, and what you can do. An order
number can stand for several operations: all are shown, and before those that
have the number as their id. All that names the order stands first: what gave, what
takes back, what waits for it, and rejects whose payload has its number. It changes
nothing.`,
		Example: "  replay show SO-1001\n  replay show '#7K2M9QF3TR4V8'\n  replay show 4711 --json",
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    runs(environ, &showTask{}),
	}
	c.Flags().Bool("json", false, "print JSON")
	return c
}

type showTask struct{ text string }

func (t *showTask) read(_ *cobra.Command, args []string) error {
	if t.text = operationText(args[0]); t.text == "" {
		return command.Usagef("want an operation's id, biz_id, order number or reference, got nothing")
	}
	return nil
}

// operationText is how a person names an operation; a reference may stand with #.
func operationText(arg string) string { return strings.TrimPrefix(strings.TrimSpace(arg), "#") }

func (t *showTask) call(c *cobra.Command, s *session) (page, error) {
	found, err := overview.Find(c.Context(), s.desk, t.text, accounts.Configured{Config: s.config}, terminalNames)
	switch {
	case err != nil:
		return nil, err
	case len(found.Operations)+len(found.Waiting)+len(found.Rejects) == 0:
		return nil, steps.NotFound(t.text)
	}
	for i := range found.Operations {
		found.Operations[i].Next = steps.OfOperation(found.Operations[i].Advice)
	}
	return &showPage{found, t.text}, nil
}

type showPage struct {
	overview.Found
	text string
}

func (found *showPage) print(out io.Writer) {
	if ways := found.SeveralWays(); ways != "" {
		fmt.Fprintf(out, "%s is %s.\n\n", terminal.Clip(terminal.Clean(found.text), 2*terminal.LabelCells), ways)
	}
	life := found.Life()
	if len(life) > 0 {
		fmt.Fprintf(out, "All that names %s (times in %s)\n", terminal.Clip(terminal.Clean(found.text), 2*terminal.LabelCells), found.At.Local().Format("-07:00"))
		for _, h := range life {
			terminal.Line(out, dayAndTime(h.At), h.Words)
		}
	}
	for i := range found.Operations {
		if i > 0 || len(life) > 0 {
			fmt.Fprintln(out)
		}
		printOperation(out, &found.Operations[i], found.At)
	}
	if found.More {
		fmt.Fprintf(out, "\nMore operations than these %d fit: name one by its id or biz_id.\n", len(found.Operations))
	}
}

func printOperation(out io.Writer, o *overview.Operation, now time.Time) {
	fmt.Fprintf(out, "Operation %d: %s\n", o.ID, terminal.Clip(terminal.Clean(overview.Headline(&o.OperationDetail)), terminal.PageWidth-24))
	printFacts(out, o.Standing(now))
	printFacts(out, o.ReversalFacts())
	fmt.Fprintln(out, "What happened")
	printFacts(out, o.EventFacts())
	if o.Points > 0 {
		fmt.Fprintln(out, "What is sent")
		terminal.Line(out, "call", o.CallWords())
		printFacts(out, o.CallFacts())
		printFacts(out, o.RequestFacts())
	}
	printHistory(out, o)
	if o.Posting != nil {
		fmt.Fprintln(out, "How it ended")
		printFacts(out, o.EndFacts())
	}
	fmt.Fprintln(out, "What you can do")
	terminal.Point(out, o.Next)
}

// printHistory prints attempts and what people did.
func printHistory(out io.Writer, o *overview.Operation) {
	history := o.History()
	did, newest := "", time.Time{}
	if n := len(o.Attempts); n > 0 {
		newest = o.Attempts[n-1].At
	}
	if len(o.Acts) > 0 {
		did = ", and what people did"
		if o.Acts[0].At.After(newest) {
			newest = o.Acts[0].At
		}
	}
	if len(history) > 0 {
		fmt.Fprintf(out, "Attempts that did not post%s (times in %s)\n", did, newest.Local().Format("-07:00"))
	}
	if o.EarlierAttempts > 0 {
		fmt.Fprintf(out, "  (%s not shown)\n", wording.Plural(o.EarlierAttempts, "earlier attempt"))
	}
	for _, h := range history {
		terminal.Line(out, dayAndTime(h.At), h.Words)
		if h.Result != "" {
			terminal.Line(out, "", h.Result)
		}
	}
}

func dayAndTime(t time.Time) string { return t.Local().Format("01-02 15:04:05") }
