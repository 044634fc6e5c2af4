package command

import (
	"cmp"
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Decide are the flags that every act asks for: who, why, and the word to do it.
type Decide struct {
	Reason, Operator string
	// Yes: do it; without it nothing is changed.
	Yes bool
	// JSON: print JSON.
	JSON bool
}

// Register adds the flags to a command.
func (d *Decide) Register(c *cobra.Command) {
	c.Flags().StringVar(&d.Reason, "reason", "", "why; required with --yes, and kept")
	c.Flags().StringVar(&d.Operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().BoolVar(&d.Yes, "yes", false, "do it")
	c.Flags().BoolVar(&d.JSON, "json", false, "print JSON")
}

// ReasonToFill stands in the command of a preview without a reason. It is no
// reason, so that a copied command asks for one.
const ReasonToFill = "…"

// maxReasonChars bounds what is kept in ops_actions.
const maxReasonChars = 1000

// Check returns who acts, and sees that there is a reason where one is needed. The
// error is a UsageError.
func (d *Decide) Check(c *cobra.Command) (actor string, err error) {
	actor, err = Operator(d.Operator, c.Flag("operator").Changed)
	if err != nil && (d.Yes || c.Flag("operator").Changed) {
		return "", err
	}
	d.Reason = strings.TrimSpace(d.Reason)
	switch {
	case d.Yes && (d.Reason == "" || d.Reason == ReasonToFill):
		return "", Usagef("--yes needs --reason \"…\": why, for whoever asks later; it is kept in ops_actions")
	case utf8.RuneCountInString(d.Reason) > maxReasonChars:
		return "", Usagef("--reason: want at most %d characters", maxReasonChars)
	}
	return actor, nil
}

// Line is the command line that does what was shown.
func (d *Decide) Line(args ...string) string {
	if operator := strings.TrimSpace(d.Operator); operator != "" {
		args = append(args, "--operator", operator)
	}
	return Shell(append(args, "--reason", cmp.Or(d.Reason, ReasonToFill), "--yes")...)
}

// BesidePlan refuses the flags that --plan makes pointless: those that choose
// operations, for a plan has its own. The flags of every act may stand beside
// it, and the others that are named.
func BesidePlan(c *cobra.Command, others ...string) (err error) {
	may := append([]string{"plan", "reason", "operator", "yes", "json"}, others...)
	c.Flags().Visit(func(f *pflag.Flag) {
		if err == nil && !slices.Contains(may, f.Name) {
			err = Usagef("--plan and --%s: a plan has its operations already; leave one of the two out", f.Name)
		}
	})
	return err
}

var shellSafe = regexp.MustCompile(`^[A-Za-z0-9_./:@%+=,-]+$`)

// Shell joins arguments as a POSIX shell reads them.
func Shell(args ...string) string {
	quoted := make([]string, len(args))
	for i, a := range args {
		if quoted[i] = a; !shellSafe.MatchString(a) {
			quoted[i] = "'" + strings.ReplaceAll(a, "'", `'\''`) + "'"
		}
	}
	return strings.Join(quoted, " ")
}
