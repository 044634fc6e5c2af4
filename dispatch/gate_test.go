package dispatch

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// call makes one call through the gate and fails the test if it may not.
func call(t *testing.T, g *gate, now time.Time, member string, reply vendorapi.Reply) (held bool) {
	t.Helper()
	pass, ok := g.enter(now)
	if !ok {
		t.Fatalf("%s: no call allowed, gate %+v", member, g.Status())
	}
	held, _ = g.leave(now, pass, member, reply)
	return held
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
