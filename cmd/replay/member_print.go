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

// memberCardsShown bounds the gift cards that are printed.
const memberCardsShown = 5

// printMember prints a member view.
func printMember(out io.Writer, r *records.MemberReport) {
	for i, a := range r.Accounts {
		if i > 0 {
			fmt.Fprintln(out)
		}
		printMemberAccount(out, a, r)
	}
	if len(r.Rejects) == 0 {
		return
	}
	if len(r.Accounts) > 0 {
		fmt.Fprintln(out)
	}
	printMemberRejects(out, r)
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
	fmt.Fprintf(out, "%s at %s\n", terminal.Clean(memberTitle(a, r.AskedFor)), a.Account)
	printMemberVendor(out, a)
	printMemberSums(out, a, r)
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

// memberTitle is the member as asked for, and its id where that is another.
func memberTitle(a *records.MemberAccount, asked string) string {
	switch {
	case a.MemberCode == "":
		return "Member " + asked
	case a.MemberID == "":
		return "Scanned code " + a.MemberCode + ", nobody known behind it"
	}
	return fmt.Sprintf("Member %s, from scanned code %s", a.MemberID, a.MemberCode)
}

func printMemberVendor(out io.Writer, a *records.MemberAccount) {
	v := &a.Vendor
	if i := v.Identity; i != nil {
		who := i.Name
		if who == "" {
			who = "without a name"
		}
		if i.Mobile != "" {
			who += ", mobile " + i.Mobile
		}
		terminal.Line(out, "who", who)
		status := "normal"
		switch {
		case i.Frozen:
			status = "FROZEN: the vendor refuses points for it"
		case i.StatusID == nil:
			status = "the vendor does not say"
		case *i.StatusID != 1:
			status = fmt.Sprintf("%d, which the vendor does not explain", *i.StatusID)
		}
		terminal.Line(out, "status", status)
		if i.Balance != nil {
			terminal.Line(out, "balance", wording.Plural(*i.Balance, "point")+" at the vendor, from all sources")
		}
	}
	if v.Words != "" {
		label := "vendor"
		if v.State == records.VendorAway || v.State == records.VendorRefused {
			label = "NOT READ"
		}
		terminal.Line(out, label, v.Words)
	}
	for i, c := range v.Cards {
		if i == memberCardsShown {
			break
		}
		text := fmt.Sprintf("%s %s, %s, balance %s of %s", c.Number, c.Title, c.Status, c.Balance, c.FaceValue)
		if c.EndsAt != "" {
			text += ", until " + c.EndsAt
		}
		terminal.Line(out, "gift card", text)
	}
	if more := max(len(v.Cards)-memberCardsShown, 0) + v.MoreCards; more > 0 {
		terminal.Line(out, "", fmt.Sprintf("and %s", wording.Plural(more, "further gift card")))
	}
	if a.Gate != "" {
		terminal.Line(out, "gate closed", wording.Gate(a.Gate))
	}
}

func printMemberSums(out io.Writer, a *records.MemberAccount, r *records.MemberReport) {
	of := func(t records.Tally) string {
		return fmt.Sprintf("%s (%s)", wording.Plural(t.Points, "point"), wording.Count(t.Count))
	}
	var parts []string
	part := func(name string, t records.Tally) {
		if t.Count > 0 {
			parts = append(parts, name+" "+of(t))
		}
	}
	s := a.Ledger
	part("posted", s.Posted)
	part("waiting", s.Waiting)
	part("parked", s.Parked)
	part("voided", s.Voided)
	part("of these in doubt", s.InDoubt)
	if s.NothingToSend > 0 {
		parts = append(parts, "nothing to send ("+wording.Count(s.NothingToSend)+")")
	}
	if len(parts) == 0 {
		parts = []string{"no operations"}
	}
	terminal.Line(out, "our ledger", strings.Join(parts, ", "))
	if a.Records.Read {
		parts = nil
		part("ours", a.Records.Ours)
		part("ours by guess", a.Records.Guessed)
		part("other sources", a.Records.Others)
		part("spent", a.Records.Spent)
		if len(parts) == 0 {
			parts = []string{"none"}
		}
		terminal.Line(out, "vendor records", strings.Join(parts, ", "))
	}
	if a.OlderRows > 0 {
		terminal.Line(out, "since", fmt.Sprintf("%s; %s before that, not counted", wording.Moment(*r.Since), wording.Plural(a.OlderRows, "row")))
	}
	if a.MoreOperations {
		terminal.Line(out, "cut off", "the ledger has more operations of this member than were read; the newest are here")
	}
	if a.Vendor.Partial {
		terminal.Line(out, "cut off", fmt.Sprintf("the vendor has more records than the %s that were read", wording.Count(a.Vendor.RecordsRead())))
	}
	if a.Vendor.Moving {
		terminal.Line(out, "note", "records kept arriving while they were read: one may be missing here. Ask again")
	}
	if a.ScanEnded && !a.IDsOnly() {
		words := "nothing was recorded in that time, so none was looked for"
		if a.ScannedFrom != nil {
			words = "looked for among what was recorded since " + wording.Moment(*a.ScannedFrom) + "; --since goes further back"
		}
		terminal.Line(out, "scanned codes", words)
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
