package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/reconcile/periods"
)

type reopenOptions struct{ date, reason, operator string }

func newReopen(environ []string) *cobra.Command {
	var o reopenOptions
	c := &cobra.Command{
		Use:   "reopen",
		Short: "Open the last period again",
		Long: `reopen opens the last period again, locked or closed. What was booked on a later
date because it was locked stays there. Where the rules say approvals.reopen, another
database user than the one who closed it has to do it.`,
		Example: "  reconcile reopen --date 2026-11-30 --reason \"shop 12 was missing\"",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, &o),
	}
	c.Flags().StringVar(&o.date, "date", "", "the last business date of the period; required")
	c.Flags().StringVar(&o.reason, "reason", "", "why; required, and kept")
	c.Flags().StringVar(&o.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().Bool("json", false, "print one JSON object on one line")
	return c
}

func (o *reopenOptions) read(c *cobra.Command, _ []string) (err error) {
	if o.operator, o.reason, err = actorAndReason(c, o.operator, o.reason); err != nil {
		return err
	}
	if o.reason == "" {
		return command.Usagef("--reason: want why it is reopened, for whoever asks later; it is kept")
	}
	return needDate(o.date)
}

func (o *reopenOptions) call(c *cobra.Command, s *session) (page, error) {
	if err := periods.New(s.pool).Reopen(c.Context(), o.date, o.operator, o.reason); err != nil {
		return nil, err
	}
	return &reopenPage{Through: o.date, State: "open"}, nil
}

type reopenPage struct {
	Through string `json:"through"`
	State   string `json:"state"`
}

func (p *reopenPage) print(out io.Writer) {
	fmt.Fprintf(out, "The period through %s is open again.\n", p.Through)
}
