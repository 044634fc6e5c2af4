package main

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
	"pointsledger/reconcile/books"
)

// maxRows bounds what is printed at once.
const maxRows = 1_000_000

type balanceOptions struct {
	askedFlags
	members bool
	limit   int
}

func newBalance(environ []string) *cobra.Command {
	var o balanceOptions
	c := &cobra.Command{
		Use:   "balance",
		Short: "What each account of the books holds, and what is open, by age and reason",
		Long: `balance shows the accounts of the books. issued is negative, the points that are
promised; credited, frozen and spent are what arrived at the vendor; pending is what
is still open, either way; vendor_balance is negative by what was taken from members
to be frozen. The accounts of all members are added up, unless --members lists each.

Below stands what is accepted and has not ended: by age, and, as of now, by reason.
A grant is accrued and not yet credited; a take back is still with the member.`,
		Example: "  reconcile balance\n  reconcile balance --as-of 2026-12-01T00:00:00+08:00\n  reconcile balance --date 2026-11-30 --json",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	o.register(c)
	c.Flags().BoolVar(&o.members, "members", false, "each member's accounts, not added up")
	c.Flags().IntVar(&o.limit, "limit", 1000, "the most accounts to show, 1 to 1,000,000; the total is of all")
	return c
}

func (o *balanceOptions) read(c *cobra.Command, _ []string) error {
	if o.limit < 1 || o.limit > maxRows {
		return command.Usagef("--limit: want 1 to %s, got %d", wording.Count(maxRows), o.limit)
	}
	return o.check(c, time.Now())
}

func (o *balanceOptions) call(c *cobra.Command, s *session) (page, error) {
	found, err := s.books.Balance(c.Context(), o.asked, o.members, o.limit)
	return &balancePage{found}, err
}

type balancePage struct{ books.Balance }

func (b *balancePage) print(out io.Writer) {
	printStanding(out, "Balances", &b.Standing)
	if len(b.Accounts) == 0 {
		fmt.Fprintln(out, "Nothing was booked.")
		return
	}
	var rows [][]string
	for _, a := range b.Accounts {
		rows = append(rows, []string{terminal.Clean(a.Account), wording.Count(a.Points), wording.Count(a.Entries)})
	}
	rows = append(rows, []string{"sum of all accounts", wording.Count(b.TotalPoints), ""})
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Right("POINTS"), terminal.Right("ENTRIES")}, rows)
	if b.More {
		fmt.Fprintln(out, "\nThere are more accounts: --limit shows more. The sum is of all.")
	}
	if len(b.Ages) == 0 {
		fmt.Fprintln(out, "\nNothing is open.")
		return
	}
	fmt.Fprintln(out, "\nAccepted and not ended, by age:")
	rows = nil
	for _, a := range b.Ages {
		rows = append(rows, []string{a.Account, wording.Verb(a.Kind), ageWords[a.Age], wording.Count(a.Operations), wording.Count(a.Points)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("WHAT"), terminal.Left("AGE"), terminal.Right("OPERATIONS"), terminal.Right("POINTS")}, rows)
	if len(b.Open) == 0 {
		return
	}
	fmt.Fprintln(out, "\nThe same by reason:")
	rows = nil
	for _, r := range b.Open {
		rows = append(rows, []string{r.Account, wording.Verb(r.Kind), whyWords[r.Why], wording.Count(r.Operations), wording.Count(r.Points), wording.Age(r.OldestAt, b.AsOf)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("WHAT"), terminal.Left("WHY"), terminal.Right("OPERATIONS"), terminal.Right("POINTS"), terminal.Right("OLDEST")}, rows)
}

var ageWords = map[string]string{"under_1h": "under an hour", "under_1d": "1 to 24 hours", "under_7d": "1 to 7 days", "under_30d": "7 to 30 days", "older": "30 days or more"}

// whyWords say why something has not ended, as the view open_points has it.
var whyWords = map[string]string{
	"on_its_way": "on its way", "held": "held until it is due", string(ledger.CauseOverBudget): "over budget: a person decides", string(ledger.Parked): "parked: a person decides",
	"in_doubt": "in doubt: may have arrived", "by_hand": "to be done by hand at the vendor", "waits_for_origin": "waits for what it takes from",
	"lost": "LOST: no row to send it",
}
