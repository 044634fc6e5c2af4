package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/feed"
	"pointsledger/reconcile/orders"
)

type ordersOptions struct {
	asked    orders.Asked
	file     string
	fmap     string
	unmasked bool
	limit    int
	columns  *feed.Map
}

func newOrders(environ []string) *cobra.Command {
	var o ordersOptions
	c := &cobra.Command{
		Use:   "orders FILE",
		Short: "A shop's own list of orders against the ledger",
		Long: `orders sets a shop's list (CSV or XLSX) against the paid orders that the ledger has of it,
and changes nothing. --map says which column is what: order, at, amount, member, shop
(docs/maps.md). Orders are told by their number within their source, in any spelling;
the days are those of the list, unless --from and --to say others.

` + orderKindHelp() + `
The list is held against the amounts as they were paid. An amount that refunds have
left agrees too, and shows as refunded.

Exit codes: 0 all agree, 3 something does not, 1 failed, 2 wrong usage.`,
		Example: "  reconcile orders november.xlsx --map shop.yaml --source shop-sh\n  reconcile orders november.csv --map shop.yaml --from 2026-11-01 --to 2026-11-30 --json",
		Args:    command.Args(command.OneArg("the shop's list, a CSV or XLSX file")),
	}
	c.RunE = func(c *cobra.Command, args []string) error { return o.run(c, environ, args) }
	f := c.Flags()
	f.StringVar(&o.fmap, "map", "", "which column is what: a YAML file with columns {order, at, amount, member, shop}")
	f.StringVar(&o.asked.Source, "source", "", "the source of the orders, as their events name it; all of them unless given")
	f.StringVar(&o.asked.Shop, "shop", "", "the list is of this shop alone, as the events name it")
	f.StringVar(&o.asked.From, "from", "", "from this day on, such as 2026-11-01; the list's first unless given")
	f.StringVar(&o.asked.To, "to", "", "up to this day; the list's last unless given")
	f.BoolVar(&o.unmasked, "unmasked", false, "leave mobile numbers in member ids; needs the role "+books.MembersRole)
	f.IntVar(&o.limit, "limit", 100, "the most orders to show, 1 to 1,000,000; all are counted, and --json prints all")
	f.Bool("json", false, "print one JSON object a line: an order each, and a last one that sums up")
	return c
}

func orderKindHelp() string {
	var text strings.Builder
	for _, kind := range orders.Kinds() {
		fmt.Fprintf(&text, "  %-13s %s\n", kind, orderKindWords[kind])
	}
	return text.String()
}

var orderKindWords = map[orders.Kind]string{
	orders.MissingHere: "in the list; the ledger never got it, or it waits in the stream",
	orders.Rejected:    "in the list; its event was rejected, and why",
	orders.HereOnly:    "in the ledger, on one of these days; not in the list",
	orders.OtherAmount: "in both, with another amount",
	orders.ListedTwice: "in the list several times with the ledger's amount each time",
	orders.Ambiguous:   "several sources have an order of this number: say --source",
	orders.Refunded:    "agrees; some or all of it was refunded since",
}

func (o *ordersOptions) read(c *cobra.Command, args []string) (err error) {
	if err := command.NoneEmpty(c, "map", "source", "shop", "from", "to"); err != nil {
		return err
	}
	o.file = args[0]
	switch {
	case o.fmap == "":
		return command.Usagef("want --map: a YAML file that says which column of the list is what (docs/maps.md)")
	case o.limit < 1 || o.limit > maxRows:
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxRows), o.limit)
	}
	if err := checkSpan(o.asked.From, o.asked.To); err != nil {
		return err
	}
	if o.columns, err = feed.ReadMap(o.fmap); err != nil {
		return command.Usagef("--map: %w", err)
	}
	file, err := o.open()
	if err != nil {
		return command.Usagef("%w", err)
	}
	return file.Close()
}

func (o *ordersOptions) open() (*feed.File, error) { return o.columns.Open(o.file, orders.Needs()) }

