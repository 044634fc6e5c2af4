package main

import (
	"encoding/json"
	"errors"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/reconcile/books"
)

// task is what a command does, in three steps: it reads its flags, makes one call,
// and has the outcome printed.
type task interface {
	// read checks flags and arguments, before the ledger is opened.
	read(c *cobra.Command, args []string) error
	// call does it.
	call(c *cobra.Command, s *session) (page, error)
}

// page is an outcome: marshalled it is what --json prints, one object on one line.
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
		if err != nil {
			return refused(err)
		}
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			encoder := json.NewEncoder(c.OutOrStdout())
			encoder.SetEscapeHTML(false)
			return encoder.Encode(p)
		}
		p.print(c.OutOrStdout())
		return nil
	}
}

// refused words what a person can do about an error.
func refused(err error) error {
	if errors.Is(err, books.ErrMayNotSeeMembers) {
		return command.Usagef("--unmasked: this database user is not in the role %s (docs/finance-queries.md): leave the flag out", books.MembersRole)
	}
	return err
}
