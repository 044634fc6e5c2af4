package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pointsledger/desk/records"
	"pointsledger/desk/wording"
	"pointsledger/internal/terminal"
)

// memberPage is a member view.
type memberPage struct{ *records.MemberReport }

func (r *memberPage) print(out io.Writer) {
	for i, a := range r.Accounts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printMemberAccount(out, a, r.MemberReport)
	}
	if len(r.Rejects) == 0 {
		return
	}
	if len(r.Accounts) > 0 {
		fmt.Fprintln(out)
	}
	printMemberRejects(out, r.MemberReport)
}

// printMemberRejects says which events of the member never became operations.
func printMemberRejects(out io.Writer, r *records.MemberReport) {
	counts := map[string]int{}
	var codes []string
	for _, reject := range r.Rejects {
		if counts[reject.Code] == 0 {
			codes = append(codes, reject.Code)
		}
		counts[reject.Code]++
	}
	for i, code := range codes {
		codes[i] = fmt.Sprintf("%s %s", code, wording.Count(counts[code]))
	}
	number := wording.Plural(len(r.Rejects), "event")
	if r.MoreRejects {
		number = "More than " + number
	}
	fmt.Fprintln(out, "Rejected events")
	text := fmt.Sprintf("%s of this member rejected (%s): nothing was recorded, and nothing will come of it by itself.", number, strings.Join(codes, ", "))
	for _, reject := range r.Rejects[:min(len(r.Rejects), records.MaxSteps)] {
		text += fmt.Sprintf("\nreplay rejects show %d", reject.ID)
	}
	terminal.Point(out, text)
}

func printMemberAccount(out io.Writer, a *records.MemberAccount, r *records.MemberReport) {
	fmt.Fprintf(out, "%s at %s\n", terminal.Clean(a.Title(r.AskedFor)), a.Account)
	printFacts(out, a.Facts(r.Since))
	if a.ScanEnded && !a.IDsOnly() {
		words := "nothing was recorded in that time, so none was looked for"
		if a.ScannedFrom != nil {
			words = "looked for among what was recorded since " + wording.Moment(*a.ScannedFrom) + "; --since goes further back"
		}
		terminal.Line(out, "scanned codes", words)
	}
	printMemberRows(out, a)
	fmt.Fprintln(out, "What it comes to")
	if words := a.Agreement(); words != "" {
		terminal.Point(out, words)
	}
	if i := a.Vendor.Identity; i != nil && i.Frozen {
		terminal.Point(out, "The account is FROZEN at the vendor: it refuses points until the shop has it unfrozen there.")
	}
	for _, d := range a.Differences {
		text := d.Words
		if len(d.Commands) > 0 {
			text += "\n" + strings.Join(d.Commands, "\n")
		}
		if more := d.Count - int64(len(d.Commands)); more > 0 && len(d.Commands) > 0 {
			text += fmt.Sprintf("\n(and %s more of the kind)", wording.Count(more))
		}
		terminal.Point(out, text)
	}
	if a.Total() == 0 {
		terminal.Point(out, "There is nothing of this member here.")
	}
}

// marks are the first column of the table.
var marks = map[records.Finding]string{records.InBoth: "=", records.InBothByGuess: "~", records.DoubtSeen: "!", records.DoubtMaybe: "?", records.DoubtAbsent: "?", records.DoubtOpen: "?",
	records.PointsDiffer: "!", records.AppliedAgain: "!", records.NotInRecords: "!", records.OpenSeen: "!", records.VoidedSeen: "!", records.UnknownReference: "!", records.ParkedUnseen: "!"}

func printMemberRows(out io.Writer, a *records.MemberAccount) {
	if len(a.Rows) == 0 {
		return
	}
	fmt.Fprintln(out)
	var rows [][]string
	used := map[string]bool{}
	for _, r := range a.Rows {
		mark := marks[r.Finding]
		used[mark] = true
		when, ours, theirs, state, reference, what := "", "", "", "", "", ""
		if !r.At.IsZero() {
			when = r.At.Local().Format("2006-01-02 15:04")
		}
		if r.Record != nil {
			theirs, what, state = wording.Count(r.Record.Points), r.Record.Text, "not ours"
		}
		if o := r.Operation; o != nil {
			ours, state, reference, what = wording.Count(o.Points), o.State, o.Reference, o.BusinessKey
		}
		switch r.Finding {
		case records.AppliedAgain:
			ours, state = "", "once more"
		case records.OtherSpent:
			state = "spent"
		case records.UnknownReference:
			state = "unknown here"
		}
		rows = append(rows, []string{mark, when, ours, theirs, state, reference, terminal.Clean(what)})
	}
	terminal.Table(out, []terminal.Column{terminal.Left(""), terminal.Left("WHEN (" + time.Now().Format("-07:00") + ")"), terminal.Right("LEDGER"), terminal.Right("VENDOR"), terminal.Left("STATE"), terminal.Left("REFERENCE"),
		terminal.Left("ORDER OR TEXT")}, rows)
	if a.MoreRows > 0 {
		fmt.Fprintf(out, "%s not shown; --limit shows more\n", wording.Plural(a.MoreRows, "older row"))
	}
	var legend []string
	for _, l := range []struct{ mark, words string }{{"=", "in both, by our reference"}, {"~", "in both, by points and time (a guess)"},
		{"!", "look below"}, {"?", "not certain"}} {
		if used[l.mark] {
			legend = append(legend, l.mark+" "+l.words)
		}
	}
	if len(legend) > 0 {
		fmt.Fprintln(out, strings.Join(legend, "   "))
	}
	fmt.Fprintln(out)
}
