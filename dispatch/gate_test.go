package dispatch

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/ledger/gates"
	"pointsledger/vendorapi"
)

// call makes one call through the gate and fails the test if it may not.
func call(t *testing.T, g *gate, now time.Time, member string, reply vendorapi.Reply) (held bool) {
	t.Helper()
	share(g, now)
	pass, ok := g.enter(now)
	if !ok {
		t.Fatalf("%s: no call allowed, gate %+v", member, g.Status())
	}
	held, _ = g.leave(now, pass, member, reply)
	return held
}

// share does what the ledger does for one worker alone: it has every change,
// and it gives the right to probe when it is asked.
func share(g *gate, now time.Time) {
	if p, news := g.unpublished(); news {
		g.markPublished(p)
	}
	if g.wantsProbe(now) {
		g.grantProbe()
	}
}

var (
	applied = vendorapi.Reply{Outcome: vendorapi.Applied}
	refused = vendorapi.Reply{Outcome: vendorapi.Refused, Code: "40101", Message: "签名错误"}
	clock   = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)
)

func TestGateOneCallUntilConfirmed(t *testing.T) {
	g := newGate(false, time.Minute)
	pass, ok := g.enter(clock)
	if !ok {
		t.Fatal("the first call is not allowed")
	}
	if _, again := g.enter(clock); again {
		t.Fatal("a second call at once before the first is confirmed")
	}
	g.leave(clock, pass, "1", applied)
	if calls, _ := g.allowance(clock); calls != unlimited {
		t.Errorf("after a success: %d calls allowed", calls)
	}
}

func TestGateSuspicion(t *testing.T) {
	g := newGate(true, time.Minute)
	for i := range suspicionLimit - 1 {
		if call(t, g, clock, fmt.Sprint(i), refused) {
			t.Fatalf("refusal %d is held", i+1)
		}
	}
	// The same member again is no further evidence.
	if call(t, g, clock, "3", refused) || !g.Status().Open {
		t.Fatal("a repeated member closed the gate")
	}
	if !call(t, g, clock, "tenth", refused) {
		t.Fatal("the tenth member's refusal is not held")
	}
	status := g.Status()
	if status.Open || status.Reason != GateSuspicious || status.Words != "40101 签名错误" || !status.Until.Equal(clock.Add(time.Minute)) {
		t.Fatalf("gate: %+v", status)
	}
	share(g, clock.Add(59*time.Second))
	if _, ok := g.enter(clock.Add(59 * time.Second)); ok {
		t.Fatal("a call before the probe is due")
	}
	// The probe is refused the same way: held, and another minute.
	at := clock.Add(61 * time.Second)
	if !call(t, g, at, "eleventh", refused) || g.Status().Until.Before(at.Add(59*time.Second)) {
		t.Fatalf("refused probe: %+v", g.Status())
	}
	// A probe with an unclear answer does not lift the suspicion.
	at = at.Add(61 * time.Second)
	call(t, g, at, "12", vendorapi.Reply{Outcome: vendorapi.Unknown})
	if g.Status().Open {
		t.Fatal("an unclear probe opened the gate")
	}
	at = at.Add(2 * time.Minute)
	call(t, g, at, "13", applied)
	if !g.Status().Open {
		t.Fatal("a successful probe left the gate closed")
	}
	if call(t, g, at, "14", refused) {
		t.Fatal("the streak survived a success")
	}
}

func TestGateSuspicionNeedsOneCode(t *testing.T) {
	g := newGate(true, time.Minute)
	for i := range 40 {
		reply := refused
		reply.Code = fmt.Sprint(i % 2)
		if call(t, g, clock, fmt.Sprint(i), reply) {
			t.Fatal("refusals with changing codes closed the gate")
		}
	}
}

// Replies of calls that were in flight when the gate closed are held as well.
func TestGateHoldsWhatWasInFlight(t *testing.T) {
	g := newGate(true, time.Minute)
	passes := make([]ticket, 64)
	for i := range passes {
		passes[i], _ = g.enter(clock)
	}
	held := 0
	for i, pass := range passes {
		if h, _ := g.leave(clock, pass, fmt.Sprint(i), refused); h {
			held++
		}
	}
	if held != 64-(suspicionLimit-1) {
		t.Errorf("held %d of 64, want all but %d", held, suspicionLimit-1)
	}
}

