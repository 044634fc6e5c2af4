package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

// maxPage bounds a page: it is held in memory, about half a kilobyte a row.
const maxPage = 10_000

// listOptions are the flags of `replay list`.
type listOptions struct {
	filters       filterFlags
	limit         int
	after, sort   string
	asJSON, asCSV bool

	filter desk.OpenFilter
	page   desk.OpenList
}

func newList(environ []string) *cobra.Command {
	var o listOptions
	c := &cobra.Command{
		Use:   "list",
		Short: "The open operations that fit a filter, oldest first",
		Long: `list shows operations that have not ended, by default the parked ones, in order
of recording. It says when there are more, and how to go on. It changes nothing.
` + filterHelp + `
  --state          parked (default), pending, sending or all

--sort: recorded (oldest first, the default), due (due for longest first), points
(most first), failed (newest failure first). --after goes on behind a page, in the
same order; an operation that workers move meanwhile may be missed or come twice.

DOUBT says yes for what the vendor may have applied, and blocked where that may
not be sent again, because the vendor may have forgotten the key.`,
		Example: `  replay list --account zhimai --cause refused
  replay list --in-doubt --since 24h --by failed
  replay list --state all --member 383933091455959041
  replay list --limit 10000 --csv > parked.csv`,
		Args: command.Args(cobra.NoArgs),
		RunE: runs(environ, &o),
	}
	o.filters.register(c)
	o.filters.registerState(c)
	c.Flags().IntVar(&o.limit, "limit", 50, "the most operations to show, 1 to 10,000")
	c.Flags().StringVar(&o.sort, "sort", string(desk.SortRecorded), "recorded, due, points or failed")
	c.Flags().StringVar(&o.after, "after", "", "go on behind this place, as the page before says")
	c.Flags().BoolVar(&o.asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&o.asCSV, "csv", false, "print CSV")
	return c
}

func (o *listOptions) read(c *cobra.Command, _ []string) (err error) {
	if o.filter, err = o.filters.filter(c, time.Now()); err != nil {
		return err
	}
	sort := desk.OpenSort(o.sort)
	switch {
	case !slices.Contains([]desk.OpenSort{desk.SortRecorded, desk.SortDue, desk.SortPoints, desk.SortFailed}, sort):
		return command.Usagef("--sort: want recorded, due, points or failed, got %q", o.sort)
	case o.limit < 1 || o.limit > maxPage:
		return command.Usagef("--limit: want 1 to %s, got %d; a longer list goes on with --after", wording.Count(maxPage), o.limit)
	case o.asJSON && o.asCSV:
		return command.Usagef("--json and --csv: want one of them")
	}
	o.page = desk.OpenList{Sort: sort, Limit: o.limit}
	if o.page.After, err = overview.Place(o.after, sort); err != nil {
		return command.Usagef("--after: want what the page before ended with, in the same --sort, got %q", o.after)
	}
	return nil
}

func (o *listOptions) call(c *cobra.Command, s *session) (page, error) {
	l, err := overview.List(c.Context(), s.desk, o.filter, s.keyMemories(), o.page)
	switch {
	case err != nil:
		return nil, err
	case o.asCSV:
		if l.More {
			defer c.PrintErrln(goOn(&l))
		}
		return nil, terminal.CSV(c.OutOrStdout(), l.Records())
	}
	return &listPage{l, o.filter.State}, nil
}

type listPage struct {
	overview.Listing
	state ledger.State
}

// goOn says that there is more.
func goOn(l *overview.Listing) string {
	return fmt.Sprintf("There are more: this page has %s of %s. Go on with the same command and --after %s",
		wording.Count(len(l.Operations)), wording.Count(l.Total), l.After)
}

func (l *listPage) print(out io.Writer) {
	if len(l.Operations) == 0 {
		what := "open operation"
		if l.state != "" {
			what = string(l.state) + " operation"
		}
		if l.Total > 0 {
			fmt.Fprintf(out, "No further %s fits; %s did before --after.\n", what, wording.Count(l.Total))
			return
		}
		fmt.Fprintf(out, "No %s fits. `replay status` shows what there is.\n", what)
		return
	}
	rows := make([][]string, len(l.Operations))
	times := ""
	for i, o := range l.Operations {
		doubt, when := "", ""
		times, when = l.When(&o, time.Now())
		switch {
		case o.Blocked != "":
			doubt = "blocked"
		case o.InDoubt:
			doubt = "yes"
		}
		cause := string(o.Cause)
		if l.state != ledger.Parked {
			cause = strings.TrimSpace(string(o.State) + " " + cause)
		}
		rows[i] = []string{strconv.FormatInt(int64(o.ID), 10), o.Account, cause, doubt, terminal.Clean(memberOf(o.MemberID, o.MemberCode)),
			terminal.Clean(o.BusinessKey), wording.Count(o.Points), when, terminal.Clean(wording.VendorSaid(o.Call, o.VendorCode, o.VendorWords, o.Error))}
	}
	title := "CAUSE"
	if l.state != ledger.Parked {
		title = "STATE AND CAUSE"
	}
	terminal.Table(out, []terminal.Column{terminal.Right("ID"), terminal.Left("ACCOUNT"), terminal.Left(title), terminal.Left("DOUBT"), terminal.Left("MEMBER"),
		terminal.Left("ORDER"), terminal.Right("POINTS"), terminal.Right(times), terminal.Left("VENDOR SAID")}, rows)
	if l.More {
		fmt.Fprintf(out, "\n%s\n", goOn(&l.Listing))
	} else {
		fmt.Fprintf(out, "\n%s in all. `replay show ID` tells all about one.\n", wording.Plural(l.Total, "operation"))
	}
}

func memberOf(id, code string) string {
	if id == "" && code != "" {
		return "code " + code
	}
	return id
}
