package main

import (
	"fmt"
	"io"

	"pointsledger/desk"
	"pointsledger/desk/rejects"
	"pointsledger/desk/wording"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

// forecast is what would become of rejects by rules.
type forecast struct {
	*rejects.Forecast
	by *desk.RejectRules
}

func (p *forecast) print(out io.Writer) {
	if p.Found == 0 {
		fmt.Fprintln(out, "No open reject fits: nothing to retry. `replay rejects list --all` shows what there was.")
		return
	}
	fmt.Fprintf(out, "Found: %s. This is a preview: nothing has been accepted.\n\n", wording.Plural(p.Found, "open reject"))
	terminal.Line(out, "rules", rejects.RulesWords(p.by))
	terminal.Line(out, "accounts", rejects.AccountWords(p.by))
	if p.Oldest != nil {
		terminal.Line(out, "stored", wording.Moment(*p.Oldest)+" to "+wording.Moment(*p.Newest)+" at the broker")
	}
	fmt.Fprintln(out)
	printOutcomes(out, p.Forecast)
	printAccounts(out, p.Forecast)
	printFailing(out, p.Codes)
	if p.PointsDiffer > 0 {
		fmt.Fprintf(out, "\n%s get other points than by the registered rules, reject %d for example.\n", wording.Plural(p.PointsDiffer, "event"), p.Example)
	}
	for _, warning := range p.Warnings {
		fmt.Fprintln(out)
		terminal.Line(out, "note", warning)
	}
	switch {
	case p.Command != "":
		fmt.Fprintf(out, "\nTo do exactly this (plan %s):\n  %s\n", p.Plan, p.Command)
	case p.Settles():
		fmt.Fprintln(out, "\nThis plan was cancelled: retry with filters makes a new one.")
	default:
		fmt.Fprintln(out, "\nNothing would come of it, so there is no command to run. `replay rejects show ID` says what to mend.")
	}
}

// printOutcomes prints the counts, by both sets of rules where there are two.
func printOutcomes(out io.Writer, p *rejects.Forecast) {
	columns := []terminal.Column{terminal.Left("WHAT BECOMES OF THEM"), terminal.Right("EVENTS")}
	if p.Registered != nil {
		columns[1] = terminal.Right("BY THIS FILE")
		columns = append(columns, terminal.Right("BY THE REGISTERED RULES"))
	}
	var rows [][]string
	for _, o := range p.Outcomes() {
		rows = append(rows, []string{o.Words, wording.Count(o.Events), wording.Count(o.Registered)}[:len(columns)])
	}
	terminal.Table(out, columns, rows)
}

// printAccounts prints what would be sent, and the difference to the registered
// rules where there is one.
func printAccounts(out io.Writer, p *rejects.Forecast) {
	if p.Referring > 0 {
		fmt.Fprintln(out)
		terminal.Paragraph(out, fmt.Sprintf("About earlier events: %s of the accepted; %s.", wording.Count(p.Referring), rejects.ReferringWords))
	}
	compared := p.Compared()
	if len(compared) == 0 {
		return
	}
	fmt.Fprintln(out)
	columns := []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CALL"), terminal.Right("OPERATIONS"), terminal.Right("POINTS")}
	if p.Registered != nil {
		columns = append(columns, terminal.Right("REGISTERED RULES"), terminal.Right("POINTS"), terminal.Right("DIFFERENCE"))
	}
	var rows [][]string
	for _, a := range compared {
		rows = append(rows, []string{a.Account, string(a.Kind), wording.Count(a.Operations), wording.Count(a.Points),
			wording.Count(a.Registered.Operations), wording.Count(a.Registered.Points), wording.Signed(a.Points - a.Registered.Points)}[:len(columns)])
	}
	terminal.Table(out, columns, rows)
	if p.NothingToSend > 0 {
		fmt.Fprintf(out, "Of them without points, so nothing to send: %s.\n", wording.Count(p.NothingToSend))
	}
	printFacts(out, rejects.InDoubt(p.InDoubt, terminalNames))
}

// printFailing prints what still fails, by code, and then one reason of each in
// full.
func printFailing(out io.Writer, codes []desk.RetryCode) {
	if len(codes) == 0 {
		return
	}
	fmt.Fprintln(out, "\nStill failing, by the reason of now:")
	for _, code := range codes {
		terminal.Point(out, fmt.Sprintf("%s: %s. Reject %s, for example: %s", code.Code, wording.Plural(code.Count, "event"), idText(code.Example), code.Reason))
	}
}

// retried is what a retry did.
type retried struct {
	*desk.RetryResult
	who desk.Decision
}

func (d *retried) print(out io.Writer) {
	if d.Found == 0 {
		fmt.Fprintln(out, "No open reject fits: nothing was retried, nothing recorded.")
		return
	}
	fmt.Fprintf(out, "Accepted %s of %s: %s, %s.\n", wording.Count(d.Accepted), wording.Plural(d.Found, "reject"),
		wording.Plural(d.Operations, "operation"), wording.Plural(d.Points, "point"))
	facts := rejects.Facts(d.RetryResult, terminalNames)
	facts.Add("recorded", recordedAs(d.Act, d.who)+", plan "+d.Plan)
	printFacts(out, facts)
	printFailing(out, d.Codes)
	switch sent := d.Operations - d.NothingToSend - d.InDoubt - d.OverBudget; {
	case sent > 0 && d.InDoubt+d.OverBudget > 0:
		fmt.Fprintf(out, "The running workers send the other %s now; `replay status` shows how it goes.\n", wording.Count(sent))
	case sent > 0:
		fmt.Fprintln(out, "The running workers send them now; `replay status` shows how it goes.")
	}
	if d.InDoubt > 0 {
		fmt.Fprintln(out, "\nTo see what putting back those in doubt would do:\n  replay run --cause "+ledger.CauseRebuilt)
	}
}
