package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"

	"pointsledger/continuity"
	"pointsledger/desk/wording"
	"pointsledger/internal/terminal"
)

// notInStream is what a rebuilt ledger lacks, whatever the stream holds.
var notInStream = [...]string{
	"People's decisions: voids, settlements by hand, resolved members, retried and dismissed rejects, pauses. What was voided is added again " +
		"like all else: do not put it back before you know. What the rules still refuse is an open reject again; retried, it is parked in doubt, as it may have been retried before.",
	"How operations ended. Each is added parked and in doubt, also one that was posted; when replay run puts it back, it is looked up " +
		"first where the account's records show our references; elsewhere the same key goes again while the vendor remembers it.",
}

// printHead says what is about to be read, and first what is not in it.
func (r *streamReport) printHead(out io.Writer, s *streamSession, state *continuity.StreamState) {
	for _, text := range r.Warnings {
		for i, line := range terminal.Wrap(terminal.Clean(text), terminal.PageWidth-len("WARNING: ")) {
			fmt.Fprintln(out, cmp.Or(map[int]string{0: "WARNING: "}[i], "         ")+line)
		}
	}
	fmt.Fprintln(out, "Not in the stream, so not brought back:")
	for _, text := range notInStream {
		terminal.Point(out, text)
	}
	fmt.Fprintln(out)
	reaches := "no events are left"
	if !state.FirstAt.IsZero() {
		reaches = fmt.Sprintf("events %s to %s, from %s on", wording.Count(int64(state.First)), wording.Count(int64(state.Last)), wording.Moment(state.FirstAt))
	}
	terminal.Line(out, "stream", r.Stream+": "+reaches)
	upTo := "as far as workers have read; later events they record as usual"
	if r.To != state.Delivered {
		upTo = "as asked for"
	}
	what := fmt.Sprintf("%s to %s (%s)", wording.Count(int64(r.From)), wording.Count(int64(r.To)), upTo)
	if r.From > r.To {
		what = fmt.Sprintf("nothing: it would begin with %s, and workers have read up to %s", wording.Count(int64(r.From)), wording.Count(int64(r.To)))
	}
	terminal.Line(out, "to be read", what)
	terminal.Line(out, "rules", r.Rules+", "+s.rules.from+", each event by those in force at its broker time")
	if r.Unknown {
		terminal.Line(out, "workers", "none has used this ledger: they wait until all that was acknowledged is added")
	}
	fmt.Fprintln(out)
}

// printCounts says what was found. note follows the number of events.
func (r *streamReport) printCounts(out io.Writer, note string) {
	n := &r.Counts
	fmt.Fprintf(out, "Read %s.%s\n\n", wording.Plural(n.Read, "event"), note)
	line := func(what string, of int64, why string) {
		if of > 0 {
			terminal.Line(out, what, strings.TrimSuffix(wording.Count(of)+": "+why, ": "))
		}
	}
	line("there already", n.There, "left as they are")
	line("ignored", n.Ignored, "of types that the rules ignore")
	line("repeats", n.Repeats, "the same event published again; the first counts")
	line("conflicts", n.Conflicts, "a key that is there with other content; added as rejects")
	for _, code := range slices.Sorted(maps.Keys(n.Rejects)) {
		line("rejects", n.Rejects[code], string(code)+"; added as rejects")
	}
	if n.Added == 0 {
		terminal.Line(out, "to be added", "no event")
		return
	}
	terminal.Line(out, "to be added", fmt.Sprintf("%s: %s, stored from %s to %s", wording.Plural(n.Added, "event"), wording.Plural(n.Operations(), "operation"), wording.Moment(n.Oldest), wording.Moment(n.Newest)))
	fmt.Fprintln(out)
	var rows [][]string
	for _, g := range n.Groups {
		rows = append(rows, []string{g.Account, string(g.Kind), wording.Count(g.Operations), wording.Count(g.Members), wording.Count(g.Points), wording.Count(g.NothingToSend)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CALL"), terminal.Right("OPERATIONS"), terminal.Right("MEMBERS"), terminal.Right("POINTS"), terminal.Right("NOTHING TO SEND")}, rows)
}

func (r *streamReport) printCommand(out io.Writer, o *streamOptions) {
	switch {
	case r.plan.CancelledAt != nil:
		fmt.Fprintln(out)
		terminal.Paragraph(out, fmt.Sprintf("Plan %s was cancelled by %s at %s.", r.Plan, r.plan.CancelledBy, wording.Moment(*r.plan.CancelledAt)))
		fmt.Fprintln(out, o.planAnew(&streamPlan{r.plan, r.streamDetails}))
		return
	case r.Plan == "":
		fmt.Fprintln(out, "\nThe ledger lacks nothing of this part: there is nothing to do.")
		return
	case r.Counts.Added == 0 && r.Counts.RejectCount() == 0:
		fmt.Fprintln(out, "\nThe plan adds nothing; the workers that wait for the ledger accept it then as it is.")
	}
	fmt.Fprintf(out, "\nStored as plan %s. To add it, parked and in doubt (nothing is sent by that):\n  %s\n", r.Plan, r.Command)
}

func (d *streamDone) print(out io.Writer, s *streamSession, actor, reason string) {
	fmt.Fprintf(out, "Added %s: %s, %s.\n", wording.Plural(d.Events, "event"), wording.Plural(d.Operations, "operation"), wording.Plural(d.Points, "point"))
	line := func(what string, n int64, text string) {
		if n > 0 {
			terminal.Line(out, what, wording.Count(n)+": "+text)
		}
	}
	line("parked", d.Queued, "in doubt, cause rebuilt; nothing is sent before a replay run")
	line("nothing to send", d.Operations-d.Queued, "recorded with 0 points")
	line("there already", d.There, "left as they are")
	line("ignored", d.Ignored, "of types that the rules ignore")
	for _, code := range slices.Sorted(maps.Keys(d.Rejects)) {
		line("rejects", d.Rejects[code], string(code))
	}
	line("put in doubt", d.OpenInDoubt, "open before: this ledger lacked events that had been acknowledged, so these may have been sent since")
	terminal.Line(out, "recorded", fmt.Sprintf("as action %d in ops_actions: %s, %q", d.Action, actor, reason))
	switch {
	case d.Rebuilt:
		terminal.Line(out, "workers", "those that wait for this ledger go on by themselves within seconds")
	case d.Unfinished:
		terminal.Line(out, "workers", "they go on waiting: events of stream "+s.config.NATS.Stream+" are still missing")
	}
	if d.Queued+d.OpenInDoubt > 0 {
		fmt.Fprintln(out, "\nTo see what would be sent again, with the vendor's records looked up first where that is possible:\n  replay run --cause rebuilt")
	}
}

func wereEvents(n int64) string {
	if n == 1 {
		return "1 event was"
	}
	return wording.Plural(n, "event") + " were"
}
