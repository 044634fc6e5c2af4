package dispatch

import (
	"fmt"
	"testing"
	"time"

	"pointsledger/vendorapi"
)

// putBackCall is call for a row that a replay put back.
func putBackCall(t *testing.T, g *gate, now time.Time, member string, reply vendorapi.Reply) (held bool) {
	t.Helper()
	if g.holdsBack(now) > 0 {
		t.Fatalf("%s: held back", member)
	}
	share(g, now)
	pass, ok := g.enter(now)
	if !ok {
		t.Fatalf("%s: no call allowed, gate %+v", member, g.Status())
	}
	pass.putBack = true
	held, _ = g.leave(now, pass, member, reply)
	return held
}

// While the till's calls succeed, refusals of a replay are about their members.
func TestPutBackRefusalsBesideLiveSuccess(t *testing.T) {
	t.Parallel()
	g := newGate(true, time.Minute)
	call(t, g, clock, "live", applied)
	for i := range 700 {
		if putBackCall(t, g, clock.Add(time.Duration(i)*time.Millisecond), fmt.Sprint(i), refused) || !g.Status().Open {
			t.Fatalf("refusal %d of a replay is held, gate %+v", i+1, g.Status())
		}
	}
	// A live refusal of that code: the live calls do not all succeed.
	call(t, g, clock, "live 2", refused)
	for i := range suspicionLimit {
		if held := putBackCall(t, g, clock, fmt.Sprint(i), refused); held != (i == suspicionLimit-1) {
			t.Fatalf("refusal %d of a replay beside refused live calls: held %v", i+1, held)
		}
	}
	if !g.Status().Open {
		t.Fatal("a replay closed the gate")
	}
}

// Without a live call nothing shows that our keys are right: what a replay sends
// is held after nine, and nothing else is.
func TestPutBackRefusalsAlone(t *testing.T) {
	t.Parallel()
	g := newGate(true, time.Minute)
	for i := range suspicionLimit {
		if held := putBackCall(t, g, clock, fmt.Sprint(i), refused); held != (i == suspicionLimit-1) {
			t.Fatalf("refusal %d: held %v", i+1, held)
		}
	}
	if wait := g.holdsBack(clock.Add(20 * time.Second)); wait != 40*time.Second || !g.Status().Open {
		t.Fatalf("held for %v, gate %+v", wait, g.Status())
	}
	// One goes when the time is over, the others go on waiting.
	at := clock.Add(time.Minute)
	if !putBackCall(t, g, at, "eleventh", refused) {
		t.Fatal("the one that tries again is parked")
	}
	if wait := g.holdsBack(at); wait != time.Minute {
		t.Fatalf("held for %v", wait)
	}
	// The till was open all the time; its success ends the hold.
	call(t, g, at, "live", applied)
	if wait := g.holdsBack(at); wait != 0 {
		t.Errorf("held for %v after a live success", wait)
	}
	if putBackCall(t, g, at, "twelfth", refused) {
		t.Error("a refusal beside a live success is held")
	}
	// A minute without live calls: it is not known any more.
	at = at.Add(liveProves)
	for i := range suspicionLimit - 1 {
		putBackCall(t, g, at, fmt.Sprint(i), refused)
	}
	if !putBackCall(t, g, at, "tenth", refused) {
		t.Error("a success of long ago still counts")
	}
	other := refused
	other.Code = "40301"
	at = at.Add(time.Minute)
	if putBackCall(t, g, at, "another code", other) || g.holdsBack(at) != 0 {
		t.Error("another code does not end the hold")
	}
}
