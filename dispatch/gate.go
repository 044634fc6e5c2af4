package dispatch

import (
	"errors"
	"strconv"
	"strings"
	"sync"
	"time"

	"pointsledger/vendorapi"
)

// suspicionLimit is how many members in a row one code may refuse before we
// suspect ourselves. The last of them is held back, so that at most nine rows
// are parked by mistake.
const suspicionLimit = 10

// breakerLimit is how many calls in a row may have no clear answer before the
// circuit breaker closes the gate.
const breakerLimit = 20

// probePause is the pause before the next probe while the same trouble lasts,
// after so many closings (1 is the first); a vendor's Retry-After goes before it.
//
//	closings        1   2   3   4    5    6    7…
//	failing         1s  2s  4s  8s   16s  30s  30s
//	anything else   1s  1s  2s  5s   15s  30s  1m
func probePause(reason GateReason, closings int) time.Duration {
	pauses := Schedule{time.Second, time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}
	if reason == GateFailing {
		pauses = Schedule{time.Second, 2 * time.Second, 4 * time.Second, 8 * time.Second, 16 * time.Second, 30 * time.Second}
	}
	return pauses.Wait(closings, 0.5)
}

// gate holds back all calls of one account while calling makes no sense. While
// it is closed no row is claimed and no attempt used. What one worker learns,
// all do: the state is shared through the ledger (publication, adopt), and the
// right to probe is given there. It is safe for concurrent use.
type gate struct {
	probeEvery time.Duration

	mu         sync.Mutex
	status     GateStatus
	closings   int       // in a row, without a success between them
	failures   int       // points calls in a row without a clear answer
	unreadable int       // other calls in a row without one
	confirmed  bool      // the account has confirmed a call, ever
	served     time.Time // when the vendor last applied or refused points
	inFlight   int
	probing    bool // the probe is under way
	right      bool // this worker may make the probe
	// tentative: points calls fail, and another call was answered since. This worker
	// makes one call at a time, until a points call tells.
	tentative bool
	// changes counts local changes of status; published is the count that the
	// ledger has.
	changes, published int
	// streak is the refusals of one code in a row, over different members.
	streak struct {
		code    string
		members map[string]struct{}
	}
	// suspected: the streak grew long. It outlives pauses for other reasons and
	// ends only with a success or a refusal of another code; code is empty
	// while only another worker knows it.
	suspected struct {
		yes  bool
		code string
	}
	// putBack judges what replays send apart from live calls; see gate_put_back.go.
	putBack putBackSuspicion
	// trusted is a code that was suspected and turned out to be about members:
	// others were served meanwhile. Until then its refusals count for nothing.
	trusted struct {
		code  string
		until time.Time
	}
}

// trustFor is how long a disproved suspicion is not raised again.
const trustFor = 10 * time.Minute

func newGate(confirmed bool, probeEvery time.Duration) *gate {
	return &gate{probeEvery: probeEvery, confirmed: confirmed, status: GateStatus{Open: true}}
}

// Status returns a copy of what an operator should see.
func (g *gate) Status() GateStatus {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.status
}

// unlimited is an allowance without a bound of the gate's own.
const unlimited = 1 << 30

// allowance says how many more calls may start now, and, when none may, after
// which pause to ask again (0: when a call in flight has ended).
func (g *gate) allowance(now time.Time) (calls int, pause time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.allowed(now)
}

func (g *gate) allowed(now time.Time) (calls int, pause time.Duration) {
	switch {
	case g.status.Reason == GatePaused:
		return 0, gateEvery
	case g.status.Open && g.confirmed:
		return unlimited, 0
	case g.status.Open:
		return max(0, 1-g.inFlight), 0
	case g.tentative:
		return max(0, 1-g.inFlight), 0
	case now.Before(g.status.Until):
		return 0, g.status.Until.Sub(now)
	case g.probing || !g.right:
		return 0, 0
	}
	return 1, 0
}

