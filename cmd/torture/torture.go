package main

import (
	"fmt"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/torture"
)

// newTorture makes the command. It leaves the verdict for the caller to print,
// so that it is the last line whatever else is said.
func newTorture(last *string) *cobra.Command {
	var o torture.Options
	var dryRun bool
	c := &cobra.Command{
		Use:   "torture",
		Short: "Kill, hang and cut off a whole installation, and see whether the books still agree",
		Long: `torture starts real processes on this machine: nats-server, Postgres, the vendor
simulator with heavy faults, and workers. It publishes events with duplicates,
conflicts and garbage among them, does harm by a seeded schedule, waits until
all is quiet, and compares per key what was published, what the ledger says and
what the vendors applied.

It builds the programs it runs, so it needs the source and the go command, and
the Postgres server programs. Nothing is left behind but the logs of a run that does not agree.

The last line is the verdict. Exit code 0 only if everything agrees, 3 if not.`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.Validate(); err != nil {
				return command.Usagef("%w", err)
			}
			if dryRun {
				for i, fault := range torture.Schedule(o) {
					fmt.Fprintf(c.OutOrStdout(), "%4d  %s\n", i+1, fault)
				}
				return nil
			}
			verdict, err := torture.Run(c.Context(), o, c.OutOrStdout())
			if err != nil {
				return err
			}
			*last = verdict.String() + "\n"
			if !verdict.Agrees() {
				return command.ErrDisagree
			}
			return nil
		},
	}
	f := c.Flags()
	f.IntVar(&o.Events, "events", 2000, "how many messages to publish, 100 to 1,000,000")
	f.IntVar(&o.Faults, "faults", 20, "how many faults to inject, 0 to 10,000")
	f.Uint64Var(&o.Seed, "seed", 1, "seed of the events, the vendors' faults and the schedule")
	f.StringVar(&o.Dedup, "dedup", "success", "what Zhimai does with a key it knows: success, code or off (applies it again)")
	f.BoolVar(&o.Echo, "echo", true, "Zhimai's records show the reason that was sent")
	f.DurationVar(&o.Lag, "lag", 0, "how late Zhimai's records show what was applied")
	f.BoolVar(&o.Habits, "habits", false, "Zhimai's records change their habits midway: zone, how far back, reasons")
	f.IntVar(&o.Workers, "workers", 3, "the most workers at a time, 1 to 3")
	f.BoolVar(&o.Keep, "keep", false, "keep the folder with the logs, as after a run that does not agree")
	f.StringVar(&o.Sabotage, "sabotage", "", "break a promise on purpose, to see it caught")
	f.BoolVar(&dryRun, "dry-run", false, "only print the schedule")
	return c
}
