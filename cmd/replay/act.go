package main

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// decideFlags are what every act asks for: who, why, and the word to do it.
type decideFlags struct {
	reason, operator string
	yes, json        bool
}

func (a *decideFlags) register(c *cobra.Command) {
	c.Flags().StringVar(&a.reason, "reason", "", "why; required with --yes, and kept")
	c.Flags().StringVar(&a.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().BoolVar(&a.yes, "yes", false, "do it")
	c.Flags().BoolVar(&a.json, "json", false, "print JSON")
}

// reasonToFill stands in the command of a preview without a reason. It is no
// reason, so that a copied command asks for one.
const reasonToFill = "…"

// maxReasonChars bounds what is kept in ops_actions.
const maxReasonChars = 1000

// check reads who acts, and sees that there is a reason where one is needed.
func (a *decideFlags) check(c *cobra.Command) (desk.Decision, error) {
	actor, err := command.Operator(a.operator, c.Flag("operator").Changed)
	if err != nil && (a.yes || c.Flag("operator").Changed) {
		return desk.Decision{}, err
	}
	a.reason = strings.TrimSpace(a.reason)
	switch {
	case a.yes && (a.reason == "" || a.reason == reasonToFill):
		return desk.Decision{}, command.Usagef("--yes needs --reason \"…\": why, for whoever asks later; it is kept in ops_actions")
	case utf8.RuneCountInString(a.reason) > maxReasonChars:
		return desk.Decision{}, command.Usagef("--reason: want at most %s characters", wording.Count(maxReasonChars))
	}
	return desk.Decision{Actor: actor, Reason: a.reason}, nil
}

// command is the line that does what was shown.
func (a *decideFlags) command(args ...string) string {
	if operator := strings.TrimSpace(a.operator); operator != "" {
		args = append(args, "--operator", operator)
	}
	return shell(append(args, "--reason", cmp.Or(a.reason, reasonToFill), "--yes")...)
}

// besidePlan refuses the flags that --plan makes pointless: those that choose
// operations, for a plan has its own. The flags of every act may stand beside
// it, and the others that are named.
func besidePlan(c *cobra.Command, others ...string) (err error) {
	may := append([]string{"plan", "reason", "operator", "yes", "json"}, others...)
	c.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(may, f.Name) {
			err = command.Usagef("--plan and --%s: a plan has its operations already; leave one of the two out", f.Name)
		}
	})
	return err
}

// printFacts prints the lines of a view.
func printFacts(out io.Writer, facts wording.Facts) {
	for _, f := range facts {
		terminal.Line(out, f.Label, f.Words)
	}
}

// recordedAs says where an act is kept.
func recordedAs(action int64, act desk.Decision) string {
	return fmt.Sprintf("as action %d in ops_actions: %s, %q (replay log)", action, act.Actor, privacy.Mobiles(act.Reason))
}

// partlyError ends an act that was done, but not for everything: exit code 3.
type partlyError struct{ text string }

func (e *partlyError) Error() string { return e.text }

// Is makes the error stand for "done, but something does not agree".
func (e *partlyError) Is(target error) bool { return target == command.ErrDisagree }

// given prints a line, unless its text is empty.
func given(out io.Writer, label, before, text string) {
	if text != "" {
		terminal.Line(out, label, before+text)
	}
}

// counted prints a line that begins with a number, unless it is 0.
func counted[T ~int | ~int64](out io.Writer, label string, n T, words string) {
	if n > 0 {
		terminal.Line(out, label, wording.Count(n)+words)
	}
}
