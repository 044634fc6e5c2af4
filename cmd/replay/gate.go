package main

import (
	"fmt"
	"io"
	"slices"
	"time"

	"pointsledger/dispatch"
	"pointsledger/internal/command"
	"pointsledger/ledger"
)

// closedGate finds the closed gate of an account. closed is false while its gate
// is open.
func closedGate(gates []ledger.ClosedGate, account string) (_ ledger.ClosedGate, closed bool) {
	at := slices.IndexFunc(gates, func(g ledger.ClosedGate) bool { return g.Account == account })
	if at < 0 {
		return ledger.ClosedGate{}, false
	}
	return gates[at], true
}

// gateReport is a closed gate as status shows it.
type gateReport struct {
	Reason string `json:"reason"`
	// Words says what the reason means.
	Words string `json:"words"`
	// VendorSaid is the vendor's answer; of a breaker it may be our own words on
	// the last call. Empty for a pause: then Paused is who, and why.
	VendorSaid string    `json:"vendor_said"`
	Paused     string    `json:"paused"`
	ClosedAt   time.Time `json:"closed_at"`
	// ProbeAt is when the next call may find out whether the gate may open.
	ProbeAt      time.Time `json:"probe_at"`
	FailedProbes int       `json:"failed_probes"`
	// Probing: that call is being made.
	Probing bool `json:"probing"`

	// closedFor and probeIn are by the database's clock.
	closedFor, probeIn time.Duration
}

func newGateReport(g ledger.ClosedGate) *gateReport {
	r := &gateReport{Reason: g.Reason, Words: gateWords(g.Reason), VendorSaid: maskMobiles(g.Words), ClosedAt: g.ClosedAt,
		ProbeAt: g.ProbeAt, FailedProbes: max(g.Closings-1, 0), Probing: g.Probing, closedFor: g.ClosedFor, probeIn: g.ProbeIn}
	if g.Reason == ledger.GatePaused {
		r.VendorSaid, r.Paused = "", r.VendorSaid
	}
	return r
}

func (g *gateReport) print(out io.Writer, a *accountReport) {
	fmt.Fprintf(out, "GATE CLOSED at %s (%s): no call is made there, and no attempt is used\n", a.Account, g.Reason)
	printLine(out, "because", g.Words)
	printLine(out, "since", fmt.Sprintf("%s, %s ago", moment(g.ClosedAt), short(g.closedFor)))
	switch {
	case g.Paused != "":
		printLine(out, "who, and why", g.Paused)
	case g.VendorSaid != "" && g.Reason == string(dispatch.GateFailing):
		printLine(out, "last call", g.VendorSaid)
	case g.VendorSaid != "":
		printLine(out, "vendor says", g.VendorSaid)
	}
	printLine(out, "next probe", g.probeWords())
	printLine(out, "waiting", plural(a.Waiting, "operation"))
}

// probeWords says when the gate may open.
func (g *gateReport) probeWords() string {
	failed := ""
	switch {
	case g.FailedProbes == 1:
		failed = "; 1 has failed so far"
	case g.FailedProbes > 1:
		failed = fmt.Sprintf("; %s have failed so far", command.Count(g.FailedProbes))
	}
	switch {
	case g.Reason == ledger.GatePaused:
		return "none: it stays closed until a person resumes the account"
	case g.Probing:
		return "under way" + failed
	case g.probeIn > 0:
		return fmt.Sprintf("%s, in %s%s", moment(g.ProbeAt), short(g.probeIn), failed)
	}
	return fmt.Sprintf("due since %s, with the next operation that is due%s", short(-g.probeIn), failed)
}

// probeOverdue is how late a probe may be before somebody should look whether
// a worker is running.
const probeOverdue = time.Minute

// advice says what the operator can do about a closed gate.
func (g *gateReport) advice(a *accountReport) string {
	text := fmt.Sprintf("%s, gate closed: %s", a.Account, gateAdvice(g.Reason))
	if g.Reason == ledger.GatePaused {
		return text + "\n" + resumeCommand(a.Account)
	}
	if a.Late > 0 && !g.Probing && g.probeIn < -probeOverdue {
		text += fmt.Sprintf(" The probe is %s late: is a worker running for this account?", short(-g.probeIn))
	}
	return text
}

// gateWords says what a closed gate's reason means.
func gateWords(reason string) string {
	switch dispatch.GateReason(reason) {
	case dispatch.GateUnauthorised:
		return "the vendor does not accept our credentials"
	case dispatch.GateThrottled:
		return "the vendor asked for fewer calls"
	case dispatch.GateSuspicious:
		return "the vendor refused many members in a row with one code and accepted nobody, so the worker suspects our own keys or signing"
	case dispatch.GateFailing:
		return "many calls in a row had no clear answer"
	case ledger.GatePaused:
		return "a person paused the account"
	}
	return reason
}

// gateAdvice says what is worth doing about it.
func gateAdvice(reason string) string {
	switch dispatch.GateReason(reason) {
	case dispatch.GateUnauthorised:
		return "correct the account's keys where the worker runs, and start it again. What waits then goes by itself; nothing of it needs a replay."
	case dispatch.GateThrottled:
		return "nothing: it opens by itself. If it closes often, lower the account's rate, or ask the vendor for a higher one."
	case dispatch.GateSuspicious:
		return "check the account's keys, its signing and the worker's clock, and ask the vendor what the code means. If it is about the members after all, the gate opens with the first one that the vendor accepts. If it was us, put back what was parked with this code, too."
	case dispatch.GateFailing:
		return "see whether the vendor is up and the worker can reach it. It opens by itself when a probe is answered."
	case ledger.GatePaused:
		return "ask whoever paused it before you resume it. When it may go on:"
	}
	return "a newer worker wrote this reason: see its /readyz."
}