// wantsProbe tells whether the pause is over and the right to probe is to be
// asked for.
func (g *gate) wantsProbe(now time.Time) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.status.Open && g.status.Reason != GatePaused && !now.Before(g.status.Until) && !g.probing && !g.right && !g.tentative &&
		g.changes == g.published
}

// grantProbe gives this worker the right to probe.
func (g *gate) grantProbe() {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.right = !g.status.Open
}

// probeNewest tells whether the probe is to be made with the newest row: every
// other one is, so that a run of bad rows at one end of the queue does not keep
// the gate closed.
func (g *gate) probeNewest() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.status.Open && g.closings%2 == 1
}

// dropProbe takes the right to probe back, if it was not used, and tells
// whether it was there.
func (g *gate) dropProbe() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	had := g.right
	g.right = false
	return had
}

// ticket is one granted call.
type ticket struct {
	// probe: the gate is closed, and this call finds out whether it may open.
	probe bool
	// putBack: the call is for a row that a replay put back.
	putBack bool
	// deadline is when the call must have ended: the lease covers no more.
	deadline time.Time
}

// enter asks to start a call; each ticket must be given back by leave or
// answered.
func (g *gate) enter(now time.Time) (t ticket, ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if calls, _ := g.allowed(now); calls == 0 {
		return ticket{}, false
	}
	g.inFlight++
	t.probe = !g.status.Open
	if t.probe && !g.tentative {
		g.probing, g.right = true, false
	}
	return t, true
}

// leave ends a points call and learns from its reply. held says that a refusal is
// taken for our own mistake: its row must go back untouched. changed says that
// the gate opened, closed, or is closed for another reason now.
func (g *gate) leave(now time.Time, t ticket, member string, reply vendorapi.Reply) (held, changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.learn(now, t, member, reply, &g.failures)
}

// learn is leave, by which failures in a row are counted.
func (g *gate) learn(now time.Time, t ticket, member string, reply vendorapi.Reply, failures *int) (held, changed bool) {
	g.end(t)
	before := g.status
	unclear := reply.Outcome == vendorapi.Unknown || reply.Outcome == vendorapi.NotSent && !errors.Is(reply.Err, vendorapi.ErrUnsendable)
	if unclear {
		*failures++
	} else {
		*failures = 0
	}
	switch reply.Outcome {
	case vendorapi.Applied, vendorapi.AlreadyApplied, vendorapi.Refused:
		g.served = now
	}
	switch reply.Outcome {
	case vendorapi.Applied, vendorapi.AlreadyApplied:
		g.confirmed, g.unreadable = true, 0
		// A success of a call that started before the closing says nothing
		// about a pause the vendor asked for since; it does end a suspicion.
		if t.probe || g.suspected.yes {
			g.disprove(now)
			g.reopen()
		}
		g.putBack.served(now, t)
		g.streak.code, g.streak.members = "", nil
	case vendorapi.Unauthorised:
		g.close(now, t, GateUnauthorised, reply, 0)
	case vendorapi.Throttled:
		g.close(now, t, GateThrottled, reply, reply.RetryAfter)
	case vendorapi.Refused:
		held = g.refused(now, t, member, reply)
	default:
		// Nothing learned about credentials or pace: a probe that ended so
		// lifts a pause, but neither a suspicion nor the breaker.
		switch {
		case t.probe && (g.suspected.yes || g.status.Reason == GateFailing && unclear):
			g.close(now, t, g.status.Reason, reply, 0)
		case t.probe:
			g.reopen()
		case g.status.Open && *failures >= breakerLimit:
			g.close(now, t, GateFailing, reply, 0)
		}
	}
	return held, before.Open != g.status.Open || before.Reason != g.status.Reason
}

// unused gives a ticket back without a call.
func (g *gate) unused(t ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(t)
	g.right = g.right || t.probe && !g.tentative
}

func (g *gate) end(t ticket) {
	g.inFlight--
	if t.probe {
		g.probing = false
	}
}

