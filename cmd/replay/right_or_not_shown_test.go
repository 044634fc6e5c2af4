package main

import (
	"regexp"
	"strings"
	"testing"
	"time"

	"pointsledger/desk/wording"
	"pointsledger/vendorapi/sim"
)

// The vendor throttles the canary's first calls: it ended at once with "tried
// without success", although all of it was about to post.
func TestRunCanaryWaitsForAnotherAttempt(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.parked(6)
	c.startVendor(sim.Config{Zhimai: sim.ZhimaiConfig{Faults: sim.Faults{MaxPerKey: 1, RetryAfter: time.Second,
		Rates: map[sim.FaultKind]float64{sim.Throttle: 1}}}})
	contains(t, c.must(0, carrying(c.makePlan(), "--canary", "2", "--canary-share", "1")...), "canary 2 of 2 posted", "Put back 6 of 6 operations")
}

// The times of one view are in one zone, also inside our own words.
func TestShowWritesTimesInOneZone(t *testing.T) {
	t.Parallel()
	c := newConsole(t)
	c.record("SO-1")
	c.park("verification_candidates", time.Minute, true)
	c.exec(`INSERT INTO attempts (operation_id, call, outcome, error, duration_ms)
		VALUES (1, 'records', 'unknown', 'verification: records that may be this operation; 100 points at 2026-11-20T15:04:05+08:00 "x"; 100 points at 2026-11-20T07:04:05Z "y"', 5)`)
	out := c.must(0, "show", "SO-1")
	want := time.Date(2026, 11, 20, 7, 4, 5, 0, time.UTC).Local()
	flat := strings.Join(strings.Fields(out), " ")
	if strings.Count(flat, "points at "+wording.Moment(want)) != 2 {
		t.Errorf("want both times as %s in\n%s", want.Format("15:04:05 -07:00"), out)
	}
	contains(t, out, "(times in "+want.Format("-07:00")+")")
	if other := regexp.MustCompile(`\dT\d\d:\d\d:\d\d`).FindString(out); other != "" {
		t.Errorf("%s is in another form:\n%s", other, out)
	}
}
