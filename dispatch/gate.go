package dispatch

import (
	"sync"
	"time"

	"pointsledger/vendorapi"
)

// GateReason says why a gate is closed.
type GateReason string

const (
	// GateUnauthorised: the vendor refused our credentials.
	GateUnauthorised GateReason = "unauthorised"
	// GateThrottled: the vendor asked for a pause.
	GateThrottled GateReason = "throttled"
	// GateSuspicious: one refusal code for many members, and no success.
	GateSuspicious GateReason = "suspicious_refusals"
)

// GateStatus is a gate as an operator sees it.
type GateStatus struct {
	Open bool
	// Reason, Since, Until and Words are set when it is closed. At Until one
	// call probes; Words is what the vendor said.
	Reason GateReason
	Since  time.Time
	Until  time.Time
	Words  string
}

// suspicionLimit is how many members in a row one code may refuse before we
// suspect ourselves. The last of them is held back, so that at most nine rows
// are parked by mistake.
const suspicionLimit = 10

// probePauses are the pauses before a probe while the same trouble lasts; a
// vendor's Retry-After goes before them.
var probePauses = Schedule{time.Second, time.Second, 2 * time.Second, 5 * time.Second, 15 * time.Second, 30 * time.Second, time.Minute}

// gate holds back all calls of one account while calling makes no sense. While
// it is closed no row is claimed and no attempt used. It belongs to this
// process and is safe for concurrent use.
type gate struct {
	probeEvery time.Duration

	mu        sync.Mutex
	status    GateStatus
	closings  int  // in a row, without a success between them
	confirmed bool // the account has confirmed a call, ever
	inFlight  int
	probing   bool
	streak    struct {
		code    string
		members map[string]struct{}
	}
}

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
	case g.status.Open && g.confirmed:
		return unlimited, 0
	case g.status.Open:
		return max(0, 1-g.inFlight), 0
	case now.Before(g.status.Until):
		return 0, g.status.Until.Sub(now)
	case g.probing:
		return 0, 0
	}
	return 1, 0
}

// ticket is one granted call.
type ticket struct {
	// probe: the gate is closed, and this call finds out whether it may open.
	probe bool
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
	g.probing = g.probing || t.probe
	return t, true
}

// leave ends a call and learns from its reply. held says that a refusal is
// taken for our own mistake: its row must go back untouched. changed says that
// the gate opened, closed, or is closed for another reason now.
func (g *gate) leave(now time.Time, t ticket, member string, reply vendorapi.Reply) (held, changed bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(t)
	before := g.status
	switch reply.Outcome {
	case vendorapi.Applied, vendorapi.AlreadyApplied:
		g.confirmed = true
		g.streak.code, g.streak.members = "", nil
		// A success of a call that started before the closing says nothing
		// about a pause the vendor asked for since; it does end a suspicion.
		if t.probe || g.status.Reason == GateSuspicious {
			g.open()
		}
	case vendorapi.Unauthorised:
		g.close(now, t, GateUnauthorised, reply, 0)
	case vendorapi.Throttled:
		g.close(now, t, GateThrottled, reply, reply.RetryAfter)
	case vendorapi.Refused:
		held = g.refused(now, t, member, reply)
	default:
		// Nothing learned about credentials or pace: a probe that ended so
		// lifts a pause, but not a suspicion.
		switch {
		case t.probe && g.status.Reason == GateSuspicious:
			g.close(now, t, GateSuspicious, reply, 0)
		case t.probe:
			g.open()
		}
	}
	return held, before.Open != g.status.Open || before.Reason != g.status.Reason
}

// answered ends a call of another kind (a member look-up) that the vendor
// answered: it says nothing about points calls.
func (g *gate) answered(t ticket) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.end(t)
}

func (g *gate) end(t ticket) {
	g.inFlight--
	if t.probe {
		g.probing = false
	}
}

func (g *gate) open() {
	g.status = GateStatus{Open: true}
	g.closings = 0
	g.streak.code, g.streak.members = "", nil
}

// refused follows the streak of one code over different members.
func (g *gate) refused(now time.Time, t ticket, member string, reply vendorapi.Reply) (held bool) {
	suspected := !g.status.Open && g.status.Reason == GateSuspicious
	if suspected && reply.Code == g.streak.code {
		if t.probe {
			g.close(now, t, GateSuspicious, reply, g.probeEvery)
		}
		return true
	}
	if suspected || t.probe {
		// Another code, or a refusal after a pause: the vendor looks at what
		// we send again.
		g.open()
	}
	if g.streak.members == nil || reply.Code != g.streak.code {
		g.streak.code, g.streak.members = reply.Code, make(map[string]struct{}, suspicionLimit)
	}
	g.streak.members[member] = struct{}{}
	if len(g.streak.members) < suspicionLimit {
		return false
	}
	g.close(now, t, GateSuspicious, reply, g.probeEvery)
	return true
}

// close closes the gate or, when it is closed, keeps it so. pause 0 takes the
// next of probePauses. A pause that is running is only ever made longer.
func (g *gate) close(now time.Time, t ticket, reason GateReason, reply vendorapi.Reply, pause time.Duration) {
	fresh := g.status.Open
	if fresh {
		g.status = GateStatus{Since: now}
	}
	if fresh || t.probe {
		g.closings++
	}
	if pause <= 0 {
		pause = probePauses.Wait(g.closings, 0.5)
	}
	g.status.Reason = reason
	g.status.Words = words(reply)
	if until := now.Add(pause); until.After(g.status.Until) {
		g.status.Until = until
	}
}

// words is what the vendor said, for a person.
func words(reply vendorapi.Reply) string {
	switch {
	case reply.Code != "" && reply.Message != "":
		return reply.Code + " " + reply.Message
	case reply.Code != "" || reply.Message != "":
		return reply.Code + reply.Message
	case reply.Err != nil:
		return reply.Err.Error()
	}
	return reply.Outcome.String()
}
