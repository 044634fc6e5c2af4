package dispatch

import (
	"testing"
	"time"

	"pointsledger/ledger"
)

func TestDeadLeases(t *testing.T) {
	t.Parallel()
	const lease = 30 * time.Second
	start, end := time.Now(), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	killed, alive := ledger.LeaseSeen{Token: 1, Until: end}, ledger.LeaseSeen{Token: 2, Until: end}
	var d deadLeases
	at := func(seconds int, seen map[ledger.LeaseSeen]bool) int {
		return len(d.look(start.Add(time.Duration(seconds)*time.Second), seen, lease))
	}
	// The database's clock is set forward: all are over, nobody is dead.
	if n := at(0, map[ledger.LeaseSeen]bool{killed: true, alive: true}); n != 0 {
		t.Errorf("at the first look %d are dead", n)
	}
	renewed := ledger.LeaseSeen{Token: 2, Until: end.Add(time.Minute)}
	if n := at(29, map[ledger.LeaseSeen]bool{killed: true, renewed: true}); n != 0 {
		t.Errorf("before a lease has gone by %d are dead", n)
	}
	if got := d.look(start.Add(lease), map[ledger.LeaseSeen]bool{killed: true, renewed: true}, lease); len(got) != 1 || got[0] != killed {
		t.Errorf("after a lease: %v", got)
	}
	// Unchanged for long, but not over by the database's clock, which was set back.
	if n := at(90, map[ledger.LeaseSeen]bool{renewed: false}); n != 0 {
		t.Errorf("not over by the database's clock: %d are dead", n)
	}
	// What was not seen for a while begins anew.
	if n := at(95, map[ledger.LeaseSeen]bool{killed: true}); n != 0 {
		t.Errorf("seen again: %d are dead", n)
	}
}

func TestDatabaseClockSteps(t *testing.T) {
	t.Parallel()
	start, database := time.Now(), time.Date(2026, 11, 20, 12, 0, 0, 0, time.UTC)
	var c databaseClock
	for _, look := range []struct{ local, database, want time.Duration }{
		{0, 0, 0},
		{4 * time.Second, 4 * time.Second, 0},
		{8 * time.Second, 10 * time.Second, 0}, // slewed
		{12 * time.Second, 74 * time.Second, 60 * time.Second},
		{16 * time.Second, 78 * time.Second, 0},
		{20 * time.Second, -3518 * time.Second, -time.Hour},
	} {
		at := start.Add(look.local)
		if got := c.look(at, at, database.Add(look.database)); got != look.want {
			t.Errorf("at %v: a step of %v, want %v", look.local, got, look.want)
		}
	}
	if c.setBack() != time.Hour {
		t.Errorf("set back by %v", c.setBack())
	}
	if text := c.trouble(start.Add(time.Minute)); text == "" {
		t.Error("the step is not told")
	}
	if text := c.trouble(start.Add(time.Hour)); text != "" {
		t.Errorf("still told: %s", text)
	}
	// A key is as much older than the database says.
	d := &Dispatcher{account: Account{KeyMemory: 24 * time.Hour, Timeout: time.Second}}
	row := &held{Claimed: ledger.Claimed{InDoubt: true, SentFor: 23*time.Hour + 30*time.Minute}, claimedAt: time.Now()}
	if d.forgotten(row) {
		t.Error("forgotten although no clock was set")
	}
	d.clock.look(start, start, database)
	d.clock.look(start.Add(time.Second), start.Add(time.Second), database.Add(-time.Hour))
	if !d.forgotten(row) {
		t.Error("a key that the vendor may have forgotten passes for a younger one")
	}
}

// A renewal that does not bring a row back drops it: no call is begun for it.
func TestRenewalDropsWhatIsMissing(t *testing.T) {
	t.Parallel()
	now := time.Now()
	l := newLeases()
	kept, lost := &held{Claimed: ledger.Claimed{ID: 1}, until: now.Add(time.Minute)}, &held{Claimed: ledger.Claimed{ID: 2}, until: now.Add(time.Minute)}
	l.add([]*held{kept, lost})
	l.renewed([]*held{kept, lost}, []ledger.OperationID{1}, now.Add(2*time.Minute))
	if !l.covers(kept, 90*time.Second, now) || l.covers(lost, time.Second, now) {
		t.Errorf("kept until %v, lost until %v", kept.until, lost.until)
	}
}
