package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// maxLog bounds a page of the log: it is held in memory.
const maxLog = 1000

// logOptions are the flags of `replay log`.
type logOptions struct {
	action, operator, since, until string
	after                          int64
	limit                          int
	filter                         desk.ActFilter
}

func newLog(environ []string) *cobra.Command {
	var o logOptions
	c := &cobra.Command{
		Use:   "log",
		Short: "Who did what, when and why, newest first",
		Long: `log shows what people did with this ledger (table ops_actions), newest first: who,
when, what, how many things it was about, why, the filter or plan, and what came
of it. An act that runs a plan is recorded when it begins and again when it ends.
It changes nothing.`,
		Example: `  replay log
  replay log --action void --since 7d
  replay log --operator lin --json`,
		Args: command.Args(cobra.NoArgs),
		RunE: runs(environ, &o),
	}
	c.Flags().StringVar(&o.action, "action", "", "what was done, such as replay, void, settle or pause")
	c.Flags().StringVar(&o.operator, "operator", "", "who did it")
	c.Flags().StringVar(&o.since, "since", "", "at this time or later: RFC 3339, or an age such as 90m, 24h, 7d")
	c.Flags().StringVar(&o.until, "until", "", "before this time")
	c.Flags().IntVar(&o.limit, "limit", 20, "the most actions to show, 1 to 1,000")
	c.Flags().Int64Var(&o.after, "after", 0, "go on behind this action, as the page before says")
	c.Flags().Bool("json", false, "print JSON")
	return c
}

func (o *logOptions) read(c *cobra.Command, _ []string) (err error) {
	if err := command.NoneEmpty(c, "action", "operator", "since", "until"); err != nil {
		return err
	}
	switch {
	case o.limit < 1 || o.limit > maxLog:
		return command.Usagef("--limit: want 1 to %s, got %d; a longer log goes on with --after", wording.Count(maxLog), o.limit)
	case o.after < 0:
		return command.Usagef("--after: want the number that the page before ended with, got %d", o.after)
	}
	o.filter = desk.ActFilter{Name: o.action, Actor: o.operator, Before: o.after, Limit: o.limit}
	o.filter.Since, o.filter.Until, err = command.Period(o.since, o.until, time.Now())
	return err
}

func (o *logOptions) call(c *cobra.Command, s *session) (page, error) {
	acts, err := overview.Acts(c.Context(), s.desk, o.filter)
	if err != nil {
		return nil, err
	}
	return &logPage{acts}, nil
}

type logPage struct{ overview.ActLog }

func (l *logPage) print(out io.Writer) {
	switch {
	case len(l.Acts) == 0 && len(l.Names) == 0:
		fmt.Fprintln(out, "Nobody has done anything by hand yet.")
	case len(l.Acts) == 0:
		terminal.Paragraph(out, "No action fits. What was done so far: "+strings.Join(l.Names, ", ")+".")
	}
	now := time.Now()
	for i, a := range l.Acts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		fmt.Fprintf(out, "%s  %s  (%s ago, action %d)\n", wording.Moment(a.At), terminal.Clip(terminal.Clean(wording.Act(a.Name)+" by "+a.Actor), 46), wording.Age(a.At, now), a.ID)
		terminal.Line(out, "why", a.Reason)
		if a.Filter != "" {
			terminal.Line(out, "of", a.Filter)
		}
		terminal.Line(out, "size", wording.Count(a.SetSize))
		terminal.Line(out, "result", a.Result)
	}
	if l.More {
		fmt.Fprintf(out, "\nThere are older ones. Go on with the same command and --after %d\n", l.After)
	}
}
