package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"pointsledger/internal/command"
	"pointsledger/internal/config"
	"pointsledger/internal/rulebook"
	"pointsledger/ledger/rulefiles"
)

func newRulesReinstate() *cobra.Command {
	var o fileActOptions
	return o.command(&cobra.Command{
		Use:   "reinstate VERSION --reason TEXT",
		Short: "Take a withdrawn rule file up again",
		Long: `reinstate takes a withdrawn rule file up again: it is the newest one then, as if
it was registered now. Workers that have it fetch again; workers with another
file fetch nothing from where the two differ.

A start or a reload of a worker does not do this, or every restart would undo a
withdrawal. It is refused when the file lacks rules that are in use by now: put
them into it, which makes it another file.

Without --yes it says what it would do.`,
		Example: `  worker rules
  worker rules reinstate 00ae93d58e88 --reason "the rate was right" --yes`,
	}, reinstateRules)
}

func reinstateRules(ctx context.Context, out io.Writer, files *rulefiles.Registry, version string, o fileActOptions) error {
	r, err := rulebook.PlanReinstatement(ctx, files, version)
	if err != nil {
		return reinstatementWords(version, err)
	}
	r.Actor, r.Reason = o.operator, o.reason
	fmt.Fprintf(out, "%s was withdrawn by %s at %s: %s\n", version, r.Withdrawn.Actor, r.Withdrawn.At.UTC().Format(time.RFC3339), r.Withdrawn.Reason)
	switch {
	case r.Newest == "":
		fmt.Fprintln(out, "it is in force then; no other file is now")
	case !r.Ended:
		fmt.Fprintf(out, "it is in force then; workers with %s, which maps every event alike, go on\n", r.Newest)
	case r.Ends.IsZero():
		fmt.Fprintf(out, "it is in force then; workers with %s fetch nothing more\n", r.Newest)
	default:
		fmt.Fprintf(out, "it is in force then; workers with %s fetch nothing from %s on\n", r.Newest, r.Ends.UTC().Format(time.RFC3339))
	}
	if !o.yes {
		fmt.Fprintln(out, "nothing was changed: add --yes to reinstate it")
		return nil
	}
	act, err := files.ReinstateRules(ctx, r.RulesReinstatement)
	if err != nil {
		return reinstatementWords(version, err)
	}
	fmt.Fprintf(out, "reinstated, as action %d by %s; workers hear of it within seconds\n", act, o.operator)
	return nil
}

// reinstatementWords say what to do about a file that cannot be taken up again.
func reinstatementWords(version string, err error) error {
	var unknown *rulebook.NotInForceError
	var refused *config.Error
	switch {
	case errors.As(err, &unknown):
		return command.Usagef("%w; worker rules lists them", unknown)
	case errors.Is(err, rulefiles.ErrRulesNotWithdrawn):
		return command.Usagef("%s is not withdrawn; worker rules says how it stands", version)
	case errors.As(err, &refused):
		return fmt.Errorf("%s cannot be taken up again: %w", version, err)
	}
	return err
}