// reopen opens the gate by what a call showed. What a person paused only a person
// opens, also when a call was under way that ends well.
func (g *gate) reopen() {
	if g.status.Reason != GatePaused {
		g.open()
	}
}

func (g *gate) open() {
	if !g.status.Open {
		g.changes++
	}
	g.status = GateStatus{Open: true}
	g.closings, g.failures, g.unreadable, g.right, g.tentative = 0, 0, 0, false, false
	g.streak.code, g.streak.members = "", nil
	g.suspected.yes, g.suspected.code = false, ""
}

// disprove keeps that the suspected code is about members, not about us.
func (g *gate) disprove(now time.Time) {
	if g.suspected.yes && g.suspected.code != "" {
		g.trusted.code, g.trusted.until = g.suspected.code, now.Add(trustFor)
	}
}

// refused follows the streak of one code over different members.
func (g *gate) refused(now time.Time, t ticket, member string, reply vendorapi.Reply) (held bool) {
	code := refusalCode(reply)
	switch {
	case t.probe || g.suspected.yes:
	case t.putBack && code == g.trusted.code && now.Before(g.trusted.until):
		return false
	case t.putBack:
		return g.putBack.refused(now, code, member, g.probeEvery)
	default:
		g.putBack.liveRefused(code)
	}
	if g.suspected.yes && (g.suspected.code == "" || g.suspected.code == code) {
		g.suspected.code = code
		if t.probe {
			g.close(now, t, GateSuspicious, reply, g.probeEvery)
		}
		return true
	}
	if g.suspected.yes || t.probe {
		// Another code, or a refusal after a pause: the vendor looks at what
		// we send again.
		g.reopen()
	}
	if code == g.trusted.code && now.Before(g.trusted.until) {
		return false
	}
	if g.streak.members == nil || code != g.streak.code {
		g.streak.code, g.streak.members = code, make(map[string]struct{}, suspicionLimit)
	}
	g.streak.members[member] = struct{}{}
	if len(g.streak.members) < suspicionLimit {
		return false
	}
	g.suspected.yes, g.suspected.code = true, code
	g.close(now, t, GateSuspicious, reply, g.probeEvery)
	return true
}

// refusalCode tells refusals apart: by the vendor's code, or by the status
// where the vendor has no codes (Kylin).
func refusalCode(reply vendorapi.Reply) string {
	if reply.Code != "" {
		return reply.Code
	}
	return "HTTP " + strconv.Itoa(reply.HTTPStatus)
}

// close closes the gate or, when it is closed, keeps it so. pause 0 takes
// probePause. A pause that is running is only ever made longer, and a person's
// stays what it is.
func (g *gate) close(now time.Time, t ticket, reason GateReason, reply vendorapi.Reply, pause time.Duration) {
	if g.status.Reason == GatePaused {
		return
	}
	g.tentative = false
	fresh := g.status.Open
	if fresh {
		g.status = GateStatus{Since: now}
	}
	if fresh || t.probe {
		g.closings++
	}
	if pause <= 0 {
		pause = probePause(reason, g.closings)
	}
	g.changes++
	if !g.suspected.yes || reason == GateSuspicious {
		g.status.Reason = reason
		g.status.Words = words(reply)
	}
	if until := now.Add(pause); until.After(g.status.Until) {
		g.status.Until = until
	}
}

// words is what the vendor said, for a person. Of an answer that could not be
// read the reason comes first: its envelope may say that all is well
// (TestGateSaysWhyAnAnswerWasUnclear).
func words(reply vendorapi.Reply) string {
	switch {
	case reply.Outcome == vendorapi.Unknown && reply.Err != nil && reply.Code != "":
		return reply.Err.Error() + "; the answer began with " + strings.TrimSpace(reply.Code+" "+reply.Message)
	case reply.Code != "" && reply.Message != "":
		return reply.Code + " " + reply.Message
	case reply.Code != "" || reply.Message != "":
		return reply.Code + reply.Message
	case reply.Err != nil:
		return reply.Err.Error()
	}
	return reply.Outcome.String()
}
