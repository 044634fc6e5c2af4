package main

import (
	"fmt"
	"io"
	"slices"

	"github.com/spf13/cobra"

	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/accounts"
	"pointsledger/internal/advice/steps"
	"pointsledger/internal/command"
	"pointsledger/internal/terminal"
	"pointsledger/ledger"
)

func newStatus(environ []string) *cobra.Command {
	c := &cobra.Command{
		Use:   "status",
		Short: "What is open at each account, what is parked and why, and what to do next",
		Long: `status says first which accounts are closed to calls (their gate), since when and
why. It counts, for each vendor account, the operations that wait, are being
sent or are parked (wait for a person), says why they wait or are parked, and
counts the events that were rejected. It changes nothing.

POSTED is the pace of the last minute, and DRAINS IN how long what waits takes at
that pace; "> 4s" when some of it waits for another attempt or to be looked up,
which goes by its schedule and not by the pace. Below stands how long it takes at
the account's rate, for each lane, if nothing else comes.

Parked operations are told apart by the vendor's code; "HTTP 500" stands for an
answer with a status only, none for no answer.`,
		Example: "  replay status\n  replay status --json | jq '.accounts[] | {account, parked, gate}'",
		Args:    command.Args(cobra.NoArgs),
		RunE:    runs(environ, statusTask{}),
	}
	c.Flags().Bool("json", false, "print JSON")
	return c
}

type statusTask struct{}

func (statusTask) read(*cobra.Command, []string) error { return nil }

func (statusTask) call(c *cobra.Command, s *session) (page, error) {
	r, err := overview.Read(c.Context(), s.desk, s.items, accounts.ForOverview(s.config))
	if err != nil {
		return nil, err
	}
	for _, point := range r.Advice(terminalNames) {
		r.Next = append(r.Next, steps.OfReport(point))
	}
	return &statusPage{r}, nil
}

type statusPage struct{ overview.Report }

func (r *statusPage) print(out io.Writer) {
	rows := make([][]string, 0, len(r.Accounts))
	for i := range r.Accounts {
		a := &r.Accounts[i]
		oldest, gate := "-", "open"
		if a.OldestAt != nil {
			oldest = wording.Age(*a.OldestAt, r.At)
		}
		if a.Gate != nil {
			gate = "CLOSED"
			fmt.Fprintf(out, "GATE CLOSED at %s (%s): no call is made there, and no attempt is used\n", a.Account, a.Gate.Reason)
			printFacts(out, a.GateFacts())
			fmt.Fprintln(out)
		}
		rows = append(rows, []string{a.Account, gate, wording.Count(a.Waiting), wording.Count(a.Sending), wording.Count(a.Parked),
			wording.Count(a.InDoubt), oldest, a.Pace.Words(), a.DrainWords()})
	}
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("GATE"), terminal.Right("WAITING"), terminal.Right("SENDING"), terminal.Right("PARKED"),
		terminal.Right("OF THEM IN DOUBT"), terminal.Right("OLDEST"), terminal.Right("POSTED"), terminal.Right("DRAINS IN")}, rows)
	printLanes(out, &r.Report)
	printParked(out, &r.Report)
	printWaiting(out, &r.Report)
	if len(r.WorkItems) > 0 {
		fmt.Fprintln(out, "\nFor a person in the vendor's back office")
		for i := range r.WorkItems {
			terminal.Line(out, r.WorkItems[i].Account, r.WorkItems[i].Words())
		}
	}
	if len(r.Rejects) > 0 {
		fmt.Fprintln(out, "\nRejected events, open")
		rejects := make([][]string, len(r.Rejects))
		for i, x := range r.Rejects {
			rejects[i] = []string{string(x.Code), wording.Count(x.Count)}
		}
		terminal.Table(out, []terminal.Column{terminal.Left("CODE"), terminal.Right("EVENTS")}, rejects)
	}
	fmt.Fprintln(out, "\nWhat is known of the accounts")
	for i := range r.Accounts {
		terminal.Line(out, r.Accounts[i].Account, r.Accounts[i].KnownWords())
	}
	fmt.Fprintln(out, "\nWhat to do next")
	for _, point := range r.Next {
		terminal.Point(out, point)
	}
}

// printLanes says how long what waits takes.
func printLanes(out io.Writer, r *overview.Report) {
	first := true
	for i := range r.Accounts {
		words := r.Accounts[i].LaneWords()
		if words == "" {
			continue
		}
		if first {
			fmt.Fprintln(out, "\nHow long what waits takes")
			first = false
		}
		terminal.Line(out, r.Accounts[i].Account, words)
	}
}

func printParked(out io.Writer, r *overview.Report) {
	var rows [][]string
	for _, a := range r.Accounts {
		for _, c := range a.Causes {
			said := terminal.Clean(c.VendorSaid)
			if c.Code == "" {
				said = "(further codes)"
			}
			rows = append(rows, []string{a.Account, string(c.Cause), terminal.Clean(c.Code), wording.Count(c.Count), wording.Count(c.InDoubt), wording.Age(c.OldestAt, r.At), said})
		}
	}
	if len(rows) > 0 {
		fmt.Fprintln(out, "\nParked, and why")
		terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CAUSE"), terminal.Left("CODE"), terminal.Right("OPERATIONS"), terminal.Right("OF THEM IN DOUBT"),
			terminal.Right("OLDEST"), terminal.Left("FOR EXAMPLE")}, rows)
	}
}

// printWaiting says why operations wait again. What was not tried yet needs no
// words.
func printWaiting(out io.Writer, r *overview.Report) {
	var rows [][]string
	var causes []ledger.Cause
	for _, a := range r.Accounts {
		for _, w := range a.Waits {
			if w.Cause == "" {
				continue
			}
			rows = append(rows, []string{a.Account, string(w.Cause), wording.Count(w.Count), wording.Count(w.InDoubt), wording.Age(w.OldestAt, r.At)})
			if !slices.Contains(causes, w.Cause) {
				causes = append(causes, w.Cause)
			}
		}
	}
	if len(rows) == 0 {
		return
	}
	fmt.Fprintln(out, "\nWaiting for another attempt, and why")
	terminal.Table(out, []terminal.Column{terminal.Left("ACCOUNT"), terminal.Left("CAUSE"), terminal.Right("OPERATIONS"), terminal.Right("OF THEM IN DOUBT"), terminal.Right("OLDEST")}, rows)
	for _, cause := range causes {
		terminal.Point(out, fmt.Sprintf("%s: %s; %s", cause, wording.Cause(cause, ledger.Pending), wording.Waiting(cause)))
	}
}
