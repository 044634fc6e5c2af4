package overview

import (
	"fmt"
	"slices"
	"time"

	"pointsledger/desk"
	"pointsledger/desk/privacy"
	"pointsledger/desk/wording"
	"pointsledger/ledger"
	"pointsledger/ledger/gates"
)

// Advice is what a person can do about an operation, or what is open, in words and
// as steps.
type Advice struct {
	Words string
	// Steps are in the order in which they are worth a look; none when there is
	// nothing to do.
	Steps []desk.Step
	// AtAccount: what holds it back is about the whole account, see [Read].
	AtAccount bool
	// PreviewsOnly: each step only shows what it would do.
	PreviewsOnly bool
	// NotConfigured: with the worker's configuration it would be otherwise.
	NotConfigured bool
}

// Settings are what a configuration says of the account of an operation.
type Settings struct {
	// Verifies: what is in doubt is looked up before it is sent again.
	Verifies bool
	// Memory is how long the vendor surely remembers a dedup key, the time of a send
	// taken off; 0 when the account is not configured.
	Memory time.Duration
}

// Next says what a person can do about an operation.
func Next(d *desk.OperationDetail, gates []desk.ClosedGate, now time.Time, s Settings, names wording.Names) Advice {
	switch {
	case d.Posting != nil && d.Posting.Kind == ledger.Posted && d.Posting.Evidence == ledger.Manual:
		return Advice{Words: "Nothing: a person took the vendor's word that it is applied. What that rests on stands above."}
	case d.Posting != nil && d.Posting.Kind == ledger.Posted && d.Posting.Evidence == ledger.Netted:
		return Advice{Words: "Nothing: that much less is sent of what it takes back from, so that no call is needed."}
	case d.Posting != nil && d.Posting.Kind == ledger.Posted:
		return Advice{Words: "Nothing: the vendor has applied it."}
	case d.Posting != nil && d.Posting.Correction != nil:
		return Advice{Words: "A person gave it up, and the vendor applied it all the same: the member has the points, and the ledger counts them as credited. See that they were not granted in another way as well; settle that with the vendor."}
	case d.Posting != nil && d.Posting.Evidence == ledger.Reversed:
		return Advice{Words: "Nothing: its order was refunded or cancelled before it was sent, so that nobody is owed it."}
	case d.Posting != nil && d.Posting.Evidence == ledger.NothingToTakeBack:
		return Advice{Words: "Nothing: what it would take back from was given up. If the vendor applies that all the same, it is taken back by itself."}
	case d.Posting != nil && d.Posting.Evidence == ledger.NoCallNeeded:
		return Advice{Words: "Nothing: the vendor needs no call for it."}
	case d.Posting != nil:
		return Advice{Words: "Nothing: a person gave it up. If an attempt below says applied, the vendor applied it all the same: somebody must settle that with the vendor."}
	case d.Open == nil && d.Points == 0:
		return Advice{Words: "Nothing: there was nothing to send."}
	case d.Open == nil:
		return Advice{Words: "This must never be: it is neither open nor ended. Keep the database as it is and report it."}
	case d.Open.State == ledger.Sending || d.Open.State == ledger.Pending:
		return nextOfWaiting(d, gates, now)
	}
	return nextOfParked(d, s, names)
}

func nextOfWaiting(d *desk.OperationDetail, gates []desk.ClosedGate, now time.Time) Advice {
	if d.Open.State == ledger.Sending {
		if d.Open.LeaseUntil != nil && d.Open.LeaseUntil.Before(now.Add(-time.Minute)) {
			return Advice{Words: "Its worker is gone, and no other has taken it over: is a worker running for this account? It takes it over by itself, in doubt."}
		}
		return Advice{Words: "Wait: a worker is sending it now."}
	}
	if d.Open.WaitsFor != 0 {
		return Advice{Words: fmt.Sprintf("Nothing: it goes by itself when operation %d, which it takes back from, has ended. If that waits for a person, see it first.", d.Open.WaitsFor)}
	}
	if g, closed := desk.GateOf(gates, d.Account); closed {
		return Advice{Words: fmt.Sprintf("The gate of account %s is closed: %s. It goes by itself when the gate opens", g.Account, wording.Gate(g.Reason)), AtAccount: true}
	}
	switch {
	case d.Open.NextAt.Before(now.Add(-time.Minute)):
		return Advice{Words: "It is late: is a worker running for this account? Ask the worker's /readyz."}
	case d.Open.InDoubt:
		return Advice{Words: "Nothing: a worker goes on with it by itself, and sends it again only when nothing speaks against that."}
	}
	return Advice{Words: "Nothing: a worker sends it by itself."}
}

