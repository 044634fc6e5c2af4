package main

import (
	"context"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/ledger/rulefiles"
)

func newRulesShow() *cobra.Command {
	return &cobra.Command{
		Use:   "show VERSION",
		Short: "Print a rule file that the ledger has registered, as it was read",
		Long: `show prints the text of a registered rule file. A file with a further rule
set begins with it: in a ledger that was begun with older built-in rules, config
--default prints the newer ones, which no worker could use there.`,
		Example: `  worker rules
  worker rules show 00ae93d58e88 > points.yaml`,
		Args: command.OneArg("one VERSION, as worker rules lists them"),
		RunE: func(c *cobra.Command, args []string) error {
			return withLedger(c, func(ctx context.Context, files *rulefiles.Registry, _ *config.Config) error {
				all, err := files.Registered(ctx)
				if err != nil {
					return err
				}
				file, found := rulefiles.FindRules(all, args[0])
				if !found {
					return command.Usagef("%s: no such rule file is registered; worker rules lists them", args[0])
				}
				_, err = c.OutOrStdout().Write([]byte(file.Text))
				return err
			})
		},
	}
}
