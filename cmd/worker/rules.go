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
	"pointsledger/ledger"
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
  withdrawn      taken back by a person; a worker that has it fetches nothing

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
	c.AddCommand(newRulesWithdraw())
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
	pool, err := ledger.OpenWorkerPool(c.Context(), cfg.DatabaseURL.Reveal(), 1)
	if err != nil {
		return err
	}
	defer pool.Close()
	return f(c.Context(), rulefiles.New(pool), cfg)
}

// rulesLine is a registered file as it is shown.
type rulesLine struct {
	Version     string     `json:"version"`
	FirstUsed   time.Time  `json:"first_used_at"`
	By          string     `json:"registered_by,omitempty"`
	Operations  int64      `json:"operations"`
	State       string     `json:"state"`
	EndsAt      *time.Time `json:"ends_at,omitempty"`
	WithdrawnAt *time.Time `json:"withdrawn_at,omitempty"`
	WithdrawnBy string     `json:"withdrawn_by,omitempty"`
	Reason      string     `json:"withdrawn_because,omitempty"`
	Differs     []string   `json:"differs_from_newest,omitempty"`
}

// States of a registered file.
const (
	rulesInForce   = "in force"
	rulesSame      = "same rules"
	rulesEnd       = "ends"
	rulesWithdrawn = "withdrawn"
)

func rulesLines(ctx context.Context, files *rulefiles.Registry) ([]rulesLine, error) {
	all, err := files.Registered(ctx)
	if err != nil {
		return nil, err
	}
	newest, _ := rulefiles.NewestRules(all)
	lines := make([]rulesLine, len(all))
	for i, r := range all {
		line := rulesLine{Version: r.Version, FirstUsed: r.FirstUsed, By: r.By, State: rulesSame,
			Differs: config.OtherDifferences([]byte(r.Text), []byte(newest.Text))}
		if line.Operations, _, err = files.UnderRules(ctx, r.Version, time.Time{}); err != nil {
			return nil, err
		}
		from, differ := config.Divergence([]byte(r.Text), []byte(newest.Text))
		switch {
		case r.Withdrawn != nil:
			line.State, line.WithdrawnAt, line.WithdrawnBy, line.Reason = rulesWithdrawn, &r.Withdrawn.At, r.Withdrawn.Actor, r.Withdrawn.Reason
		case r.Version == newest.Version:
			line.State = rulesInForce
		case differ:
			line.State = rulesEnd
			if !from.IsZero() {
				line.EndsAt = &from
			}
		}
		lines[i] = line
	}
	return lines, nil
}

// words say how a file stands.
func (l *rulesLine) words() string {
	text := l.State
	switch {
	case l.WithdrawnAt != nil:
		text += fmt.Sprintf(" %s by %s: %s", l.WithdrawnAt.UTC().Format(time.RFC3339), l.WithdrawnBy, l.Reason)
	case l.EndsAt != nil:
		text += " " + l.EndsAt.UTC().Format(time.RFC3339)
	case l.State == rulesEnd:
		text += ": it may not be used any more"
	}
	for i, part := range l.Differs {
		if i == 0 {
			text += "; differs in "
		} else {
			text += ", "
		}
		text += part
	}
	return text
}

func listRules(ctx context.Context, out io.Writer, files *rulefiles.Registry, asJSON bool) error {
	lines, err := rulesLines(ctx, files)
	if err != nil {
		return err
	}
	if asJSON {
		return printJSON(out, struct {
			Rules []rulesLine `json:"rules"`
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
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\t%s\n", l.Version, l.FirstUsed.UTC().Format(time.RFC3339), command.Count(l.Operations), l.words(), l.By)
	}
	return table.Flush()
}

// withdrawOptions are the flags of `worker rules withdraw`.
type withdrawOptions struct {
	reason, operator string
	yes              bool
}

func newRulesWithdraw() *cobra.Command {
	var o withdrawOptions
	c := &cobra.Command{
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
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return command.Usagef("want one VERSION, as worker rules lists them, got %d arguments", len(args))
			}
			return nil
		},
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if o.reason == "" {
				return command.Usagef("--reason: want a few words that explain it to whoever reads the ledger later")
			}
			if o.operator, err = command.Operator(o.operator, c.Flags().Changed("operator")); err != nil {
				return err
			}
			return withLedger(c, func(ctx context.Context, files *rulefiles.Registry, _ *config.Config) error {
				return withdrawRules(ctx, c.OutOrStdout(), files, args[0], o)
			})
		},
	}
	c.Flags().StringVar(&o.reason, "reason", "", "why, kept with the act")
	c.Flags().StringVar(&o.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().BoolVar(&o.yes, "yes", false, "really withdraw it")
	return c
}

func withdrawRules(ctx context.Context, out io.Writer, files *rulefiles.Registry, version string, o withdrawOptions) error {
	all, err := files.Registered(ctx)
	if err != nil {
		return err
	}
	w, base, err := planWithdrawal(all, version)
	if err != nil {
		return err
	}
	w.Actor, w.Reason = o.operator, o.reason
	under, own, err := files.UnderRules(ctx, version, w.Own)
	if err != nil {
		return err
	}
	if own > 0 && !w.Nothing {
		return usedRules(&rulefiles.RulesUsedError{Version: version, Operations: own})
	}
	then := "no rule file is in force then, and a worker registers its own at its next start"
	if base != "" {
		then = "the file " + base + " is in force then"
	}
	fmt.Fprintf(out, "%s: %s operations were recorded under it, none of them by rules that only it has; %s\n", version, command.Count(under), then)
	if !o.yes {
		fmt.Fprintln(out, "nothing was changed: add --yes to withdraw it")
		return nil
	}
	action, err := files.WithdrawRules(ctx, w)
	var used *rulefiles.RulesUsedError
	if errors.As(err, &used) {
		return usedRules(used)
	}
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "withdrawn, as action %d by %s; workers hear of it within seconds\n", action, o.operator)
	return nil
}

// planWithdrawal works out what is a file's own, compared with the file that is
// in force without it.
func planWithdrawal(all []rulefiles.RegisteredRules, version string) (w rulefiles.RulesWithdrawal, base string, err error) {
	mine, there := rulefiles.FindRules(all, version)
	newest, _ := rulefiles.NewestRules(all)
	switch {
	case !there:
		return w, "", command.Usagef("%s: no such rule file is registered; worker rules lists them", version)
	case mine.Withdrawn != nil:
		return w, "", command.Usagef("%s was withdrawn by %s at %s", version, mine.Withdrawn.Actor, mine.Withdrawn.At.UTC().Format(time.RFC3339))
	case newest.Version != version:
		return w, "", command.Usagef("%s is not in force: %s was registered after it; withdraw that one first", version, newest.Version)
	}
	w = rulefiles.RulesWithdrawal{Version: version, Judge: config.RulesEnds}
	others := make([]rulefiles.RegisteredRules, 0, len(all))
	for _, r := range all {
		if r.Version != version {
			others = append(others, r)
		}
	}
	before, some := rulefiles.NewestRules(others)
	if !some {
		w.Result = "no rule file is in force"
		return w, "", nil
	}
	from, differ := config.Divergence([]byte(mine.Text), []byte(before.Text))
	w.Own, w.Nothing = from, !differ
	w.Result = "in force: " + before.Version
	return w, before.Version, nil
}

func usedRules(e *rulefiles.RulesUsedError) error {
	return fmt.Errorf("%w: it cannot be withdrawn any more. Put a further rule set into the file, with a later from; what was granted by it, replay can show", e)
}
