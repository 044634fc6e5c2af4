package overview

import (
	"fmt"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
)

// maxSteps is how many steps one point of the advice holds.
const maxSteps = 4

// Advice says what a person can do next about what is open: at least one point.
func (r *Report) Advice(names wording.Names) []Advice {
	var points []Advice
	var again []desk.Step
	foreign := false
	for i := range r.Accounts {
		a := &r.Accounts[i]
		switch {
		case a.Gate != nil:
			points = append(points, a.gateAdvice())
		case a.Late > 0:
			points = append(points, Advice{Words: fmt.Sprintf("%s: %s due for more than a minute. If the number does not fall, no worker is sending: ask the worker's /readyz why.",
				a.Account, wording.Plural(a.Late, "operation"))})
		}
		for _, c := range a.byCause() {
			points = append(points, Advice{Words: fmt.Sprintf("%s, %s parked (%s): %s. %s:", a.Account, wording.Count(c.count), c.cause,
				wording.Cause(c.cause, ledger.Parked), wording.Advice(c.cause, a.Verifies, names)), Steps: c.look(a.Account)})
			if wording.WorthReplay(c.cause, a.Verifies) {
				again = append(again, c.steps(desk.StepPutBack, a.Account)...)
			}
		}
		foreign = foreign || !a.Configured
	}
	if len(again) > 0 {
		points = append(points, Advice{Words: "When the reason is mended, see what a replay would do", Steps: again[:min(len(again), maxSteps)], PreviewsOnly: true})
	}
	if foreign {
		points = append(points, Advice{Words: "An account above is not in the configuration read here", NotConfigured: true})
	}
	if len(r.Rejects) > 0 {
		points = append(points, Advice{Words: "Rejected events say what their publisher or the rules must mend; a corrected event is simply published again:",
			Steps: []desk.Step{{Do: desk.StepRejects}}})
	}
	if len(points) == 0 {
		points = append(points, Advice{Words: "Nothing is parked and nothing is late: nothing to do."})
	}
	return points
}

// probeOverdue is how late a probe may be before somebody should look whether
// a worker is running.
const probeOverdue = time.Minute

// gateAdvice says what a person can do about a closed gate.
func (a *Account) gateAdvice() Advice {
	g := a.Gate
	advice := Advice{Words: fmt.Sprintf("%s, gate closed: %s", a.Account, wording.GateAdvice(g.Reason))}
	switch {
	case g.Reason == gates.GatePaused:
		advice.Steps = []desk.Step{{Do: desk.StepResume, Account: a.Account}}
	case a.Late > 0 && !g.Probing && g.ProbeIn < -probeOverdue:
		advice.Words += fmt.Sprintf(" The probe is %s late: is a worker running for this account?", wording.Short(-g.ProbeIn))
	}
	return advice
}

// causeSum is what is parked at an account for one cause, and its codes.
type causeSum struct {
	cause ledger.Cause
	count int64
	codes []string
}

// byCause sums up what is parked.
func (a *Account) byCause() []causeSum {
	var sums []causeSum
	for _, c := range a.Causes {
		if n := len(sums); n == 0 || sums[n-1].cause != c.Cause {
			sums = append(sums, causeSum{cause: c.Cause})
		}
		last := &sums[len(sums)-1]
		last.count += c.Count
		last.codes = append(last.codes, c.Code)
	}
	return sums
}

// look is how a person sees them.
func (c *causeSum) look(account string) []desk.Step {
	if c.cause == ledger.CauseNoVendorCall {
		return []desk.Step{{Do: desk.StepWorkItems, Account: account}}
	}
	return c.steps(desk.StepList, account)
}

// steps are one for each code where there are several.
func (c *causeSum) steps(do desk.StepKind, account string) []desk.Step {
	if len(c.codes) == 1 || len(c.codes) > maxSteps {
		return []desk.Step{{Do: do, Account: account, Cause: c.cause}}
	}
	var steps []desk.Step
	for _, code := range c.codes {
		steps = append(steps, desk.Step{Do: do, Account: account, Cause: c.cause, Code: code})
	}
	return steps
}
