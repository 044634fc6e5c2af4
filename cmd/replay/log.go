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

// maxLog bounds a page of the log: it is held in memory.
const maxLog = 1000

// logOptions are the flags of `replay log`.
type logOptions struct {
	action, operator, since, until string
	after                          int64
	limit                          int
	json                           bool
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
		RunE: func(c *cobra.Command, _ []string) error { return runLog(c, environ, &o) },
	}
	c.Flags().StringVar(&o.action, "action", "", "what was done, such as replay, void, settle or pause")
	c.Flags().StringVar(&o.operator, "operator", "", "who did it")
	c.Flags().StringVar(&o.since, "since", "", "at this time or later: RFC 3339, or an age such as 90m, 24h, 7d")
	c.Flags().StringVar(&o.until, "until", "", "before this time")
	c.Flags().IntVar(&o.limit, "limit", 20, "the most actions to show, 1 to 1,000")
	c.Flags().Int64Var(&o.after, "after", 0, "go on behind this action, as the page before says")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

func (o *logOptions) filter(c *cobra.Command, now time.Time) (f desk.ActFilter, err error) {
	if err := command.NoneEmpty(c, "action", "operator", "since", "until"); err != nil {
		return f, err
	}
	switch {
	case o.limit < 1 || o.limit > maxLog:
		return f, command.Usagef("--limit: want 1 to %s, got %d; a longer log goes on with --after", wording.Count(maxLog), o.limit)
	case o.after < 0:
		return f, command.Usagef("--after: want the number that the page before ended with, got %d", o.after)
	}
	f = desk.ActFilter{Name: o.action, Actor: o.operator, Before: o.after, Limit: o.limit}
	f.Since, f.Until, err = command.Period(o.since, o.until, now)
	return f, err
}

// actionLog is a page of the log as it is shown.
type actionLog struct {
	Actions []desk.RecordedAct `json:"actions"`
	More    bool               `json:"more"`
	// After is the place where the next page begins, 0 when this is the last.
	After int64 `json:"after"`
}

func runLog(c *cobra.Command, environ []string, o *logOptions) error {
	filter, err := o.filter(c, time.Now())
	if err != nil {
		return err
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	page := actionLog{Actions: []desk.RecordedAct{}}
	found, more, err := s.desk.ListActs(c.Context(), filter)
	if err != nil {
		return err
	}
	page.More = more
	for _, a := range found {
		a.Actor, a.Reason, a.Filter, a.Result = privacy.Mobiles(a.Actor), privacy.Mobiles(a.Reason), privacy.Mobiles(a.Filter), privacy.Mobiles(a.Result)
		page.Actions = append(page.Actions, a)
	}
	if more {
		page.After = found[len(found)-1].ID
	}
	if o.json {
		return terminal.JSON(c.OutOrStdout(), page)
	}
	if len(found) > 0 {
		page.print(c.OutOrStdout(), time.Now())
		return nil
	}
	names, err := s.desk.ActNames(c.Context())
	switch {
	case err != nil:
		return err
	case len(names) == 0:
		fmt.Fprintln(c.OutOrStdout(), "Nobody has done anything by hand yet.")
	default:
		terminal.Paragraph(c.OutOrStdout(), "No action fits. What was done so far: "+strings.Join(names, ", ")+".")
	}
	return nil
}

func (l *actionLog) print(out io.Writer, now time.Time) {
	for i, a := range l.Actions {
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