// nextOfParked says what a person can do about a parked operation. What is in
// doubt has a way out that the vendor's word alone opens: a replay may find the
// same again and park it again, for ever.
func nextOfParked(d *desk.OperationDetail, s Settings, names wording.Names) Advice {
	step := func(do desk.StepKind) desk.Step {
		return desk.Step{Do: do, Operation: d.ID, BizID: d.BizID, InDoubt: d.Open.InDoubt}
	}
	var a Advice
	a.Steps = []desk.Step{step(desk.StepPutBack)}
	if d.Open.Cause == ledger.CauseNoVendorCall {
		return nextOfWork(d, names, step(desk.StepSettle), step(desk.StepGiveUp))
	}
	switch {
	case nothingKept(d) && d.Open.InDoubt:
		return Advice{Words: "Its order was refunded or cancelled since, so that nothing of it is kept. If the vendor has applied it, settle it: it is taken back then. If it surely has not, give it up",
			Steps: []desk.Step{step(desk.StepSettle), step(desk.StepGiveUp)}}
	case nothingKept(d):
		return Advice{Words: "Its order was refunded or cancelled since, so that nothing of it is kept and nobody is owed it: give it up", Steps: []desk.Step{step(desk.StepGiveUp)}}
	case d.Open.Blocked != "":
		a.Words = "It stays parked: " + wording.Blocked(d.Open.Blocked, d.Account, s.Memory, names) +
			". Ask the vendor whether it has applied the key " + string(d.BizID)
		a.Steps = nil
	case d.Open.Cause == ledger.CauseMemberUnresolved && d.MemberID != "":
		a.Words = "Its member is known by now, so it can go"
	default:
		a.Words = wording.Advice(d.Open.Cause, s.Verifies && d.Kind == ledger.PointsAdd, names) // records tell of grants alone
	}
	named := d.MemberID != ""
	switch {
	case d.Open.InDoubt && named:
		a.Words += ". If the vendor has applied it, settle it; if it surely has not and never will, give it up"
		a.Steps = append(a.Steps, step(desk.StepSettle), step(desk.StepGiveUp))
	case d.Open.InDoubt:
		a.Words += ". It has no member yet: if the vendor says for whom it has applied it, name that member, then settle it; " +
			"if it surely has not applied it and never will, give it up"
		a.Steps = append(a.Steps, step(desk.StepResolve), step(desk.StepGiveUp))
	case !named:
		a.Steps = append([]desk.Step{step(desk.StepResolve)}, a.Steps...)
	}
	if !d.Open.InDoubt && (!named || d.Open.Cause == ledger.CauseUnsendable || d.Open.Cause == ledger.CauseOverBudget) {
		a.Steps = append(a.Steps, step(desk.StepGiveUp))
	}
	return a
}

// WaitsFor says what must happen before an operation goes on. Empty when it has
// ended, or there was nothing to send.
func WaitsFor(d *desk.OperationDetail, closedGates []desk.ClosedGate, now time.Time) string {
	switch {
	case d.Open == nil:
		return ""
	case d.Open.State == ledger.Parked:
		return "a person"
	case d.Open.State == ledger.Sending:
		return "the vendor's answer"
	case d.Open.WaitsFor != 0:
		return fmt.Sprintf("operation %d, which it takes back from", d.Open.WaitsFor)
	}
	g, closed := desk.GateOf(closedGates, d.Account)
	switch {
	case closed && g.Reason == gates.GatePaused:
		return "somebody to resume the account; " + privacy.Mobiles(g.Words)
	case closed:
		return fmt.Sprintf("the gate of account %s, closed since %s (%s)", g.Account, wording.Moment(g.ClosedAt), g.Reason)
	case d.Open.NextAt.After(now):
		return "its time, in " + wording.Short(d.Open.NextAt.Sub(now))
	}
	return "a worker"
}

// nextOfWork says what a person can do about what no call can be made for.
func nextOfWork(d *desk.OperationDetail, names wording.Names, settle, giveUp desk.Step) Advice {
	words := wording.Advice(d.Open.Cause, false, names)
	switch from := d.TakesFrom; {
	case from != nil && from.State == string(ledger.Voided):
		return Advice{Words: fmt.Sprintf("Nothing is to be done for it: operation %d, which it takes from, was given up. Give it up, too", from.Operation), Steps: []desk.Step{giveUp}}
	case from != nil && from.State != string(ledger.Posted) && from.State != "voided but applied":
		return Advice{Words: fmt.Sprintf("Nothing yet: operation %d, which it takes from, is %s.", from.Operation, from.State)}
	case d.Open.InDoubt:
		words = "The database lost its newest commits since, so it may be done, and reported, already: ask first. " + words
	}
	return Advice{Words: words, Steps: []desk.Step{settle, giveUp}}
}

// nothingKept tells whether all of an operation is taken back.
func nothingKept(d *desk.OperationDetail) bool {
	return slices.ContainsFunc(d.TakenBack, func(r desk.Reversal) bool { return r.KeptAfter == 0 })
}
