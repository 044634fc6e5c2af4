package dispatch

import (
	"testing"
	"time"

	"pointsledger/ledger/gates"
	"pointsledger/vendorapi"
)

// Records that cannot be read hold no points back while points calls are served:
// neither by their number nor by their credentials. The vendor's pace counts, and
// so does everything once nothing else is known of the vendor.
func TestRecordsThatFailHoldNoPointsBack(t *testing.T) {
	applied, unknown := vendorapi.Reply{Outcome: vendorapi.Applied}, vendorapi.Reply{Outcome: vendorapi.Unknown}
	forbidden := vendorapi.Reply{Outcome: vendorapi.Unauthorised, HTTPStatus: 403}
	g := newGate(true, time.Minute)
	at := clock
	read := func(reply vendorapi.Reply) {
		t.Helper()
		share(g, at)
		pass, ok := g.enter(at)
		if !ok {
			t.Fatalf("no reading allowed, gate %+v", g.Status())
		}
		g.unread(at, pass, "1", reply)
	}
	call(t, g, at, "1", applied)
	for range 3 * breakerLimit {
		read(unknown)
		read(forbidden)
	}
	if !g.Status().Open {
		t.Errorf("gate %+v although points calls are served", g.Status())
	}
	at = at.Add(servedFor)
	for range breakerLimit {
		read(forbidden)
	}
	if !g.Status().Open {
		t.Errorf("gate %+v although only the records are forbidden", g.Status())
	}
	for range breakerLimit {
		read(unknown)
	}
	if got := g.Status().Reason; got != GateFailing {
		t.Errorf("gate is %q after readings alone failed, want %q", got, GateFailing)
	}
	at = g.Status().Until
	read(unknown)
	if g.Status().Open {
		t.Error("a probe that could not be read opened the gate")
	}
	at = g.Status().Until
	call(t, g, at, "1", applied)
	read(vendorapi.Reply{Outcome: vendorapi.Throttled, RetryAfter: time.Second})
	if got := g.Status().Reason; got != GateThrottled {
		t.Errorf("gate is %q after a throttled reading, want %q", got, GateThrottled)
	}
}

// Points calls fail while records are read well: the readings neither keep the
// breaker from closing the gate nor open it; the points call that follows does.
// Where it was the records that failed, they open it themselves.
func TestRecordsThatAreWellOpenNoGate(t *testing.T) {
	read := func(g *gate, at time.Time) ticket {
		pass, ok := g.enter(at)
		if !ok {
			t.Fatal("no reading was let in")
		}
		g.answered(pass)
		return pass
	}
	failed := vendorapi.Reply{Outcome: vendorapi.Unknown, HTTPStatus: 500}
	g := newGate(true, time.Minute)
	for range breakerLimit {
		read(g, clock)
		call(t, g, clock, "1", failed)
	}
	if g.Status().Reason != GateFailing {
		t.Fatalf("gate %+v after %d points calls that failed, each with a reading before it", g.Status(), breakerLimit)
	}
	at := clock.Add(time.Second)
	g.grantProbe()
	for range 3 {
		if pass := read(g, at); !pass.probe || g.Status().Open {
			t.Fatalf("a reading opened the gate: %+v", g.Status())
		}
		if calls, _ := g.allowance(at); calls != 1 {
			t.Fatalf("%d calls after a reading that was answered, want one at a time", calls)
		}
		pass, _ := g.enter(at)
		if calls, _ := g.allowance(at); calls != 0 {
			t.Fatalf("%d calls beside one that is under way", calls)
		}
		g.unread(at, pass, "1", failed) // one that fails amid others says nothing
	}
	call(t, g, at, "1", failed)
	if calls, pause := g.allowance(at); calls != 0 || pause != 2*time.Second {
		t.Errorf("after a points call that failed: %d calls, pause %v", calls, pause)
	}
	at = at.Add(2 * time.Second)
	g.grantProbe()
	read(g, at)
	call(t, g, at, "1", vendorapi.Reply{Outcome: vendorapi.Applied})
	if calls, _ := g.allowance(at); !g.Status().Open || calls != unlimited {
		t.Errorf("a points call that was applied did not open the gate: %d calls", calls)
	}

	g = newGate(true, time.Minute)
	for range breakerLimit {
		pass, _ := g.enter(clock)
		g.unread(clock, pass, "1", failed)
	}
	if g.Status().Reason != GateFailing {
		t.Fatalf("gate %+v after %d readings that failed, and no points call served", g.Status(), breakerLimit)
	}
	g.grantProbe()
	if read(g, clock.Add(time.Second)); !g.Status().Open {
		t.Error("records that are well again did not open the gate that they had closed")
	}
}

// What another worker learned ends a trial of this one: a points call that failed
// there, or another reason, holds this worker too.
func TestAnotherWorkersNewsEndsATrial(t *testing.T) {
	for name, news := range map[string]gates.Gate{
		"a points call failed there": {Reason: string(GateFailing), ProbeIn: 8 * time.Second, Closings: 4},
		"throttled":                  {Reason: string(GateThrottled), ProbeIn: 8 * time.Second, Closings: 1},
	} {
		g := newGate(true, time.Minute)
		before := gates.Gate{Reason: string(GateFailing), Closings: 3}
		g.adopt(clock, before)
		g.grantProbe()
		pass, ok := g.enter(clock)
		if !ok {
			t.Fatal("no probe")
		}
		g.answered(pass)
		g.adopt(clock, before)
		if calls, _ := g.allowance(clock); calls != 1 {
			t.Fatalf("%s: %d calls while nothing is new, want one at a time", name, calls)
		}
		g.adopt(clock, news)
		if calls, pause := g.allowance(clock); calls != 0 || pause != 8*time.Second {
			t.Errorf("%s: %d calls, pause %v", name, calls, pause)
		}
	}
}
