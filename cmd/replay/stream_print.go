package main

import (
	"cmp"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"pointsledger/desk"
	"pointsledger/desk/rebuild"
	"pointsledger/desk/wording"
	"pointsledger/internal/advice"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
)

// streamReport is what stream shows without --yes.
type streamReport struct {
	*rebuild.Report
	// Command adds it; empty when there is nothing to add, or the plan was
	// cancelled.
	Command string `json:"command"`
}

// streamWatch shows a person how reading and adding go.
type streamWatch struct {
	advice.Said
	c         *cobra.Command
	json      bool
	rulesFrom string
	progress  *command.Progress
}

func (w *streamWatch) begin() { w.progress = command.NewProgress(w.c.ErrOrStderr()) }

func (w *streamWatch) done() {
	if w.progress != nil {
		w.progress.Done()
	}
}

// Chosen implements rebuild.Watch.
func (w *streamWatch) Chosen(r *rebuild.Report) {
	if !w.json {
		printPart(w.c.OutOrStdout(), r, w.rulesFrom)
	}
	w.begin()
}

// Reads implements rebuild.Watch.
func (w *streamWatch) Reads(seq, to uint64) {
	w.progress.Show("  reading: sequence %s of %s", seqText(seq), seqText(to))
}

// Adds implements rebuild.Watch.
func (w *streamWatch) Adds(seq, to uint64, added int64) {
	w.progress.Show("  adding: sequence %s of %s, %s added", seqText(seq), seqText(to), wording.Plural(added, "event"))
}

// Waits implements rebuild.Watch.
func (w *streamWatch) Waits() {
	w.c.PrintErrln("  waiting: a worker is comparing this ledger with the stream, or somebody adds another part")
}

func seqText(seq uint64) string { return wording.Count(int64(seq)) }

// printPart says what is about to be read, and first what is not in it.
func printPart(out io.Writer, r *rebuild.Report, rulesFrom string) {
	for _, text := range r.Warnings {
		for i, line := range terminal.Wrap(terminal.Clean(text), terminal.PageWidth-len("WARNING: ")) {
			fmt.Fprintln(out, cmp.Or(map[int]string{0: "WARNING: "}[i], "         ")+line)
		}
	}
	fmt.Fprintln(out, "Not in the stream, so not brought back:")
	for _, text := range rebuild.NotInStream(terminalNames) {
		terminal.Point(out, text)
	}
	fmt.Fprintln(out)
	printFacts(out, r.Part(rulesFrom))
	fmt.Fprintln(out)
}

// show prints what was found and the command that adds it.
func (o *streamOptions) show(c *cobra.Command, r *rebuild.Report) error {
	shown := streamReport{Report: r}
	if r.Plan != "" && r.Stored.CancelledAt == nil {
		shown.Command = o.command(r.Plan)
	}
	out := c.OutOrStdout()
	if o.JSON {
		return terminal.JSON(out, shown)
	}
	printSurvey(out, r, " Nothing has been added.")
	switch {
	case r.Stored.CancelledAt != nil:
		fmt.Fprintln(out)
		terminal.Paragraph(out, fmt.Sprintf("Plan %s was cancelled by %s at %s.", r.Plan, r.Stored.CancelledBy, wording.Moment(*r.Stored.CancelledAt)))
		fmt.Fprintln(out, o.planAnew(&r.Details))
		return nil
	case r.Plan == "":
		fmt.Fprintln(out, "\nThe ledger lacks nothing of this part: there is nothing to do.")
		return nil
	case r.Counts.Added == 0 && r.Counts.RejectCount() == 0:
		fmt.Fprintln(out, "\nThe plan adds nothing; the workers that wait for the ledger accept it then as it is.")
	}
	fmt.Fprintf(out, "\nStored as plan %s. To add it, parked and in doubt (nothing is sent by that):\n  %s\n", r.Plan, shown.Command)
	return nil
}

// printSurvey says what was found. note follows the number of events.
func printSurvey(out io.Writer, r *rebuild.Report, note string) {
	n := &r.Counts
	fmt.Fprintf(out, "Read %s.%s\n\n", wording.Plural(n.Read, "event"), note)
	printFacts(out, r.Found())
	if n.Added == 0 {
		return
	}
	fmt.Fprintln(out)
	var rows [][]string
	for _, g := range n.Groups {
		rows = append(rows, []string{g.Account, string(g.Kind), wording.Count(g.Operations), wording.Count(g.Members), wording.Count(g.Points), wording.Count(g.NothingToSend)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CALL"), terminal.Right("OPERATIONS"), terminal.Right("MEMBERS"), terminal.Right("POINTS"), terminal.Right("NOTHING TO SEND")}, rows)
}

// printAdded says what was added.
func printAdded(out io.Writer, d *rebuild.Result, stream string, who desk.Decision) {
	fmt.Fprintf(out, "Added %s: %s, %s.\n", wording.Plural(d.Events, "event"), wording.Plural(d.Operations, "operation"), wording.Plural(d.Points, "point"))
	printFacts(out, d.Facts(stream, who, terminalNames))
	if d.Queued+d.OpenInDoubt+d.Referring > 0 {
		fmt.Fprintln(out, "\nTo see what would be sent again, with the vendor's records looked up first where that is possible:\n  replay run --cause rebuilt")
	}
}
