package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/internal/terminal"
	"pointsledger/reconcile/match"
	comparison "pointsledger/reconcile/runs"
)

// kindWords say what a kind of item is.
var kindWords = map[match.Kind]string{
	match.OnlyInLedger: "posted here, and in no record", match.OnlyAtVendor: "recorded there, and unknown here", match.AmountDiffers: "other points",
	match.AppliedTwice: "applied more than once", match.WrongMember: "recorded for another member", match.Ambiguous: "cannot be told apart",
	match.VoidedButApplied: "given up here, and recorded there", match.BalanceDiffers: "a balance that nothing explains", match.InTransit: "in transit",
	comparison.KindNotOurs: "of another source, or spent", comparison.KindWithoutRecords: "as freezes: they rest on the vendor's answer",
	comparison.KindNotRead: "members that could not be read, and why",
}

// printRun shows a run and what it found.
func printRun(out io.Writer, s *comparison.Summary) {
	account := "all accounts"
	if s.Account != "" {
		account = "account " + s.Account
	}
	terminal.Paragraph(out, fmt.Sprintf("Run %d: %s, %s to %s (%s), %s", s.Run, account, s.From, s.To, s.Zone, sourceWords(s)))
	fmt.Fprintln(out)
	if s.State != "done" {
		next := fmt.Sprintf("`reconcile run --resume %d` goes on.", s.Run)
		if s.Source == "file" && s.State == "failed" {
			next = "its file could not be read whole, and nothing was compared. Mend the file or its map, and compare anew."
		}
		terminal.Paragraph(out, fmt.Sprintf("It has not ended (%s): %s", s.State, next))
		return
	}
	line := func(label string, n int64, noun string, points int64) {
		terminal.Line(out, label, fmt.Sprintf("%s of %s", wording.Plural(n, noun), wording.Plural(points, "point")))
	}
	terminal.Line(out, "compared", fmt.Sprintf("%s with %s, of %s", wording.Plural(s.Postings, "posting"), wording.Plural(s.Records, "record"), wording.Plural(s.Members, "member")))
	line("by reference", s.MatchedByReference, "pair", s.MatchedPoints)
	if s.Proposed > 0 {
		line("proposed", s.Proposed, "pair", s.ProposedPoints)
	}
	if s.InTransit > 0 {
		terminal.Line(out, "in transit", fmt.Sprintf("%s: %s still to be moved, %s between the two sides", wording.Plural(s.InTransit, "operation"),
			wording.Plural(s.ToBeMovedPoints, "point"), wording.Plural(s.InTransitPoints, "point")))
	}
	if s.NotOurs > 0 {
		line("not ours", s.NotOurs, "record", s.NotOursPoints)
	}
	if s.Balances > 0 {
		terminal.Line(out, "balances", wording.Plural(s.Balances, "member")+" compared")
	}
	printNotCompared(out, s)
	fmt.Fprintln(out)
	var rows [][]string
	for _, kind := range match.Kinds() {
		if n := s.Items[kind]; n > 0 {
			rows = append(rows, []string{string(kind), wording.Count(n), kindWords[kind]})
		}
	}
	if len(rows) > 0 {
		terminal.Table(out, []terminal.Column{terminal.Left("ITEMS"), terminal.Right("COUNT"), terminal.Left("WHAT")}, rows)
		fmt.Fprintln(out)
	}
	terminal.Line(out, "ledger", wording.Plural(s.LedgerPoints, "point"))
	terminal.Line(out, "vendor", wording.Plural(s.VendorPoints, "point"))
	terminal.Line(out, "difference", wording.Plural(s.DifferencePoints, "point"))
	if explained := s.Differences() - s.Unexplained; explained > 0 {
		terminal.Line(out, "explained", wording.Plural(explained, "item"))
	}
	terminal.Line(out, "UNEXPLAINED", fmt.Sprintf("%s, in %s", wording.Plural(s.UnexplainedPoints, "point"), wording.Plural(s.Unexplained, "item")))
	if at, err := time.LoadLocation(s.Zone); err == nil && s.BeganAt.In(at).Format(time.DateOnly) <= s.To {
		fmt.Fprintln(out)
		terminal.Paragraph(out, fmt.Sprintf("%s was not over when this was made: what was posted later is not in it.", s.To))
	}
	if s.NotCompared.MembersFailed > 0 {
		fmt.Fprintln(out)
		terminal.Paragraph(out, fmt.Sprintf("Members could not be read, so this says nothing of them: `reconcile items %d --kind not_read` names them.", s.Run))
	}
	if s.Unexplained > 0 {
		fmt.Fprintln(out)
		terminal.Paragraph(out, fmt.Sprintf("`reconcile items %d` lists them, each with what was seen and what to do.", s.Run))
	}
}

func sourceWords(s *comparison.Summary) string {
	switch s.Source {
	case "file":
		words := "records of the file " + terminal.Clean(s.File)
		if s.ExportedAt != nil {
			words += ", exported " + wording.Moment(*s.ExportedAt)
		}
		return words
	case "none":
		return "without records: no account in it offers them here"
	}
	of := map[comparison.Choice]string{comparison.Changed: "members with a movement", comparison.All: "all members", comparison.Sample: "a sample of members", comparison.List: "named members"}
	return "records read from the vendor, of " + of[s.Choice]
}

// printNotCompared says what was left out, and why.
func printNotCompared(out io.Writer, s *comparison.Summary) {
	n := &s.NotCompared
	var parts []string
	part := func(count int64, text string) {
		if count > 0 {
			parts = append(parts, fmt.Sprintf("%s %s", wording.Count(count), text))
		}
	}
	part(n.WithoutRecords, fmt.Sprintf("confirmed of kinds that show in no records, as freezes (%s)", wording.Plural(n.WithoutRecordsPoints, "point")))
	part(n.BeyondReach, fmt.Sprintf("that the records do not reach back to (%s)", wording.Plural(n.BeyondReachPoints, "point")))
	part(n.MembersNotRead, "whose member was not read")
	if n.MembersFailed > 0 {
		parts = append(parts, wording.Plural(n.MembersFailed, "member")+" could not be read")
	}
	if len(parts) > 0 {
		terminal.Line(out, "NOT COMPARED", strings.Join(parts, "; "))
	}
	if s.Postings > 0 || n.WithoutRecords > 0 {
		terminal.Line(out, "coverage", fmt.Sprintf("%.2f %% of the postings", 100*s.Coverage))
	}
}
