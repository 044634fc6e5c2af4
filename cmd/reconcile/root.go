package main

import (
	"slices"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/reconcile/books"
)

// newRoot makes the command for an environment (what os.Environ gives).
func newRoot(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "reconcile",
		Short: "What the books hold, by account, member and day",
		Long: `reconcile reads the ledger as an accountant does, and changes nothing of it; it closes
periods.

  reconcile balance                      each account of the books, and what is open
  reconcile statement 383933091455959041 what one member was given and lost
  reconcile trial --by shop,day          the trial balance, told apart
  reconcile close --date 2026-11-30      close the books through a business date
  reconcile reopen --date 2026-11-30     open the last period again
  reconcile periods                      what is locked and closed, and by whom
  reconcile run --from 2026-11-01 --to 2026-11-30
                                         the ledger against the vendor's records
  reconcile items 12                     what differs in a comparison, and what to do
  reconcile report 12 --xlsx nov.xlsx    a comparison on a page, as workbook, web page or CSV
  reconcile days                         what shops declared that they sold, and what is there
  reconcile orders november.csv --map shop.yaml
                                         a shop's own list of orders against the ledger
  reconcile verify                       whether the ledger is what it was
  reconcile journal --format hledger     vouchers in money, for an accounting program

The books as of now, as of an instant (--as-of), or as of a business date (--date).
They are movements through this worker: the vendor's balance of a member also has
others.

DATABASE_URL, or --data, is all that it needs; verify also asks the broker (NATS_URL). A
login of the role points_ledger_finance may run it. Mobile numbers in member ids are
masked, but for --unmasked, which a user in the role ` + books.MembersRole + `
may say.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 done, but something does
not agree.`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.PersistentFlags().String("data", "", "a folder that worker demo --keep or worker run --embedded left; its servers are started for the command")
	root.AddCommand(newBalance(environ), newStatement(environ), newTrial(environ))
	root.AddCommand(newClose(environ), newReopen(environ), newPeriods(environ))
	root.AddCommand(newRun(environ), newRuns(environ), newShow(environ), newItems(environ), newNote(environ), newExplain(environ))
	root.AddCommand(newReport(environ))
	root.AddCommand(newDays(environ), newOrders(environ))
	root.AddCommand(newVerify(environ))
	root.AddCommand(newJournal(environ))
	return root
}

// session is one run of a command: the open books, and the ledger that they are of.
type session struct {
	config *config.Config
	books  *books.Books
	pool   *pgxpool.Pool
	ends   []func()
}

// closeLater has something closed with the session, before what it was opened with.
func (s *session) closeLater(end func()) { s.ends = append(s.ends, end) }

func (s *session) close() {
	for _, end := range slices.Backward(s.ends) {
		end()
	}
}

// open reads the configuration and opens the ledger. The caller closes.
func open(c *cobra.Command, environ []string) (*session, error) {
	stop := func() {}
	if dir, _ := c.Flags().GetString("data"); dir != "" {
		url, stopServer, err := openKept(c.Context(), dir)
		if err != nil {
			return nil, err
		}
		stop, environ = stopServer, append(slices.Clone(environ), "DATABASE_URL="+url)
	}
	cfg, pool, err := command.OpenLedger(c, environ, "the ledger's Postgres URL, such as postgres://alice@db/points, or --data")
	if err != nil {
		stop()
		return nil, err
	}
	return &session{config: cfg, books: books.New(pool), pool: pool, ends: []func(){stop, pool.Close}}, nil
}
