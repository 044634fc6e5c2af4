package main

import (
	"fmt"
	"io"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/dispatch"
	"pointsledger/ledger"
)

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

func newGateReport(g desk.ClosedGate) *gateReport {
	r := &gateReport{Reason: g.Reason, Words: wording.Gate(g.Reason), VendorSaid: privacy.Mobiles(g.Words), ClosedAt: g.ClosedAt,
		ProbeAt: g.ProbeAt, FailedProbes: max(g.Closings-1, 0), Probing: g.Probing, closedFor: g.ClosedFor, probeIn: g.ProbeIn}
	if g.Reason == ledger.GatePaused {
		r.VendorSaid, r.Paused = "", r.VendorSaid
	}
	return r
}

func (g *gateReport) print(out io.Writer, a *accountReport) {
	fmt.Fprintf(out, "GATE CLOSED at %s (%s): no call is made there, and no attempt is used\n", a.Account, g.Reason)
	printLine(out, "because", g.Words)
	printLine(out, "since", fmt.Sprintf("%s, %s ago", wording.Moment(g.ClosedAt), wording.Short(g.closedFor)))
	switch {
	case g.Paused != "":
		printLine(out, "who, and why", g.Paused)
	case g.VendorSaid != "" && g.Reason == string(dispatch.GateFailing):
		printLine(out, "last call", g.VendorSaid)
	case g.VendorSaid != "":
		printLine(out, "vendor says", g.VendorSaid)
	}
	printLine(out, "next probe", g.probeWords())
	printLine(out, "waiting", wording.Plural(a.Waiting, "operation"))
}

// probeWords says when the gate may open.
func (g *gateReport) probeWords() string {
	failed := ""
	switch {
	case g.FailedProbes == 1:
		failed = "; 1 has failed so far"
	case g.FailedProbes > 1:
		failed = fmt.Sprintf("; %s have failed so far", wording.Count(g.FailedProbes))
	}
	switch {
	case g.Reason == ledger.GatePaused:
		return "none: it stays closed until a person resumes the account"
	case g.Probing:
		return "under way" + failed
	case g.probeIn > 0:
		return fmt.Sprintf("%s, in %s%s", wording.Moment(g.ProbeAt), wording.Short(g.probeIn), failed)
	}
	return fmt.Sprintf("due since %s, with the next operation that is due%s", wording.Short(-g.probeIn), failed)
}

// probeOverdue is how late a probe may be before somebody should look whether
// a worker is running.
const probeOverdue = time.Minute

// advice says what the operator can do about a closed gate.
func (g *gateReport) advice(a *accountReport) string {
	text := fmt.Sprintf("%s, gate closed: %s", a.Account, wording.GateAdvice(g.Reason))
	if g.Reason == ledger.GatePaused {
		return text + "\n" + resumeCommand(a.Account)
	}
	if a.Late > 0 && !g.Probing && g.probeIn < -probeOverdue {
		text += fmt.Sprintf(" The probe is %s late: is a worker running for this account?", wording.Short(-g.probeIn))
	}
	return text
}
