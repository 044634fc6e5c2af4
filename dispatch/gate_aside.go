package dispatch

import (
	"time"

	"pointsledger/vendorapi"
)

// answered ends a call of another kind (a member look-up, a scan) that the
// vendor answered. As a probe it shows that the vendor is there and knows us,
// but nothing about refusals: then the points call that follows is the probe. Nor
// does it show that points calls work again, if it was they that failed: one call at
// a time is made then, whatever it is, until a points call opens the gate or keeps
// it closed (TestRecordsThatAreWellOpenNoGate).
func (g *gate) answered(t ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(t)
	g.unreadable = 0
	switch {
	case t.probe && g.suspected.yes:
		g.right = true
	case t.probe && g.pointsFail():
		g.tentative = true
	case t.probe:
		g.reopen()
	}
}

// pointsFail tells that the gate is closed because points calls fail, whatever was
// learned since by other calls.
func (g *gate) pointsFail() bool {
	return g.failures >= breakerLimit || g.status.Reason == GateFailing && g.failures > 0
}

// onTrial tells that only a points call shows whether points calls work again. Rows in
// doubt are read first, one after the other, and there may be thousands
// (TestTrialOfAGateIsAPointsCall).
func (g *gate) onTrial() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.tentative
}

// letsRead tells whether records may be read for a sample: also while points calls
// fail, because the doubts that these left end by what samples show, and one of them
// makes the probe (TestDoubtsOfAnOutageEndByThemselves).
func (g *gate) letsRead() (open, aside bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status.Open, g.status.Reason == GateFailing && g.failures > 0
}

// servedFor is how long a points call that the vendor answered outweighs records
// that cannot be read.
const servedFor = time.Minute

// unread ends a reading of records that failed. Where points calls are served, it
// says nothing about them, and must not hold them back: these fail alone. An account
// that has ever granted points and may not read records says nothing about them at
// all (TestRecordsThatFailHoldNoPointsBack).
func (g *gate) unread(now time.Time, t ticket, member string, reply vendorapi.Reply) (changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	forbidden := reply.Outcome == vendorapi.Unauthorised && g.confirmed
	alone := !t.probe && reply.Outcome != vendorapi.Throttled && (forbidden || now.Sub(g.served) < servedFor)
	if g.tentative && reply.Outcome != vendorapi.Throttled && (forbidden || g.unreadable < breakerLimit) {
		g.unreadable++ // another reading was answered just now
		alone = true
	}
	if alone {
		g.end(t)
		return false
	}
	_, changed = g.learn(now, t, member, reply, &g.unreadable)
	return changed
}

// unresolved ends a question for a member that no points call waits for, and that was not
// answered. While points are served it holds nothing back. It counts apart from points
// calls, so that the next answer opens the gate, and none of these must come first
// (TestHeldCodesOutliveAnOutage). Refusals alike of many codes are as suspicious as ever.
func (g *gate) unresolved(now time.Time, t ticket, code string, reply vendorapi.Reply) (held, changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if !t.probe && reply.Outcome != vendorapi.Throttled && reply.Outcome != vendorapi.Refused && now.Sub(g.served) < servedFor {
		g.end(t)
		return false, false
	}
	return g.learn(now, t, code, reply, &g.unreadable)
}
