package overview

import (
	"fmt"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger/gates"
)

// Gate is a closed gate.
type Gate struct {
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

	// ClosedFor and ProbeIn are by the database's clock.
	ClosedFor time.Duration `json:"-"`
	ProbeIn   time.Duration `json:"-"`
}

func newGate(g desk.ClosedGate) *Gate {
	r := &Gate{Reason: g.Reason, Words: wording.Gate(g.Reason), VendorSaid: privacy.Mobiles(g.Words), ClosedAt: g.ClosedAt,
		ProbeAt: g.ProbeAt, FailedProbes: max(g.Closings-1, 0), Probing: g.Probing, ClosedFor: g.ClosedFor, ProbeIn: g.ProbeIn}
	if g.Reason == gates.GatePaused {
		r.VendorSaid, r.Paused = "", r.VendorSaid
	}
	return r
}

// probeWords say when the gate may open.
func (g *Gate) probeWords() string {
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

// GateFacts say why the account's closed gate is closed, and when it may open; none
// while it is open.
func (a *Account) GateFacts() (f wording.Facts) {
	g := a.Gate
	if g == nil {
		return nil
	}
	f.Add("because", g.Words)
	f.Add("since", fmt.Sprintf("%s, %s ago", wording.Moment(g.ClosedAt), wording.Short(g.ClosedFor)))
	switch {
	case g.Paused != "":
		f.Add("who, and why", g.Paused)
	case g.VendorSaid != "" && g.Reason == gates.GateFailing:
		f.Add("last call", g.VendorSaid)
	case g.VendorSaid != "":
		f.Add("vendor says", g.VendorSaid)
	}
	f.Add("next probe", g.probeWords())
	f.Add("waiting", wording.Plural(a.Waiting, "operation"))
	return f
}
