package main

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"pointsledger/dispatch"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// runOptions are the flags of `replay run`.
type runOptions struct {
	filters          filterFlags
	reason, operator string
	expect           int
	yes, json        bool
}

func newRun(environ []string) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run",
		Short: "Put parked operations back into the queue; without --yes only show what that would do",
		Long: `run puts the parked operations that fit the filter back into the queue. Without
--yes it changes nothing: it shows what it would do, and the command that does it.

Put back, an operation has all its attempts anew and is due at once. Its dedup
key, its first sending and its doubt stay. One that is in doubt is looked up in
the vendor's records first where the account says in_doubt: verify. Elsewhere it
stays parked when it was first sent longer ago than the vendor surely remembers
the key, and always when its account is not in the configuration; one that was
never sent has no age limit. What is no longer parked is skipped and counted.

All of it is one transaction with one record in ops_actions: who, why, what.
Above 100 operations the number found must be given with --expect.
` + filterHelp,
		Example: `  replay run --account zhimai --cause refused
  replay run --account zhimai --cause refused --expect 412 --reason "ticket 81" --yes
  replay run --order SO-1001 --reason "asked by the shop" --yes`,
		Args: command.Args(cobra.NoArgs),
		RunE: func(c *cobra.Command, _ []string) error { return runReplay(c, environ, &o) },
	}
	o.filters.register(c)
	c.Flags().StringVar(&o.reason, "reason", "", "why; required with --yes, and kept")
	c.Flags().StringVar(&o.operator, "operator", "", "who; the user of this machine unless given")
	c.Flags().IntVar(&o.expect, "expect", 0, "how many operations must be found, or nothing is changed")
	c.Flags().BoolVar(&o.yes, "yes", false, "do it")
	c.Flags().BoolVar(&o.json, "json", false, "print JSON")
	return c
}

// reasonToFill stands in the command of a preview without a reason. It is no
// reason, so that a copied command asks for one.
const reasonToFill = "…"

// maxReasonChars bounds what is kept in ops_actions.
const maxReasonChars = 1000

func (o *runOptions) check(c *cobra.Command) error {
	if _, err := command.Operator(o.operator, c.Flag("operator").Changed); err != nil && c.Flag("operator").Changed {
		return err
	}
	o.reason, o.operator = strings.TrimSpace(o.reason), strings.TrimSpace(o.operator)
	switch {
	case o.filters.state != string(ledger.Parked):
		return command.Usagef("--state %s: run puts parked operations back; the others are on their way already", o.filters.state)
	case c.Flag("expect").Changed && o.expect < 1:
		return command.Usagef("--expect: want the number of operations, 1 or more, got %d", o.expect)
	case o.yes && (o.reason == "" || o.reason == reasonToFill):
		return command.Usagef("--yes needs --reason \"…\": why, for whoever asks later; it is kept in ops_actions")
	case utf8.RuneCountInString(o.reason) > maxReasonChars:
		return command.Usagef("--reason: want at most %s characters", command.Count(maxReasonChars))
	}
	return nil
}

func runReplay(c *cobra.Command, environ []string, o *runOptions) error {
	if err := o.check(c); err != nil {
		return err
	}
	filter, err := o.filters.filter(c, time.Now())
	if err != nil {
		return err
	}
	s, err := open(c, environ)
	if err != nil {
		return err
	}
	defer s.close()
	if o.yes {
		return s.replay(c, o, filter)
	}
	preview, err := s.store.PreviewReplay(c.Context(), filter, s.keyMemories(), dispatch.DefaultCodeMaxAge)
	if err != nil {
		return err
	}
	shown := previewReport{Total: preview.Total, Groups: append([]ledger.ReplayGroup{}, preview.Groups...)}
	if preview.Total.Operations > preview.Total.Blocked() {
		shown.Command = o.command(filter, preview.Total.Operations)
	}
	if o.json {
		err = printJSON(c.OutOrStdout(), shown)
	} else {
		shown.print(c.OutOrStdout(), s)
	}
	if err == nil && o.expect != 0 && int64(o.expect) != preview.Total.Operations {
		return fmt.Errorf("%s found, not the %s expected", plural(preview.Total.Operations, "parked operation"), command.Count(o.expect))
	}
	return err
}

