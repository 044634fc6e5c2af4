package main

import (
	"fmt"
	"io"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"pointsledger/desk/rejects"
	"pointsledger/internal/advice"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

func newRejectsShow(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "show ID",
		Short: "Everything about one reject, and what to do about it",
		Long: `show says when and where the event came from, why it was not accepted, what its
publisher must mend, what the rules that the workers registered last make of it
now, and what can be done. Passwords, card numbers and mobile numbers are masked.
It changes nothing.`,
		Example: `  replay rejects show 17`,
		Args:    command.OneArg("one ID, as replay rejects list shows it"),
		RunE:    runs(environ, &rejectShow{environ: environ}),
	}
	c.Flags().Bool("json", false, "print JSON")
	return c
}

type rejectShow struct {
	environ []string
	id      ledger.RejectID
}

func (o *rejectShow) read(_ *cobra.Command, args []string) error {
	ids, err := rejectIDs(args)
	if err == nil {
		o.id = ids[0]
	}
	return err
}

func (o *rejectShow) call(c *cobra.Command, s *session) (page, error) {
	shown, found, err := rejects.Show(c.Context(), s.store, o.id, terminalNames)
	switch {
	case err != nil:
		return nil, err
	case !found:
		return nil, fmt.Errorf("there is no reject %d: replay rejects list --all shows them", o.id)
	case shown.ResolvedAt != nil:
		return &shownReject{shown}, nil
	}
	if by, err := s.rejectRules(c.Context(), o.environ, ""); err != nil {
		// The reject can be shown all the same.
		c.PrintErrf("warning: what the rules make of it now is not known: %s\n", advice.Words(err))
	} else if shown.Now, err = rejects.ByRules(c.Context(), s.desk, o.id, by); err != nil {
		return nil, err
	}
	for _, a := range shown.Advice() {
		shown.Next = append(shown.Next, a.Words+"\n"+rejectStep(a.Step, idText(o.id)))
	}
	return &shownReject{shown}, nil
}

type shownReject struct{ *rejects.Shown }

// rejectStep is the command of a step.
func rejectStep(step rejects.Step, id string) string {
	args := []string{"replay", "rejects", string(step), id}
	switch step {
	case rejects.StepExport:
		args = append(args, "--output", "reject-"+id+".jsonl")
	case rejects.StepDismiss:
		args = append(args, "--reason", command.ReasonToFill, "--yes")
	}
	return command.Shell(args...)
}

func (r *shownReject) print(out io.Writer) {
	fmt.Fprintf(out, "Reject %d: %s\n", r.ID, r.Code)
	printFacts(out, r.Facts())
	fmt.Fprintln(out, "What came")
	printFacts(out, r.Came())
	for line := range strings.Lines(r.Payload) {
		terminal.Indented(out, strings.TrimSuffix(line, "\n"))
	}
	fmt.Fprintln(out, "What the publisher must mend")
	terminal.Point(out, r.Mend)
	if r.Now != nil {
		fmt.Fprintln(out, "By the rules that the workers registered last, it")
		terminal.Point(out, r.Now.Words())
	}
	if len(r.Next) > 0 {
		fmt.Fprintln(out, "What you can do")
		for _, step := range r.Next {
			terminal.Point(out, step)
		}
	}
}

// idText is a reject's number on a command line.
func idText(id ledger.RejectID) string { return strconv.FormatInt(int64(id), 10) }