// run hands orders on as they are compared: there may be a million.
func (o *ordersOptions) run(c *cobra.Command, environ, args []string) error {
	if err := o.read(c, args); err != nil {
		return err
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	if o.unmasked {
		if err := books.MaySeeMembers(c.Context(), s.pool); err != nil {
			return refused(err)
		}
	}
	if _, o.asked.Zone, err = policyAndZone(c.Context(), s.pool); err != nil {
		return err
	}
	out := c.OutOrStdout()
	encoder := json.NewEncoder(out)
	encoder.SetEscapeHTML(false)
	asJSON, _ := c.Flags().GetBool("json")
	var shown []orders.Item
	found, err := orders.New(s.pool).Compare(c.Context(), o.open, o.asked, func(item *orders.Item) error {
		if !o.unmasked {
			item.Order, item.Member = privacy.Mobiles(item.Order), privacy.Mobiles(item.Member)
		}
		if asJSON {
			return encoder.Encode(item)
		}
		if len(shown) < o.limit {
			shown = append(shown, *item)
		}
		return nil
	})
	if err != nil {
		return ordersRefused(err)
	}
	if asJSON {
		err = encoder.Encode(found)
	} else {
		printOrders(out, &found, shown)
	}
	if err == nil && !found.Agrees {
		err = command.ErrDisagree
	}
	return err
}

// ordersRefused words what a person can do about an error.
func ordersRefused(err error) error {
	var many *orders.ManySourcesError
	var unknown *orders.UnknownSourceError
	switch {
	case errors.As(err, &many):
		return command.Usagef("%w: say which one with --source", err)
	case errors.As(err, &unknown):
		return command.Usagef("--source: %w", err)
	case errors.Is(err, orders.ErrNoDays):
		return command.Usagef("%w: add a column at to the map, or say --from and --to", err)
	}
	return err
}

func printOrders(out io.Writer, s *orders.Summary, items []orders.Item) {
	terminal.Paragraph(out, fmt.Sprintf("%s in %s of the list, against the ledger's of %s, business dates %s to %s", wording.Plural(s.Orders, "order"),
		wording.Plural(s.Rows, "row"), strings.Join(s.Sources, ", "), s.From, s.To))
	if left := leftWords(s); left != "" {
		terminal.Paragraph(out, "Left out of the list: "+left+".")
	}
	fmt.Fprintln(out)
	rows := [][]string{{"agree", wording.Count(s.Agree), "", ""}}
	total := int64(0)
	for _, kind := range orders.Kinds() {
		sum, some := s.Items[kind]
		if !some {
			continue
		}
		total += sum.Orders
		rows = append(rows, []string{string(kind), wording.Count(sum.Orders), yuan(sum.ListFen), yuan(sum.LedgerFen)})
	}
	rows = append(rows, []string{"all", "", yuan(s.ListFen), yuan(s.LedgerFen)})
	terminal.Table(out, []terminal.Column{terminal.Left(""), terminal.Right("ORDERS"), terminal.Right("LIST, YUAN"), terminal.Right("LEDGER, YUAN")}, rows)
	if s.Hundredfold {
		terminal.Paragraph(out, "\nEvery other amount is a hundredfold, or a hundredth: is amount_unit of the map right?")
	}
	if len(items) > 0 {
		fmt.Fprintln(out)
	}
	for i := range items {
		printOrder(out, &items[i])
	}
	if total > int64(len(items)) {
		fmt.Fprintln(out, "\nThere are more: --limit shows more, --json all.")
	}
	if s.Agrees {
		fmt.Fprintln(out, "\nList and ledger agree.")
	}
}

// leftWords say which rows of the list were not compared.
func leftWords(s *orders.Summary) string {
	var parts []string
	for _, part := range []struct {
		n    int64
		noun string
	}{{s.Outside, "row of other days|rows of other days"}, {int64(s.Ignored), "row that the map ignores|rows that the map ignores"},
		{int64(s.Footers), "row of sums or notes|rows of sums or notes"}, {int64(s.Blank), "blank row|blank rows"}} {
		one, many, _ := strings.Cut(part.noun, "|")
		switch {
		case part.n == 1:
			parts = append(parts, "1 "+one)
		case part.n > 1:
			parts = append(parts, wording.Count(part.n)+" "+many)
		}
	}
	return strings.Join(parts, ", ")
}

func printOrder(out io.Writer, item *orders.Item) {
	head := fmt.Sprintf("%s  %s", item.Kind, item.Order)
	if item.Row > 0 {
		head += fmt.Sprintf(", row %d", item.Row)
	}
	if item.Rows > 1 {
		head += fmt.Sprintf(" and %d more", item.Rows-1)
	}
	if item.ListFen != nil {
		head += ": list " + yuan(*item.ListFen)
	}
	if item.LedgerFen != nil {
		head += ", ledger " + yuan(*item.LedgerFen)
	}
	if item.RefundedFen > 0 {
		head += ", refunded " + yuan(item.RefundedFen)
	}
	if item.BusinessDate != "" {
		head += ", on " + item.BusinessDate
	}
	terminal.Paragraph(out, head)
	switch {
	case item.RejectID != 0:
		state := ""
		if item.Resolved {
			state = ", dealt with"
		}
		terminal.Line(out, "rejected", fmt.Sprintf("reject %d%s, %s: %s", item.RejectID, state, item.ReasonCode, item.Reason))
	case len(item.Sources) > 0:
		terminal.Line(out, "sources", strings.Join(item.Sources, ", "))
	}
}