// command is the line that does what was previewed.
func (o *runOptions) command(filter ledger.OpenFilter, found int64) string {
	args := append([]string{"replay", "run"}, filterArgs(filter)...)
	args = append(args, "--expect", strconv.FormatInt(found, 10))
	if o.operator != "" {
		args = append(args, "--operator", o.operator)
	}
	return shell(append(args, "--reason", cmp.Or(o.reason, reasonToFill), "--yes")...)
}

// previewReport is what run shows without --yes.
type previewReport struct {
	Total  ledger.ReplayCount   `json:"total"`
	Groups []ledger.ReplayGroup `json:"groups"`
	// Command does it; empty when nothing would be put back.
	Command string `json:"command"`
}

func (p *previewReport) print(out io.Writer, s *session) {
	t := p.Total
	if t.Operations == 0 {
		fmt.Fprintln(out, "No parked operation fits: nothing to put back. `replay status` shows what there is.")
		return
	}
	fmt.Fprintf(out, "Found: %s. This is a preview: nothing has been changed.\n\n", plural(t.Operations, "parked operation"))
	row := func(account, cause, call string, c ledger.ReplayCount) []string {
		return []string{account, cause, call, command.Count(c.Operations), command.Count(c.Members), command.Count(c.Points),
			command.Count(c.InDoubt), command.Count(c.Blocked())}
	}
	var rows [][]string
	for _, g := range p.Groups {
		rows = append(rows, row(g.Account, g.Cause, string(g.Kind), g.ReplayCount))
	}
	if len(rows) > 1 {
		rows = append(rows, row("all", "", "", t))
	}
	printTable(out, []column{{"ACCOUNT", false}, {"CAUSE", false}, {"CALL", false}, {"OPERATIONS", true}, {"MEMBERS", true},
		{"POINTS", true}, {"OF THEM IN DOUBT", true}, {"STAY PARKED", true}}, rows)
	fmt.Fprintln(out)
	printLine(out, "recorded", moment(t.Oldest)+" to "+moment(t.Newest))
	p.printDoubt(out, s)
	p.printRefused(out, s.keyMemories())
	if t.CodeTooOld > 0 {
		printLine(out, "old codes", fmt.Sprintf("%s: scanned longer than %s ago; what has no member yet parks again.",
			command.Count(t.CodeTooOld), hours(dispatch.DefaultCodeMaxAge)))
	}
	if p.Command == "" {
		fmt.Fprintln(out, "\nNothing of this would be put back, so there is no command to run. Ask the vendor about the dedup\nkeys: `replay list --json` with the same filter has them.")
		return
	}
	fmt.Fprintf(out, "\nTo do it:\n  %s\n", p.Command)
}

// printDoubt says what the worker does about those in doubt that would go.
func (p *previewReport) printDoubt(out io.Writer, s *session) {
	counts := map[bool]int64{}
	for _, g := range p.Groups {
		counts[s.verifies(g.Account)] += g.InDoubt - g.Blocked()
	}
	for _, verify := range []bool{true, false} {
		if n := counts[verify]; n > 0 {
			printLine(out, "in doubt", command.Count(n)+": "+doubtWords(n, verify))
		}
	}
}

// printRefused says which operations would stay parked, and why.
func (p *previewReport) printRefused(out io.Writer, memories []ledger.KeyMemory) {
	type refusal struct{ account, blocked string }
	counts := map[refusal]int64{}
	var order []refusal
	for _, g := range p.Groups {
		// One account has one of the two: it is configured or not.
		r := refusal{g.Account, ledger.BlockedKeyMemory}
		if g.AccountUnknown > 0 {
			r.blocked = ledger.BlockedUnknownAccount
		}
		if g.Blocked() > 0 && counts[r] == 0 {
			order = append(order, r)
		}
		counts[r] += g.Blocked()
	}
	for _, r := range order {
		printLine(out, "stay parked", fmt.Sprintf("%s: %s", command.Count(counts[r]), blockedWords(r.blocked, r.account, memoryOf(memories, r.account))))
	}
}

