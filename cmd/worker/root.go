package main

import (
	"os"

	"github.com/spf13/cobra"

	"pointsledger/internal/config"
)

func newRoot() *cobra.Command {
	root := &cobra.Command{
		Use:   "worker",
		Short: "From shop events to loyalty points at the vendor, exactly once in effect",
		Long: `worker takes events from NATS JetStream (an order was paid, a member checked
in, a review was posted), records points operations in a Postgres ledger, and
makes the vendor calls: user.points-add at Zhimai, freezePoint at Kylin.

First steps:
  worker demo                 the whole thing on this machine, nothing to set up
  worker explain event.json   what an event would do, without doing it
  worker config               the configuration in force, secrets masked
  worker doctor               what is wrong with it, the servers and the accounts

Without a command, worker runs the service. Exit codes: 0 done, 1 failed,
2 wrong usage or configuration, 3 done but something does not agree.`,
	}
	run := newRun()
	root.RunE, root.Args = run.RunE, run.Args
	root.Flags().AddFlagSet(run.Flags())
	root.AddCommand(run, newDemo(), newExplain(), newPublish(), newSchema(), newConfig(), newSimulate(), newMigrate(), newDoctor(), newRules())
	return root
}

// loadConfig reads the configuration of this process's environment and says
// what looks unintended.
func loadConfig(c *cobra.Command, overrides ...string) (*config.Config, error) {
	cfg, err := config.Load(append(os.Environ(), overrides...), os.ReadFile)
	if err != nil {
		return nil, err
	}
	warn(c, cfg)
	return cfg, nil
}

// warn says what looks unintended.
func warn(c *cobra.Command, cfg *config.Config) {
	for _, warning := range cfg.Warnings {
		c.PrintErrf("warning: %s\n", warning)
	}
}
