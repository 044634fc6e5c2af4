package main

import (
	"fmt"
	"io"
	"time"

	"pointsledger/desk/overview"
	"pointsledger/desk/wording"
	"pointsledger/internal/terminal"
	"pointsledger/ledger/gates"
)

func printGate(out io.Writer, a *overview.Account) {
	g := a.Gate
	fmt.Fprintf(out, "GATE CLOSED at %s (%s): no call is made there, and no attempt is used\n", a.Account, g.Reason)
	terminal.Line(out, "because", g.Words)
	terminal.Line(out, "since", fmt.Sprintf("%s, %s ago", wording.Moment(g.ClosedAt), wording.Short(g.ClosedFor)))
	switch {
	case g.Paused != "":
		terminal.Line(out, "who, and why", g.Paused)
	case g.VendorSaid != "" && g.Reason == gates.GateFailing:
		terminal.Line(out, "last call", g.VendorSaid)
	case g.VendorSaid != "":
		terminal.Line(out, "vendor says", g.VendorSaid)
	}
	terminal.Line(out, "next probe", probeWords(g))
	terminal.Line(out, "waiting", wording.Plural(a.Waiting, "operation"))
}

// probeWords says when the gate may open.
func probeWords(g *overview.Gate) string {
	failed := ""
	switch {
	case g.FailedProbes == 1:
		failed = "; 1 has failed so far"
	case g.FailedProbes > 1:
		failed = fmt.Sprintf("; %s have failed so far", wording.Count(g.FailedProbes))
	}
	switch {
	case g.Reason == gates.GatePaused:
		return "none: it stays closed until a person resumes the account"
	case g.Probing:
		return "under way" + failed
	case g.ProbeIn > 0:
		return fmt.Sprintf("%s, in %s%s", wording.Moment(g.ProbeAt), wording.Short(g.ProbeIn), failed)
	}
	return fmt.Sprintf("due since %s, with the next operation that is due%s", wording.Short(-g.ProbeIn), failed)
}

// probeOverdue is how late a probe may be before somebody should look whether
// a worker is running.
const probeOverdue = time.Minute

// gateAdviceAt says what the operator can do about a closed gate.
func gateAdviceAt(a *overview.Account) string {
	g := a.Gate
	text := fmt.Sprintf("%s, gate closed: %s", a.Account, wording.GateAdvice(g.Reason))
	if g.Reason == gates.GatePaused {
		return text + "\n" + resumeCommand(a.Account)
	}
	if a.Late > 0 && !g.Probing && g.ProbeIn < -probeOverdue {
		text += fmt.Sprintf(" The probe is %s late: is a worker running for this account?", wording.Short(-g.ProbeIn))
	}
	return text
}
