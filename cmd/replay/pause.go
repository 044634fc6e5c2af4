package main

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger/gates"
)

func newPause(environ []string) *cobra.Command {
	o := gateTask{pause: true}
	c := &cobra.Command{
		Use:   "pause ACCOUNT",
		Short: "Hold all calls to a vendor account back, until a person resumes it",
		Long: `pause closes the gate of an account for all workers. They hear of it within half
a second; calls that are under way then end by themselves. Events are accepted and
recorded as before; no attempt is used up, and nothing that a worker does opens
the gate. Who paused it, and why, is shown by status and kept in ops_actions.

Without --yes nothing is changed: it shows what would be held back, and the
command that does it.`,
		Example: `  replay pause zhimai --reason "their change window, 02:00 to 04:00" --yes`,
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    runs(environ, &o),
	}
	o.Register(c)
	return c
}

func newResume(environ []string) *cobra.Command {
	var o gateTask
	c := &cobra.Command{
		Use:   "resume ACCOUNT",
		Short: "Let the calls to an account go on that a person paused",
		Long: `resume opens the gate of an account that a person paused; the workers go on within
half a second. A gate that is closed for another reason is left alone: it opens by
itself when that is mended. Without --yes nothing is changed.`,
		Example: `  replay resume zhimai --reason "they are back" --yes`,
		Args:    command.Args(cobra.ExactArgs(1)),
		RunE:    runs(environ, &o),
	}
	o.Register(c)
	return c
}

// gateTask pauses an account, or resumes it.
type gateTask struct {
	command.Decide
	pause   bool
	account string
	who     desk.Decision
}

func (t *gateTask) read(c *cobra.Command, args []string) (err error) {
	t.account = args[0]
	t.who, err = decided(&t.Decide, c)
	return err
}

// gateChange is what pause and resume say with --json.
type gateChange struct {
	desk.GateView
	// Command does it; empty when it is done, or nothing is to be done.
	Command string `json:"command"`

	pause bool
	who   desk.Decision
}

func (t *gateTask) call(c *cobra.Command, s *session) (page, error) {
	g := gateChange{pause: t.pause, who: t.who}
	var unknown *desk.UnknownAccountError
	var err error
	switch g.GateView, err = s.desk.ViewGate(c.Context(), s.accountNames(), t.account); {
	case errors.As(err, &unknown):
		return nil, command.Usagef("there is no account %q: want one of %s", terminal.Clean(t.account), strings.Join(slices.Sorted(slices.Values(unknown.Known)), ", "))
	case err != nil:
		return nil, err
	}
	verb, change := "resume", s.desk.ResumeAccount
	if t.pause {
		verb, change = "pause", s.desk.PauseAccount
	}
	switch toDo := (g.Before == gates.GatePaused) != t.pause; {
	case toDo && !t.Yes:
		g.Command = t.Line("replay", verb, t.account)
	case toDo:
		if g.Paused, err = change(c.Context(), desk.Pause{Decision: t.who, Account: t.account, Filter: "--account " + t.account}); err != nil {
			return nil, err
		}
	}
	g.Words = privacy.Mobiles(g.Words)
	if !t.pause && g.Before != gates.GatePaused && g.Before != "" {
		err = fmt.Errorf("nothing was changed: the gate of %s is closed (%s: %s), but nobody has paused it. %s", t.account, g.Before,
			wording.Gate(g.Before), upperFirst(wording.GateAdvice(g.Before)))
	}
	return &g, err
}

func (g *gateChange) print(out io.Writer) {
	paused := g.Before == gates.GatePaused
	switch {
	case g.Act != 0 && g.pause:
		fmt.Fprintf(out, "Paused %s: its workers hear of it within half a second. Calls under way end by themselves.\n", g.Account)
	case g.Act != 0:
		fmt.Fprintf(out, "Resumed %s: its workers go on within half a second.\n", g.Account)
	case g.Command != "" && g.pause:
		fmt.Fprintf(out, "Would pause %s: no call is made there until somebody resumes it.\n", g.Account)
	case g.Command != "":
		fmt.Fprintf(out, "Would resume %s: its workers go on within half a second.\n", g.Account)
	case paused:
		fmt.Fprintf(out, "%s is paused already: nothing was changed, nothing recorded.\n", g.Account)
	case g.Before == "":
		fmt.Fprintf(out, "%s is not paused: its gate is open. Nothing was changed, nothing recorded.\n", g.Account)
	default:
		return // the error that follows says it
	}
	if g.Before != "" {
		terminal.Line(out, "gate before", fmt.Sprintf("closed since %s (%s)", wording.Moment(g.Since), g.Before))
		terminal.Line(out, "", g.Words)
	}
	terminal.Line(out, "waiting", wording.Plural(g.Waiting, "operation"))
	terminal.Line(out, "being sent", wording.Plural(g.Sending, "operation"))
	switch {
	case g.Act != 0:
		terminal.Line(out, "recorded", recordedAs(g.Act, g.who))
		if g.pause {
			fmt.Fprintf(out, "To let them go on:\n  %s\n", steps.Command(desk.Step{Do: desk.StepResume, Account: g.Account}))
		}
	case g.Command != "":
		fmt.Fprintf(out, "This is a preview: nothing has been changed. To do it:\n  %s\n", g.Command)
	}
}

// upperFirst begins a sentence.
func upperFirst(text string) string {
	if text == "" {
		return ""
	}
	return strings.ToUpper(text[:1]) + text[1:]
}