func TestGateThrottled(t *testing.T) {
	g := newGate(true, time.Minute)
	late, _ := g.enter(clock)
	call(t, g, clock, "1", vendorapi.Reply{Outcome: vendorapi.Throttled, RetryAfter: 7 * time.Second})
	// A success that was on its way does not shorten the pause.
	g.leave(clock, late, "2", applied)
	if _, pause := g.allowance(clock); pause != 7*time.Second {
		t.Fatalf("pause %v, want 7s", pause)
	}
	at := clock.Add(7 * time.Second)
	share(g, at)
	probe, ok := g.enter(at)
	if !ok {
		t.Fatal("no probe after the pause")
	}
	if _, second := g.enter(at); second {
		t.Fatal("two probes at once")
	}
	g.leave(at, probe, "3", applied)
	if calls, _ := g.allowance(at); calls != unlimited {
		t.Errorf("after the probe: %d calls allowed", calls)
	}
}

func TestGateUnauthorisedBacksOff(t *testing.T) {
	g := newGate(true, time.Minute)
	at := clock
	var pauses []time.Duration
	for range 9 {
		call(t, g, at, "1", vendorapi.Reply{Outcome: vendorapi.Unauthorised, HTTPStatus: 401})
		_, pause := g.allowance(at)
		pauses = append(pauses, pause)
		at = at.Add(pause)
	}
	if pauses[0] != time.Second || pauses[8] != time.Minute {
		t.Errorf("pauses %v, want 1 s growing to 1 min", pauses)
	}
	if since := g.Status().Since; !since.Equal(clock) {
		t.Errorf("closed since %v, want the first refusal", since)
	}
}

// A suspicion outlives what else happens to its probes.
func TestGateSuspicionOutlivesOtherPauses(t *testing.T) {
	g := newGate(true, time.Minute)
	at, parked := clock, 0
	for i := range 200 {
		if i%3 == 2 && !g.Status().Open {
			call(t, g, at, "probe", vendorapi.Reply{Outcome: vendorapi.Throttled, RetryAfter: time.Second})
		} else if !call(t, g, at, fmt.Sprint(i), refused) {
			parked++
		}
		at = at.Add(2 * time.Minute)
	}
	if parked != suspicionLimit-1 {
		t.Errorf("%d rows would be parked, want %d", parked, suspicionLimit-1)
	}
	if g.Status().Reason != GateSuspicious {
		t.Errorf("the reason is %s, want the suspicion", g.Status().Reason)
	}
}

// When a probe succeeds, the code was about members: their refusals then park
// one after the other and close the gate no more.
func TestGateDisprovedSuspicion(t *testing.T) {
	g := newGate(true, time.Minute)
	for i := range suspicionLimit {
		call(t, g, clock, fmt.Sprint(i), refused)
	}
	at := clock.Add(time.Hour)
	call(t, g, at, "good", applied)
	for i := range 50 {
		if call(t, g, at, fmt.Sprint("bad", i), refused) {
			t.Fatal("a disproved code was suspected again")
		}
	}
	other := refused
	other.Code = "40301"
	held := 0
	for i := range 2 * suspicionLimit {
		if share(g, at); g.Status().Open && call(t, g, at, fmt.Sprint("other", i), other) {
			held++
		}
	}
	if held != 1 {
		t.Error("another code is not suspected")
	}
	at = at.Add(time.Hour)
	call(t, g, at, "good", applied)
	for i := range suspicionLimit {
		if h := call(t, g, at, fmt.Sprint("later", i), refused); h != (i == suspicionLimit-1) {
			t.Fatalf("refusal %d after the trust has ended: held %v", i+1, h)
		}
	}
}

func TestGateBreaker(t *testing.T) {
	g := newGate(true, time.Minute)
	failed := vendorapi.Reply{Outcome: vendorapi.Unknown, HTTPStatus: 502}
	for range breakerLimit - 1 {
		call(t, g, clock, "1", failed)
	}
	call(t, g, clock, "1", vendorapi.Reply{Outcome: vendorapi.Refused, Code: "1"}) // it answers after all
	for range breakerLimit - 1 {
		call(t, g, clock, "1", failed)
	}
	if !g.Status().Open {
		t.Fatal("closed before 20 failures in a row")
	}
	at := clock
	call(t, g, at, "1", vendorapi.Reply{Outcome: vendorapi.NotSent})
	var pauses []time.Duration
	for range 7 {
		if g.Status().Reason != GateFailing {
			t.Fatalf("gate %+v, want failing", g.Status())
		}
		_, pause := g.allowance(at)
		pauses = append(pauses, pause)
		at = at.Add(pause)
		call(t, g, at, "1", failed)
	}
	if fmt.Sprint(pauses) != "[1s 2s 4s 8s 16s 30s 30s]" {
		t.Errorf("pauses %v", pauses)
	}
	call(t, g, at.Add(time.Minute), "1", applied)
	if !g.Status().Open {
		t.Error("a successful probe left the breaker open")
	}
}

