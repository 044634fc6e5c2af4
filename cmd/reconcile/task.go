package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/reconcile/books"
	"pointsledger/reconcile/periods"
)

// task is what a command does, in three steps: it reads its flags, makes one call,
// and has the outcome printed.
type task interface {
	// read checks flags and arguments, before the ledger is opened.
	read(c *cobra.Command, args []string) error
	// call does it. Beside command.ErrDisagree there is a page all the same.
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
		if err != nil && !errors.Is(err, command.ErrDisagree) {
			return refused(err)
		}
		if asJSON, _ := c.Flags().GetBool("json"); asJSON {
			encoder := json.NewEncoder(c.OutOrStdout())
			encoder.SetEscapeHTML(false)
			return errors.Join(encoder.Encode(p), err)
		}
		p.print(c.OutOrStdout())
		return err
	}
}

// refused words what a person can do about an error.
func refused(err error) error {
	switch {
	case errors.Is(err, books.ErrMayNotSeeMembers):
		return command.Usagef("--unmasked: this database user is not in the role %s (docs/finance-queries.md): leave the flag out", books.MembersRole)
	case errors.Is(err, books.ErrNoAccount):
		return command.Usagef("--account: %w", err)
	case errors.Is(err, periods.ErrOutOfOrder), errors.Is(err, periods.ErrSameHand):
		return command.Usagef("%w (reconcile periods lists what is locked and closed)", err)
	case errors.Is(err, periods.ErrBusy):
		return fmt.Errorf("%w; it is locked: close it again in a minute", err)
	}
	return verifyRefused(err)
}
