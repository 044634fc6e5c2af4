package main

import (
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// decided is who acts and why, when the flags allow it.
func decided(flags *command.Decide, c *cobra.Command) (desk.Decision, error) {
	actor, err := flags.Check(c)
	return desk.Decision{Actor: actor, Reason: flags.Reason}, err
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
