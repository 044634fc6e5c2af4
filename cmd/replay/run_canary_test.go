package main

import (
	"testing"

	"pointsledger/vendorapi/sim"
)

// A canary that posts lets the rest follow.
func TestRunCanaryPosts(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.parked(12)
	c.startVendor(sim.Config{})
	contains(t, c.must(0, carrying(c.makePlan(), "--canary", "5", "--canary-share", "1")...),
		"Put back 12 of 12 operations", "canary 5 of 5 posted (wanted: 5)")
	c.waitFor("the postings", `SELECT count(*) FROM postings WHERE kind = 'posted'`, 12)
}

// A canary that parks again stops the rest, which can go on later.
func TestRunCanaryParksAgain(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.parked(12)
	vendor := c.startVendor(sim.Config{})
	if err := vendor.SetOpenKey("another"); err != nil {
		t.Fatal(err)
	}
	plan := c.makePlan()
	out := c.must(3, carrying(plan, "--canary", "5")...)
	contains(t, out, "Put back 5 of 12 operations", "stopped after the canary: 0 of 5 posted (wanted: 5), 5 parked again", "The rest is still parked",
		"left 7 of the plan", "replay run --plan "+plan+" --yes --operator lin --reason 'vendor is well'")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked' AND cause = 'attempts_exhausted'`); n != 7 {
		t.Errorf("%d of the rest are parked, want 7", n)
	}
	if n := c.count(`SELECT count(*) FROM ops_actions WHERE action = 'replay_end' AND result LIKE 'of action 1: stopped by the canary: put back 5 %; left 7'`); n != 1 {
		t.Error("the stop is not recorded as it was")
	}
	if err := vendor.SetOpenKey(sim.DefaultOpenKey); err != nil {
		t.Fatal(err)
	}
	contains(t, c.must(0, carrying(plan, "--canary", "2")...), "Going on with plan "+plan+": 5 put back", "Put back 7 of 7", "2 of 2 posted")
	c.waitFor("the postings", `SELECT count(*) FROM postings WHERE kind = 'posted'`, 7)
}

// A canary that no worker takes stops the rest, too, and says so.
func TestRunCanaryWithoutWorker(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.parked(5)
	plan := c.makePlan()
	contains(t, c.must(3, carrying(plan, "--canary", "2", "--canary-wait", "300ms")...), "no worker has taken any of its 2 operations", "is one running?",
		"canary 0 of 2 posted (wanted: 2), 2 not tried", "replay cancel "+plan)
	c.exec(`INSERT INTO gates (target, reason, vendor_says, closed_at, probe_at) VALUES ('zhimai', 'paused', 'paused by wang', now(), now())`)
	contains(t, c.must(0, "run", "--plan", plan), "GATE CLOSED zhimai: a person paused the account")
	contains(t, c.must(3, carrying(plan, "--canary", "1", "--canary-wait", "300ms")...), "closed to calls: zhimai (paused)")
	if n := c.count(`SELECT count(*) FROM outbox WHERE state = 'parked'`); n != 2 {
		t.Errorf("%d parked, want 2", n)
	}
}
