package main

import (
	"cmp"
	"encoding/csv"
	"fmt"
	"io"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

func newRejectsList(environ []string) *cobra.Command {
	var filters rejectFlags
	var limit int
	var after int64
	var asJSON, asCSV bool
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
		RunE: func(c *cobra.Command, args []string) error {
			filter, err := filters.filter(c, args, time.Now())
			switch {
			case err != nil:
				return err
			case limit < 1 || limit > maxPage:
				return command.Usagef("--limit: want 1 to %s, got %d; a longer list goes on with --after", wording.Count(maxPage), limit)
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
			page, err := s.desk.ListRejects(c.Context(), filter, ledger.RejectID(after), limit)
			if err != nil {
				return err
			}
			l := newRejectListing(page, filter.State)
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
			l.print(c.OutOrStdout())
			return nil
		},
	}
	filters.register(c)
	filters.registerState(c)
	c.Flags().IntVar(&limit, "limit", 50, "the most rejects to show, 1 to 10,000")
	c.Flags().Int64Var(&after, "after", 0, "go on after this reject, as the page before says")
	c.Flags().BoolVar(&asJSON, "json", false, "print JSON")
	c.Flags().BoolVar(&asCSV, "csv", false, "print CSV")
	return c
}

// rejectLine is a reject as lists show it: without mobile numbers.
type rejectLine struct {
	ID         ledger.RejectID   `json:"id"`
	BrokerTime time.Time         `json:"broker_time"`
	RejectedAt time.Time         `json:"rejected_at"`
	Stream     string            `json:"stream"`
	StreamSeq  uint64            `json:"stream_seq"`
	Subject    string            `json:"subject"`
	Source     string            `json:"event_source"`
	EventID    string            `json:"event_id"`
	Type       string            `json:"event_type"`
	Code       ledger.RejectCode `json:"reason_code"`
	Reason     string            `json:"reason"`
	// ResolvedAt is null while nobody has decided.
	ResolvedAt *time.Time `json:"resolved_at"`
	ResolvedBy string     `json:"resolved_by"`
	Resolution string     `json:"resolution"`
}

func newRejectLine(r ledger.Reject) rejectLine {
	m := &r.Message
	return rejectLine{ID: r.ID, BrokerTime: m.BrokerTime, RejectedAt: r.RejectedAt, Stream: m.Stream, StreamSeq: m.Seq,
		Subject: privacy.Mobiles(m.Subject), Source: privacy.Mobiles(r.Source), EventID: privacy.Mobiles(r.EventID), Type: privacy.Mobiles(r.Type),
		Code: r.Code, Reason: privacy.Mobiles(r.Reason), ResolvedAt: r.ResolvedAt, ResolvedBy: r.ResolvedBy, Resolution: privacy.Mobiles(r.Resolution)}
}

// rejectListing is a page as it is shown.
type rejectListing struct {
	Rejects []rejectLine `json:"rejects"`
	// Total counts all that fit, other pages included.
	Total int64 `json:"total"`
	More  bool  `json:"more"`
	// After is the cursor of the next page, 0 when this is the last.
	After ledger.RejectID `json:"after"`

	state string
}

func newRejectListing(page desk.RejectPage, state string) rejectListing {
	l := rejectListing{Rejects: []rejectLine{}, Total: page.Total, More: page.More, state: state}
	for _, r := range page.Rejects {
		l.Rejects = append(l.Rejects, newRejectLine(r))
	}
	if l.More {
		l.After = l.Rejects[len(l.Rejects)-1].ID
	}
	return l
}

func (l rejectListing) goOn() string {
	return fmt.Sprintf("There are more: this page has %s of %s. Go on with the same command and --after %d",
		wording.Count(len(l.Rejects)), wording.Count(l.Total), l.After)
}

func (l rejectListing) print(out io.Writer) {
	what := "reject"
	if l.state != "" {
		what = l.state + " reject"
	}
	switch {
	case len(l.Rejects) == 0 && l.Total > 0:
		fmt.Fprintf(out, "No further %s fits; %s did before --after.\n", what, wording.Count(l.Total))
		return
	case len(l.Rejects) == 0 && l.state == desk.RejectsOpen:
		fmt.Fprintln(out, "No open reject fits. --all shows also what was decided before.")
		return
	case len(l.Rejects) == 0:
		fmt.Fprintf(out, "No %s fits.\n", what)
		return
	}
	columns := []column{{"ID", true}, {"STORED AT", false}, {"SUBJECT", false}, {"CODE", false}}
	if l.state != desk.RejectsOpen {
		columns = append(columns, column{"DECIDED", false})
	}
	columns = append(columns, column{"REASON", false})
	rows := make([][]string, len(l.Rejects))
	for i, r := range l.Rejects {
		row := []string{strconv.FormatInt(int64(r.ID), 10), dayAndTime(r.BrokerTime), clean(r.Subject), string(r.Code)}
		if l.state != desk.RejectsOpen {
			row = append(row, clean(clip(cmp.Or(r.Resolution, "open"), decidedCells)))
		}
		rows[i] = append(row, clean(r.Reason))
	}
	printTable(out, columns, rows)
	if l.More {
		fmt.Fprintf(out, "\n%s\n", l.goOn())
	} else {
		fmt.Fprintf(out, "\n%s in all. `replay rejects show ID` tells all about one.\n", wording.Plural(l.Total, what))
	}
}

// decidedCells is how much of a resolution a list shows.
const decidedCells = 28

// printCSV prints a header and one line for each reject, times in UTC.
func (l rejectListing) printCSV(out io.Writer) error {
	w := csv.NewWriter(out)
	records := [][]string{{"id", "broker_time", "rejected_at", "stream", "stream_seq", "subject", "event_source", "event_id", "event_type",
		"reason_code", "reason", "resolved_at", "resolved_by", "resolution"}}
	for _, r := range l.Rejects {
		resolvedAt := ""
		if r.ResolvedAt != nil {
			resolvedAt = utc(*r.ResolvedAt)
		}
		records = append(records, []string{strconv.FormatInt(int64(r.ID), 10), utc(r.BrokerTime), utc(r.RejectedAt), cellText(r.Stream),
			strconv.FormatUint(r.StreamSeq, 10), cellText(r.Subject), cellText(r.Source), cellText(r.EventID), cellText(r.Type),
			string(r.Code), cellText(r.Reason), resolvedAt, cellText(r.ResolvedBy), cellText(r.Resolution)})
	}
	if err := w.WriteAll(records); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}
