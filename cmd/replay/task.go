package main

import (
	"io"

	"github.com/spf13/cobra"

	"pointsledger/internal/terminal"
)

// task is what a command does, in three steps: it reads its flags, makes one call,
// and has the outcome printed.
type task interface {
	// read checks flags and arguments, before the ledger is opened.
	read(c *cobra.Command, args []string) error
	// call does it. Its page is printed also when the error says that not all could
	// be done; nil is nothing to print.
	call(c *cobra.Command, s *session) (page, error)
}

// page is an outcome: marshalled it is what --json prints.
type page interface{ print(out io.Writer) }

// runs makes a task the RunE of its command.
func runs(environ []string, t task) func(*cobra.Command, []string) error {
	return func(c *cobra.Command, args []string) error {
		if err := t.read(c, args); err != nil {
			return err
		}
		s, err := open(c, environ)
		if err != nil {
			return err
		}
		defer s.close()
		p, err := t.call(c, s)
		if p == nil {
			return err
		}
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			if failed := terminal.JSON(c.OutOrStdout(), p); failed != nil {
				return failed
			}
			return err
		}
		p.print(c.OutOrStdout())
		return err
	}
}
