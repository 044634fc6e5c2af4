package main

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/books"
)

// askedFlags say which books are asked for.
type askedFlags struct {
	asked books.Asked
	asOf  string
}

func (f *askedFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&f.asOf, "as-of", "", "as the books stood at this time: RFC 3339, or an age such as 90m, 24h, 7d")
	c.Flags().StringVar(&f.asked.Date, "date", "", "what has this business date or an earlier one, such as 2026-11-20")
	c.Flags().StringVar(&f.asked.Booked, "booked", "", "what is booked on this day or an earlier one: what reconcile close goes by")
	c.Flags().StringVar(&f.asked.Account, "account", "", "vendor account; all of them unless given")
	c.Flags().BoolVar(&f.asked.Unmasked, "unmasked", false, "leave mobile numbers in member ids; needs the role "+books.MembersRole)
	c.Flags().Bool("json", false, "print one JSON object on one line")
}

func (f *askedFlags) check(c *cobra.Command, now time.Time) (err error) {
	if err := command.NoneEmpty(c, "as-of", "date", "booked", "account"); err != nil {
		return err
	}
	if f.asOf != "" && f.asked.Date != "" {
		return command.Usagef("--as-of and --date: one is a time, the other a business date; leave one of the two out")
	}
	if f.asked.Booked != "" && (f.asked.Date != "" || f.asOf != "") {
		return command.Usagef("--booked and --date or --as-of: one is the day on which something is booked, the others a business date and a time; leave one out")
	}
	if err := errors.Join(checkDate("date", f.asked.Date), checkDate("booked", f.asked.Booked)); err != nil {
		return err
	}
	f.asked.AsOf, err = command.PointInTime("as-of", f.asOf, now)
	if err == nil && f.asked.AsOf.After(now) {
		err = command.Usagef("--as-of %s is not over yet: leave it out to see the books as they stand", f.asOf)
	}
	return err
}

func checkDate(flag, text string) error {
	if _, err := time.Parse(time.DateOnly, text); text != "" && err != nil {
		return command.Usagef("--%s: want a date such as 2026-11-20, got %q", flag, text)
	}
	return nil
}

// printStanding says which books a page is of.
func printStanding(out io.Writer, what string, s *books.Standing) {
	text := what
	if s.Account != "" {
		text += " of account " + s.Account
	}
	if s.Date != "" {
		text += ", business dates up to " + s.Date
	}
	if s.Booked != "" {
		text += ", booked through " + s.Booked
	}
	terminal.Paragraph(out, fmt.Sprintf("%s, as of %s", text, wording.Moment(s.AsOf)))
	fmt.Fprintln(out)
}
