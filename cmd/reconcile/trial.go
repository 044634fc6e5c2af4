package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/books"
)

type trialOptions struct {
	askedFlags
	byTexts []string
	by      []books.Dimension
}

func newTrial(environ []string) *cobra.Command {
	var o trialOptions
	c := &cobra.Command{
		Use:   "trial",
		Short: "The trial balance, by vendor account, source type, channel, shop and day",
		Long: `trial shows what the accounts of the books hold for each group of orders. Each row
adds up to 0, as each movement takes from one account what it gives to another: that
shows that no entry has one side only, and not that no row was edited: reconcile
verify does.

What takes back or ends a freeze stands under the source type, channel and shop of
what it takes from, and under its own business date.`,
		Example: "  reconcile trial\n  reconcile trial --by shop,day --date 2026-11-30\n  reconcile trial --by source_type,channel,shop,day --json",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	o.register(c)
	c.Flags().StringSliceVar(&o.byTexts, "by", []string{string(books.BySourceType)}, "told apart by these, besides the account: "+dimensionNames())
	return c
}

func dimensionNames() string {
	var names []string
	for _, d := range books.Dimensions() {
		names = append(names, string(d))
	}
	return strings.Join(names, ", ")
}

func (o *trialOptions) read(c *cobra.Command, _ []string) error {
	for _, text := range o.byTexts {
		d := books.Dimension(strings.TrimSpace(text))
		if !slices.Contains(books.Dimensions(), d) {
			return command.Usagef("--by: want one or more of %s, with commas between, got %q", dimensionNames(), text)
		}
		o.by = append(o.by, d)
	}
	return o.check(c, time.Now())
}

func (o *trialOptions) call(c *cobra.Command, s *session) (page, error) {
	found, err := s.books.Trial(c.Context(), o.asked, o.by)
	return &trialPage{found}, err
}

type trialPage struct{ books.Trial }

func (t *trialPage) print(out io.Writer) {
	printStanding(out, "Trial balance", &t.Standing)
	if len(t.Rows) == 0 {
		fmt.Fprintln(out, "Nothing was booked.")
		return
	}
	columns := []terminal.Column{terminal.Left("ACCOUNT")}
	titles := map[books.Dimension]string{books.BySourceType: "SOURCE", books.ByChannel: "CHANNEL", books.ByShop: "SHOP", books.ByDay: "DAY"}
	for _, d := range t.By {
		if d == books.ByDay {
			columns = append(columns, terminal.Whole(titles[d]))
			continue
		}
		columns = append(columns, terminal.Left(titles[d]))
	}
	for _, title := range []string{"ISSUED", "PENDING", "CREDITED", "VENDOR", "FROZEN", "SPENT", "SUM"} {
		columns = append(columns, terminal.Right(title))
	}
	var rows [][]string
	for i := range t.Rows {
		r := &t.Rows[i]
		row := []string{r.Account}
		for _, d := range t.By {
			row = append(row, dimensionCell(r, d))
		}
		rows = append(rows, placeCells(row, &r.Places, r.SumPoints))
	}
	total := append([]string{"sum"}, make([]string, len(t.By))...)
	terminal.Table(out, columns, append(rows, placeCells(total, &t.Total, t.SumPoints)))
}

func placeCells(row []string, p *books.Places, sum int64) []string {
	for _, points := range []int64{p.Issued, p.Pending, p.Credited, p.VendorBalance, p.Frozen, p.Spent, sum} {
		row = append(row, wording.Count(points))
	}
	return row
}

// dimensionCell shows what a row is told apart by.
func dimensionCell(r *books.TrialRow, d books.Dimension) string {
	number := func(n *int16) string {
		if n == nil {
			return "-"
		}
		return strconv.Itoa(int(*n))
	}
	text := func(s *string) string {
		if s == nil {
			return "-"
		}
		return terminal.Clean(*s)
	}
	switch d {
	case books.BySourceType:
		return number(r.SourceType)
	case books.ByChannel:
		return number(r.Channel)
	case books.ByShop:
		return text(r.Shop)
	}
	return text(r.Day)
}
