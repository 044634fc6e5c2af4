package main

import (
	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/reconcile/books"
)

// newRoot makes the command for an environment (what os.Environ gives).
func newRoot(environ []string) *cobra.Command {
	root := &cobra.Command{
		Use:   "reconcile",
		Short: "What the books hold, by account, member and day",
		Long: `reconcile reads the ledger as an accountant does, and changes nothing of it.

  reconcile balance                      each account of the books, and what is open
  reconcile statement 383933091455959041 what one member was given and lost
  reconcile trial --by shop,day          the trial balance, told apart

All of it as of now, as of an instant (--as-of), or as of a business date (--date).
They are movements through this worker: the vendor's balance of a member also has
others.

DATABASE_URL is all that it needs; a login of the role points_ledger_finance may run
it. Mobile numbers in member ids are masked, but for --unmasked, which a user in
the role ` + books.MembersRole + ` may say.

Exit codes: 0 done, 1 failed, 2 wrong usage or configuration.`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	root.AddCommand(newBalance(environ), newStatement(environ), newTrial(environ))
	return root
}

// session is one run of a command: the open books.
type session struct {
	books *books.Books
	close func()
}

// open reads the configuration and opens the ledger. The caller closes.
func open(c *cobra.Command, environ []string) (*session, error) {
	_, pool, err := command.OpenLedger(c, environ, "the ledger's Postgres URL, such as postgres://alice@db/points")
	if err != nil {
		return nil, err
	}
	return &session{books: books.New(pool), close: pool.Close}, nil
}
