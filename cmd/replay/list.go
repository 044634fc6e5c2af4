package main

import (
	"encoding/csv"
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
		RunE: func(c *cobra.Command, _ []string) error { return runList(c, environ, &o) },
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

func runList(c *cobra.Command, environ []string, o *listOptions) error {
	filter, err := o.filters.filter(c, time.Now())
	if err != nil {
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
	after, err := parseCursor(o.after, sort)
	if err != nil {
		return err
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	page, err := s.desk.ListOpen(c.Context(), filter, s.keyMemories(), desk.OpenList{Sort: sort, After: after, Limit: o.limit})
	if err != nil {
		return err
	}
	l := newListing(page, string(o.filters.chosen.State), sort)
	switch {
	case o.asJSON:
		return terminal.JSON(c.OutOrStdout(), l)
	case o.asCSV:
		err = l.printCSV(c.OutOrStdout())
		if l.More {
			c.PrintErrln(l.goOn())
		}
		return err
	}
	l.print(c.OutOrStdout(), time.Now())
	return nil
}

// cursorText is a place in a list as --after takes it: the operation's id, and
// before it its value in an order other than that of recording. Empty at the
// start.
func cursorText(at desk.OpenCursor, sort desk.OpenSort) string {
	switch {
	case at.ID == 0:
		return ""
	case sort == desk.SortRecorded:
		return strconv.FormatInt(int64(at.ID), 10)
	}
	return fmt.Sprintf("%d:%d", at.Order, at.ID)
}

// parseCursor reads what cursorText wrote for the same order.
func parseCursor(text string, sort desk.OpenSort) (at desk.OpenCursor, err error) {
	if text == "" || text == "0" {
		return at, nil
	}
	order, id, found := strings.Cut(text, ":")
	if !found {
		order, id = "0", text
	}
	var n int64
	if n, err = strconv.ParseInt(id, 10, 64); err == nil {
		at.ID = ledger.OperationID(n)
		at.Order, err = strconv.ParseInt(order, 10, 64)
	}
	if err != nil || n < 0 || found != (sort != desk.SortRecorded) {
		return at, command.Usagef("--after: want what the page before ended with, in the same --sort, got %q", text)
	}
	return at, nil
}

// listing is a page as it is shown.
type listing struct {
	Operations []desk.OpenOperation `json:"operations"`
	// Total counts all that fit, other pages included.
	Total int64 `json:"total"`
	More  bool  `json:"more"`
	// After is the place where the next page begins, empty when this is the
	// last.
	After string `json:"after"`

	state string
	sort  desk.OpenSort
}

func newListing(page desk.OpenPage, state string, sort desk.OpenSort) listing {
	l := listing{Operations: []desk.OpenOperation{}, Total: page.Total, More: page.More, state: state, sort: sort}
	for _, o := range page.Operations {
		l.Operations = append(l.Operations, overview.Masked(o))
	}
	if l.More {
		l.After = cursorText(page.Next, sort)
	}
	return l
}

// goOn says that there is more.
func (l listing) goOn() string {
	return fmt.Sprintf("There are more: this page has %s of %s. Go on with the same command and --after %s",
		wording.Count(len(l.Operations)), wording.Count(l.Total), l.After)
}

// when is the time that the list's order is about, as the title of its column
// and as text.
func (l listing) when(o *desk.OpenOperation, now time.Time) (title, text string) {
	switch {
	case l.sort == desk.SortDue && o.NextAt.After(now):
		return "DUE", "in " + wording.Short(o.NextAt.Sub(now))
	case l.sort == desk.SortDue:
		return "DUE", wording.Age(o.NextAt, now)
	case l.sort == desk.SortFailed && o.FailedAt == nil:
		return "FAILED", "never"
	case l.sort == desk.SortFailed:
		return "FAILED", wording.Age(*o.FailedAt, now)
	}
	return "AGE", wording.Age(o.RecordedAt, now)
}

func (l listing) print(out io.Writer, now time.Time) {
	if len(l.Operations) == 0 {
		what := "open operation"
		if l.state != "all" {
			what = l.state + " operation"
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
		times, when = l.when(&o, now)
		switch {
		case o.Blocked != "":
			doubt = "blocked"
		case o.InDoubt:
			doubt = "yes"
		}
		cause := string(o.Cause)
		if l.state != string(ledger.Parked) {
			cause = strings.TrimSpace(string(o.State) + " " + cause)
		}
		rows[i] = []string{strconv.FormatInt(int64(o.ID), 10), o.Account, cause, doubt, terminal.Clean(memberOf(o.MemberID, o.MemberCode)),
			terminal.Clean(o.BusinessKey), wording.Count(o.Points), when, terminal.Clean(wording.VendorSaid(o.Call, o.VendorCode, o.VendorWords, o.Error))}
	}
	title := "CAUSE"
	if l.state != string(ledger.Parked) {
		title = "STATE AND CAUSE"
	}
	terminal.Table(out, []terminal.Column{terminal.Right("ID"), terminal.Left("ACCOUNT"), terminal.Left(title), terminal.Left("DOUBT"), terminal.Left("MEMBER"),
		terminal.Left("ORDER"), terminal.Right("POINTS"), terminal.Right(times), terminal.Left("VENDOR SAID")}, rows)
	if l.More {
		fmt.Fprintf(out, "\n%s\n", l.goOn())
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

// printCSV prints a header and one line for each operation, times in UTC.
func (l listing) printCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	records := [][]string{{"id", "account", "state", "cause", "in_doubt", "blocked", "attempts", "kind", "biz_id", "reference",
		"business_key", "member_id", "member_code", "points", "event_type", "event_time", "recorded_at", "first_sent_at",
		"next_attempt_at", "last_outcome", "vendor_code", "vendor_message", "last_attempt_at", "event_source", "source_type",
		"points_channel", "shop_code", "last_call", "error"}}
	for _, o := range l.Operations {
		firstSent, failed := "", ""
		if o.FirstSentAt != nil {
			firstSent = utc(*o.FirstSentAt)
		}
		if o.FailedAt != nil {
			failed = utc(*o.FailedAt)
		}
		records = append(records, []string{strconv.FormatInt(int64(o.ID), 10), o.Account, string(o.State), string(o.Cause),
			strconv.FormatBool(o.InDoubt), o.Blocked, strconv.Itoa(o.Attempts), string(o.Kind), string(o.BizID), o.Reference,
			cellText(o.BusinessKey), cellText(o.MemberID), cellText(o.MemberCode), strconv.FormatInt(int64(o.Points), 10),
			cellText(o.EventType), utc(o.EventTime), utc(o.RecordedAt), firstSent, utc(o.NextAt), o.Outcome,
			cellText(o.VendorCode), cellText(o.VendorWords), failed, cellText(o.EventSource), strconv.Itoa(o.SourceType),
			strconv.Itoa(o.PointsChannel), cellText(o.ShopCode), string(o.Call), cellText(o.Error)})
	}
	if err := w.WriteAll(records); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func utc(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) }

// cellText keeps a spreadsheet from taking a foreign text for a formula.
func cellText(text string) string {
	if text != "" && strings.ContainsRune("=+-@\t\r", rune(text[0])) {
		return "'" + text
	}
	return text
}
