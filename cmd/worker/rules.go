package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/rulebook"
	"pointsledger/ledger/database"
	"pointsledger/ledger/rulefiles"
	"pointsledger/migrations"
)

func newRules() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "rules",
		Short: "The rule files that the ledger has registered",
		Long: `rules lists every rule file that was ever registered in the ledger, oldest
first: its version (the hash of its text), since when and by whom, how many
operations were recorded under it, and how it stands:

  in force       the newest one; workers act on it
  same rules     maps every event as the newest does
  ends <time>    lacks what the newest says for events from then on; a worker
                 that has it fetches nothing from then on
  withdrawn      taken back by a person; a worker that has it fetches nothing,
                 and none can start with it until a person reinstates it

A worker compares itself with the newest every few seconds, and the ledger
refuses what was mapped by a file beyond its end.`,
		Args: command.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			return withLedger(c, func(ctx context.Context, files *rulefiles.Registry, _ *config.Config) error {
				return listRules(ctx, c.OutOrStdout(), files, asJSON)
			})
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print one JSON object")
	c.AddCommand(newRulesShow(), newRulesWithdraw(), newRulesReinstate())
	return c
}

// withLedger opens the ledger of this environment for a command.
func withLedger(c *cobra.Command, f func(context.Context, *rulefiles.Registry, *config.Config) error) error {
	cfg, err := loadConfigQuietly()
	if err != nil {
		return err
	}
	if cfg.DatabaseURL == "" {
		return command.Usagef("DATABASE_URL is not set: want the ledger's Postgres")
	}
	if err := migrations.Check(c.Context(), cfg.DatabaseURL.Reveal()); err != nil {
		return err
	}
	pool, err := database.OpenWorkerPool(c.Context(), cfg.DatabaseURL.Reveal(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	return f(c.Context(), rulefiles.New(pool), cfg)
}

func listRules(ctx context.Context, out io.Writer, files *rulefiles.Registry, asJSON bool) error {
	lines, err := rulebook.Lines(ctx, files)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, struct {
			Rules []rulebook.Line `json:"rules"`
		}{lines})
	}
	if len(lines) == 0 {
		fmt.Fprintln(out, "no rule file is registered in this ledger: a worker does it at its start")
		return nil
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(table, "VERSION\tREGISTERED\tOPERATIONS\tSTATE\tBY")
	for i := range lines {
		l := &lines[i]
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.Version, l.FirstUsed.UTC().Format(time.RFC3339), command.Count(l.Operations), l.Words(), l.By)
	}
	return table.Flush()
}

// fileActOptions are the flags of an act about a rule file.
type fileActOptions struct {
	reason, operator string
	yes              bool
}

// command finishes the command of an act about one registered file.
func (o *fileActOptions) command(c *cobra.Command, act func(context.Context, io.Writer, *rulefiles.Registry, string, fileActOptions) error) *cobra.Command {
	c.Args = func(_ *cobra.Command, args []string) error {
		if len(args) != 1 {
			return command.Usagef("want one VERSION, as worker rules lists them, got %d arguments", len(args))
		}
		return nil
	}
	c.RunE = func(c *cobra.Command, args []string) error {
		var err error
		if o.reason == "" {
			return command.Usagef("--reason: want a few words that explain it to whoever reads the ledger later")
		}
		if o.operator, err = command.Operator(o.operator, c.Flags().Changed("operator")); err != nil {
			return err
		}
		return withLedger(c, func(ctx context.Context, files *rulefiles.Registry, _ *config.Config) error {
			return act(ctx, c.OutOrStdout(), files, args[0], *o)
		})
	}
	c.Flags().StringVar(&o.reason, "reason", "", "why, kept with the act")
	c.Flags().StringVar(&o.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().BoolVar(&o.yes, "yes", false, "really do it")
	return c
}

func newRulesWithdraw() *cobra.Command {
	var o fileActOptions
	return o.command(&cobra.Command{
		Use:   "withdraw VERSION --reason TEXT",
		Short: "Take the newest rule file back, as long as nothing was recorded by it",
		Long: `withdraw takes back the rule file that was registered last, also after its
time has come: the one before it is in force again, and workers that have that
one go on. Workers that have the withdrawn one fetch nothing more.

It is refused when an operation was recorded by rules that only this file has:
points may have been granted by them, and the same event must not meet other
rules when it is sent again. Then put a further rule set into the file, with a
later from. What was recorded under the file by rules that the one before it
has too is no obstacle.

Events that were rejected by the file wait as any reject: replay rejects retry.
Types that only this file ignores were not recorded and do not come back.

Without --yes it says what it would do.`,
		Example: `  worker rules
  worker rules withdraw 00ae93d58e88 --reason "rolled back: wrong rate" --yes`,
	}, withdrawRules)
}

func withdrawRules(ctx context.Context, out io.Writer, files *rulefiles.Registry, version string, o fileActOptions) error {
	w, err := rulebook.PlanWithdrawal(ctx, files, version)
	if err != nil {
		return withdrawalWords(err)
	}
	w.Actor, w.Reason = o.operator, o.reason
	then := "no rule file is in force then, and a worker registers its own at its next start"
	if w.Base != "" {
		then = "the file " + w.Base + " is in force then"
	}
	fmt.Fprintf(out, "%s: %s operations were recorded under it, none of them by rules that only it has; %s\n", version, command.Count(w.Under), then)
	if !o.yes {
		fmt.Fprintln(out, "nothing was changed: add --yes to withdraw it")
		return nil
	}
	act, err := files.WithdrawRules(ctx, w.RulesWithdrawal)
	if err != nil {
		return withdrawalWords(err)
	}
	fmt.Fprintf(out, "withdrawn, as action %d by %s; workers hear of it within seconds\n", act, o.operator)
	return nil
}

// withdrawalWords say what to do about a withdrawal that cannot be.
func withdrawalWords(err error) error {
	var other *rulebook.NotInForceError
	var used *rulefiles.RulesUsedError
	switch {
	case errors.As(err, &other) && other.Registered == nil:
		return command.Usagef("%w; worker rules lists them", other)
	case errors.As(err, &other):
		return &command.UsageError{Err: other}
	case errors.As(err, &used):
		return fmt.Errorf("%w: it cannot be withdrawn any more. Put a further rule set into the file, with a later from; what was granted by it, replay can show", used)
	}
	return err
}
