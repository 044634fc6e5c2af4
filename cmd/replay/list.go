package main

import (
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// maxPage bounds a page: it is held in memory, about half a kilobyte a row.
const maxPage = 10_000

func newList(environ []string) *cobra.Command {
	var filters filterFlags
	var limit int
	var after int64
	var asJSON, asCSV bool
	c := &cobra.Command{
		Use:   "list",
		Short: "The open operations that fit a filter, oldest first",
		Long: `list shows operations that have not ended, by default the parked ones, in order
of recording. It says when there are more, and how to go on. It changes nothing.
` + filterHelp + `
  --state          parked (default), pending, sending or all

DOUBT says yes for what the vendor may have applied, and blocked where that may
not be sent again, because the vendor may have forgotten the key.`,
		Example: `  replay list --account zhimai --cause refused
  replay list --in-doubt --since 24h
  replay list --state all --member 383933091455959041
  replay list --limit 10000 --csv > parked.csv`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			filter, err := filters.filter(c, time.Now())
			switch {
			case err != nil:
				return err
			case limit < 1 || limit > maxPage:
				return command.Usagef("--limit: want 1 to %s, got %d; a longer list goes on with --after", command.Count(maxPage), limit)
			case after < 0:
				return command.Usagef("--after: want the number that the page before ended with, got %d", after)
			case asJSON && asCSV:
				return command.Usagef("--json and --csv: want one of them")
			}
			s, err := open(c, environ)
			if err != nil {
				return err
			}
			defer s.close()
			page, err := s.store.ListOpen(c.Context(), filter, s.keyMemories(), ledger.OperationID(after), limit)
			if err != nil {
				return err
			}
			l := newListing(page, filters.state)
			switch {
			case asJSON:
				return printJSON(c.OutOrStdout(), l)
			case asCSV:
				err = l.printCSV(c.OutOrStdout())
				if l.More {
					c.PrintErrln(l.goOn())
				}
				return err
			}
			l.print(c.OutOrStdout(), time.Now())
			return nil
		},
	}
	filters.register(c)
	c.Flags().IntVar(&limit, "limit", 50, "the most operations to show, 1 to 10,000")
	c.Flags().Int64Var(&after, "after", 0, "go on after this operation, as the page before says")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	return c
}

// listing is a page as it is shown.
type listing struct {
	Operations []ledger.OpenOperation `json:"operations"`
	// Total counts all that fit, other pages included.
	Total int64 `json:"total"`
	More  bool  `json:"more"`
	// After is the cursor of the next page, 0 when this is the last.
	After ledger.OperationID `json:"after"`

	state string
}

func newListing(page ledger.OpenPage, state string) listing {
	l := listing{Operations: []ledger.OpenOperation{}, Total: page.Total, More: page.More, state: state}
	for _, o := range page.Operations {
		l.Operations = append(l.Operations, forEyes(o))
	}
	if l.More {
		l.After = l.Operations[len(l.Operations)-1].ID
	}
	return l
}

// goOn says that there is more.
func (l listing) goOn() string {
	return fmt.Sprintf("There are more: this page has %s of %s. Go on with the same command and --after %d",
		command.Count(len(l.Operations)), command.Count(l.Total), l.After)
}

func (l listing) print(out io.Writer, now time.Time) {
	if len(l.Operations) == 0 {
		what := "open operation"
		if l.state != "all" {
			what = l.state + " operation"
		}
		if l.Total > 0 {
			fmt.Fprintf(out, "No further %s fits; %s did before --after.\n", what, command.Count(l.Total))
			return
		}
		fmt.Fprintf(out, "No %s fits. `replay status` shows what there is.\n", what)
		return
	}
	rows := make([][]string, len(l.Operations))
	for i, o := range l.Operations {
		doubt := ""
		switch {
		case o.Blocked != "":
			doubt = "blocked"
		case o.InDoubt:
			doubt = "yes"
		}
		cause := o.Cause
		if l.state != string(ledger.Parked) {
			cause = strings.TrimSpace(o.State + " " + o.Cause)
		}
		rows[i] = []string{strconv.FormatInt(int64(o.ID), 10), o.Account, cause, doubt, clean(memberOf(o.MemberID, o.MemberCode)),
			clean(o.BusinessKey), command.Count(o.Points), age(o.RecordedAt, now), clean(vendorSaid(o.VendorCode, o.VendorWords))}
	}
	title := "CAUSE"
	if l.state != string(ledger.Parked) {
		title = "STATE AND CAUSE"
	}
	printTable(out, []column{{"ID", true}, {"ACCOUNT", false}, {title, false}, {"DOUBT", false}, {"MEMBER", false},
		{"ORDER", false}, {"POINTS", true}, {"AGE", true}, {"VENDOR SAID", false}}, rows)
	if l.More {
		fmt.Fprintf(out, "\n%s\n", l.goOn())
	} else {
		fmt.Fprintf(out, "\n%s in all. `replay show ID` tells all about one.\n", plural(l.Total, "operation"))
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
		"next_attempt_at", "last_outcome", "vendor_code", "vendor_message"}}
	for _, o := range l.Operations {
		firstSent := ""
		if o.FirstSentAt != nil {
			firstSent = utc(*o.FirstSentAt)
		}
		records = append(records, []string{strconv.FormatInt(int64(o.ID), 10), o.Account, o.State, o.Cause,
			strconv.FormatBool(o.InDoubt), o.Blocked, strconv.Itoa(o.Attempts), string(o.Kind), string(o.BizID), o.Reference,
			cellText(o.BusinessKey), cellText(o.MemberID), cellText(o.MemberCode), strconv.FormatInt(int64(o.Points), 10),
			cellText(o.EventType), utc(o.EventTime), utc(o.RecordedAt), firstSent, utc(o.NextAt), o.Outcome,
			cellText(o.VendorCode), cellText(o.VendorWords)})
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
