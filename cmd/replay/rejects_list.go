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
	"pointsledger/ledger"
)

// rejectListOptions are the flags of `replay rejects list`.
type rejectListOptions struct {
	filters rejectFlags
	filter  desk.RejectFilter
	limit   int
	after   int64
	asCSV   bool
}

func newRejectsList(environ []string) *cobra.Command {
	var o rejectListOptions
	c := &cobra.Command{
		Use:   "list [ID…]",
		Short: "The rejects that fit a filter, oldest first",
		Long: `list shows events that could not be accepted, by default those that nobody has
decided about, in order of rejection. It says when there are more, and how to go
on. It changes nothing.
` + rejectFilterHelp + `
  --all, --resolved
                   what people have decided about, too, or only that`,
		Example: `  replay rejects list --code missing_field --since 24h
  replay rejects list --source shop-sh --all --json
  replay rejects list --limit 10000 --csv > rejects.csv`,
		Args: cobra.ArbitraryArgs,
		RunE: runs(environ, &o),
	}
	o.filters.register(c)
	o.filters.registerState(c)
	c.Flags().IntVar(&o.limit, "limit", 50, "the most rejects to show, 1 to 10,000")
	c.Flags().Int64Var(&o.after, "after", 0, "go on after this reject, as the page before says")
	c.Flags().Bool("json", false, "print JSON")
	c.Flags().BoolVar(&o.asCSV, "csv", false, "print CSV")
	return c
}

func (o *rejectListOptions) read(c *cobra.Command, args []string) (err error) {
	o.filter, err = o.filters.filter(c, args, time.Now())
	asJSON, _ := c.Flags().GetBool("json")
	switch {
	case err != nil:
		return err
	case o.limit < 1 || o.limit > maxPage:
		return command.Usagef("--limit: want 1 to %s, got %d; a longer list goes on with --after", wording.Count(maxPage), o.limit)
	case o.after < 0:
		return command.Usagef("--after: want the number that the page before ended with, got %d", o.after)
	case asJSON && o.asCSV:
		return command.Usagef("--json and --csv: want one of them")
	}
	return nil
}

func (o *rejectListOptions) call(c *cobra.Command, s *session) (page, error) {
	found, err := s.desk.ListRejects(c.Context(), o.filter, ledger.RejectID(o.after), o.limit)
	if err != nil {
		return nil, err
	}
	l := &rejectPage{rejects.NewListing(found, o.filter.State)}
	if !o.asCSV {
		return l, nil
	}
	if l.More {
		defer c.PrintErrln(l.goOn())
	}
	return nil, terminal.CSV(c.OutOrStdout(), l.Records())
}

type rejectPage struct{ rejects.Listing }

func (l *rejectPage) goOn() string {
	return fmt.Sprintf("There are more: this page has %s of %s. Go on with the same command and --after %d",
		wording.Count(len(l.Rejects)), wording.Count(l.Total), l.After)
}

func (l *rejectPage) print(out io.Writer) {
	what := "reject"
	if l.State != "" {
		what = l.State + " reject"
	}
	switch {
	case len(l.Rejects) == 0 && l.Total > 0:
		fmt.Fprintf(out, "No further %s fits; %s did before --after.\n", what, wording.Count(l.Total))
		return
	case len(l.Rejects) == 0 && l.State == desk.RejectsOpen:
		fmt.Fprintln(out, "No open reject fits. --all shows also what was decided before.")
		return
	case len(l.Rejects) == 0:
		fmt.Fprintf(out, "No %s fits.\n", what)
		return
	}
	columns := []terminal.Column{terminal.Right("ID"), terminal.Left("STORED AT"), terminal.Left("SUBJECT"), terminal.Left("CODE")}
	if l.State != desk.RejectsOpen {
		columns = append(columns, terminal.Left("DECIDED"))
	}
	columns = append(columns, terminal.Left("REASON"))
	rows := make([][]string, len(l.Rejects))
	for i, r := range l.Rejects {
		row := []string{strconv.FormatInt(int64(r.ID), 10), dayAndTime(r.BrokerTime), terminal.Clean(r.Subject), string(r.Code)}
		if l.State != desk.RejectsOpen {
			row = append(row, terminal.Clean(terminal.Clip(cmp.Or(r.Resolution, "open"), decidedCells)))
		}
		rows[i] = append(row, terminal.Clean(r.Reason))
	}
	terminal.Table(out, columns, rows)
	if l.More {
		fmt.Fprintf(out, "\n%s\n", l.goOn())
	} else {
		fmt.Fprintf(out, "\n%s in all. `replay rejects show ID` tells all about one.\n", wording.Plural(l.Total, what))
	}
}

// decidedCells is how much of a resolution a list shows.
const decidedCells = 28