// One worker learns, another adopts; only a probe's success opens both.
func TestGateIsShared(t *testing.T) {
	a, b := newGate(true, time.Minute), newGate(true, time.Minute)
	call(t, a, clock, "1", vendorapi.Reply{Outcome: vendorapi.Throttled, RetryAfter: 5 * time.Second})
	closed := gates.Gate{Reason: "throttled", Words: "slow down", ProbeIn: 5 * time.Second, Closings: 1}
	if !b.adopt(clock, closed) || b.Status().Open || b.adopt(clock, closed) {
		t.Fatalf("the other worker has not closed once: %+v", b.Status())
	}
	if calls, pause := b.allowance(clock); calls != 0 || pause != 5*time.Second {
		t.Errorf("allowance %d %v", calls, pause)
	}
	// What a worker has to tell itself comes before what it hears.
	if a.adopt(clock, gates.Gate{}) || a.Status().Open {
		t.Error("news of its own was overwritten")
	}
	share(a, clock)
	if !a.adopt(clock, gates.Gate{}) || !a.Status().Open {
		t.Error("the shared opening was not adopted")
	}
	if !b.adopt(clock, gates.Gate{Reason: "paused", ProbeIn: noLimit}) || b.wantsProbe(clock.Add(time.Hour)) {
		t.Error("a paused account is probed")
	}
}

// Calls that were under way when a person paused the account change nothing,
// however they end; the person's word opens the gate again.
func TestGatePausedAmidCalls(t *testing.T) {
	t.Parallel()
	throttled := vendorapi.Reply{Outcome: vendorapi.Throttled, RetryAfter: time.Hour}
	for name, reply := range map[string]vendorapi.Reply{"applied": applied, "refused": refused, "throttled": throttled,
		"unauthorised": {Outcome: vendorapi.Unauthorised}, "unknown": {Outcome: vendorapi.Unknown}} {
		g := newGate(true, time.Minute)
		now := clock
		var calls []ticket
		for range 2 * breakerLimit {
			pass, ok := g.enter(now)
			if !ok {
				t.Fatal("no call allowed")
			}
			calls = append(calls, pass)
		}
		// One more finds the vendor in trouble, and another is the probe.
		pass, _ := g.enter(now)
		g.leave(now, pass, "0", vendorapi.Reply{Outcome: vendorapi.Unauthorised})
		now = g.Status().Until
		share(g, now)
		probe, ok := g.enter(now)
		if !ok || !probe.probe {
			t.Fatalf("no probe: %+v", g.Status())
		}
		paused := gates.Gate{Reason: string(GatePaused), Words: "lin: their window", ProbeIn: time.Minute}
		g.adopt(now, paused)
		for i, pass := range append(calls, probe) {
			g.leave(now, pass, fmt.Sprint(i), reply)
			if status := g.Status(); status.Reason != GatePaused || status.Words != paused.Words {
				t.Fatalf("%s %d: the gate is %+v", name, i, status)
			}
		}
		if _, again := g.enter(now); again {
			t.Errorf("%s: a call is allowed", name)
		}
		share(g, now)
		g.adopt(now, gates.Gate{})
		if calls, _ := g.allowance(now); calls != unlimited {
			t.Errorf("%s: not open after the pause: %+v", name, g.Status())
		}
	}
}

// A pause holds although nobody has heard of it for long: the ledger is away.
func TestGatePausedOutlastsItsTime(t *testing.T) {
	t.Parallel()
	g := newGate(true, time.Minute)
	pass, _ := g.enter(clock)
	g.leave(clock, pass, "0", vendorapi.Reply{Outcome: vendorapi.Unauthorised})
	now := g.Status().Until
	share(g, now) // the right to probe is granted
	g.adopt(now, gates.Gate{Reason: string(GatePaused), ProbeIn: time.Minute})
	if calls, _ := g.allowance(now.Add(time.Hour)); calls != 0 {
		t.Errorf("%d calls are allowed", calls)
	}
	if _, ok := g.enter(now.Add(time.Hour)); ok {
		t.Error("a call begins")
	}
}