func memoryOf(memories []ledger.KeyMemory, account string) time.Duration {
	for _, m := range memories {
		if m.Account == account {
			return m.Memory
		}
	}
	return 0
}

// replay puts the operations back.
func (s *session) replay(c *cobra.Command, o *runOptions, filter ledger.OpenFilter) error {
	actor, err := command.Operator(o.operator, o.operator != "")
	if err != nil {
		return err
	}
	progress := command.NewProgress(c.ErrOrStderr())
	done, err := s.store.Reopen(c.Context(), ledger.Reopening{
		Filter: filter, FilterText: cmp.Or(shell(filterArgs(filter)...), "all parked"), Memories: s.keyMemories(), Expect: o.expect,
		Actor: actor, Reason: o.reason,
		Progress: func(done, found int) {
			progress.Show("  putting back: %s of %s", command.Count(done), command.Count(found))
		},
	})
	progress.Done()
	var size *ledger.SetSizeError
	switch {
	case errors.As(err, &size) && size.Expect == 0:
		return command.Usagef("%s operations found, more than %d: nothing was changed. Look at them (the same command without --yes), then add --expect %d",
			command.Count(size.Found), ledger.MaxUnexpected, size.Found)
	case errors.As(err, &size):
		return fmt.Errorf("%s found, not the %s expected: nothing was changed. Look again with the same command without --yes; workers or a colleague may have been there",
			plural(size.Found, "parked operation"), command.Count(size.Expect))
	case err != nil:
		return fmt.Errorf("%w\nNothing was changed", err)
	}
	if o.json {
		err = printJSON(c.OutOrStdout(), done)
	} else {
		printDone(c.OutOrStdout(), done, actor, o.reason)
	}
	if err == nil && done.Reopened < done.Found {
		return &incompleteError{left: done.Found - done.Reopened, found: done.Found}
	}
	return err
}

// incompleteError ends a replay that left operations where they were: exit
// code 3.
type incompleteError struct{ left, found int64 }

func (e *incompleteError) Error() string {
	was := "were"
	if e.left == 1 {
		was = "was"
	}
	return fmt.Sprintf("%s of %s %s not put back", command.Count(e.left), plural(e.found, "operation"), was)
}

// Is makes the error stand for "done, but something does not agree".
func (e *incompleteError) Is(target error) bool { return target == command.ErrDisagree }

func printDone(out io.Writer, r ledger.Reopened, actor, reason string) {
	if r.Found == 0 {
		fmt.Fprintln(out, "No parked operation fits: nothing was put back, nothing recorded.")
		return
	}
	fmt.Fprintf(out, "Put back %s of %s: %s.\n", command.Count(r.Reopened), plural(r.Found, "operation"), plural(r.Points, "point"))
	if r.InDoubt > 0 {
		printLine(out, "in doubt", command.Count(r.InDoubt)+" of them; the dedup key stays the same")
	}
	if r.KeyMemoryOver > 0 {
		printLine(out, "stay parked", command.Count(r.KeyMemoryOver)+": in doubt, and the vendor may have forgotten the dedup key")
	}
	if r.AccountUnknown > 0 {
		printLine(out, "stay parked", command.Count(r.AccountUnknown)+": in doubt, and the account is not in the configuration read here. Set WORKER_CONFIG to the worker's file")
	}
	if r.Skipped > 0 {
		printLine(out, "skipped", command.Count(r.Skipped)+": no longer parked, or being changed by somebody else at that moment")
	}
	printLine(out, "recorded", fmt.Sprintf("as action %d in ops_actions: %s, %q", r.Action, actor, reason))
	if r.Reopened > 0 {
		fmt.Fprintln(out, "The running workers send them now; `replay status` shows how it goes.")
	}
}
