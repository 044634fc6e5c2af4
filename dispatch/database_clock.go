package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

// clockStore is what watching the database's clock needs of the ledger.
type clockStore interface {
	Clock(ctx context.Context) (time.Time, error)
	RenewDoubt(ctx context.Context, account string, quietIn time.Duration) (int, error)
}

const (
	// clockJump is from how far on a step of the database's clock is told: less is
	// a slow answer, or a clock that is being slewed.
	clockJump = 5 * time.Second
	// clockTold is how long a step is told by Status.
	clockTold = 10 * time.Minute
)

// databaseClock compares the database's clock with this process's monotonic one.
// Leases, due times and the age of a key are measured by the database's. Safe
// for concurrent use.
type databaseClock struct {
	mu sync.Mutex
	// local and database are of the last look; zero before the first.
	local, database time.Time
	// back is by how much the clock was set back since the start: keys may be
	// older than the database says by this much.
	back time.Duration
	told string
	at   time.Time
	// owed: it was set, and the account's doubts still count as if the step had been
	// a wait; paid is when they no longer did, zero for never.
	owed bool
	paid time.Time
}

// look keeps one look: the database's time lies between asked and heard of this
// process. It returns by how much the database's clock moved more than it should;
// 0 is no step.
func (c *databaseClock) look(asked, heard, database time.Time) time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	local := asked.Add(heard.Sub(asked) / 2)
	defer func() { c.local, c.database = local, database }()
	if c.local.IsZero() {
		return 0
	}
	step := database.Sub(c.database) - local.Sub(c.local)
	// A Go clock stands still while the machine sleeps; the wall clock does not.
	if slept := local.Round(0).Sub(c.local.Round(0)) - local.Sub(c.local); slept > clockJump {
		step -= slept
	}
	if step.Abs() < clockJump+heard.Sub(asked) {
		return 0
	}
	if step < 0 {
		c.back -= step
	}
	c.owed = true
	c.told, c.at = fmt.Sprintf("the database's clock was set by %+.0f s", step.Seconds()), heard
	return step
}

// trouble says what is to be told of the clock now; empty is nothing.
func (c *databaseClock) trouble(now time.Time) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.told == "" || now.Sub(c.at) > clockTold {
		return ""
	}
	return c.told + " at " + c.at.UTC().Format(time.RFC3339)
}

func (c *databaseClock) setBack() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.back
}

func (c *databaseClock) owes() bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed
}

func (c *databaseClock) pay(at time.Time) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.owed, c.paid = false, at
}

// outdated tells that a row which was claimed at a time says of its doubt what
// was so before the clock was set.
func (c *databaseClock) outdated(claimed time.Time) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.owed || !c.paid.IsZero() && !claimed.After(c.paid)
}

// watchClock looks at the database's clock and says when it was set.
func (d *Dispatcher) watchClock(ctx context.Context) {
	asked := time.Now()
	now, err := d.book.clock.Clock(ctx)
	d.note(err)
	if err == nil {
		d.heedClock(ctx, asked, time.Now(), now)
	}
}

// heedClock looks at the database's time, heard between two times of this process.
// A step is no wait: what waits for the vendor's records to show it begins to wait
// anew, and does not wait for a time of before a step back (TestClockSetForwardIsNoWait,
// TestClockSetBackIsWaitedForNoLonger).
func (d *Dispatcher) heedClock(ctx context.Context, asked, heard, now time.Time) {
	if step := d.clock.look(asked, heard, now); step != 0 {
		d.log.Warn("the database's clock was set: leases are kept by this process's clock, due times and keys' ages move with it",
			zap.Float64("seconds", step.Seconds()))
	}
	if !d.clock.owes() {
		return
	}
	n, err := d.book.clock.RenewDoubt(ctx, d.account.Name, d.account.Timeout)
	d.note(err)
	if err != nil {
		return
	}
	d.clock.pay(time.Now())
	if n > 0 {
		d.log.Info("rows in doubt wait anew for the vendor's records to show them", zap.Int("rows", n))
	}
}

// keyMemory is a memory of keys less what the database's clock was set back by:
// a key may be that much older than the database says.
func (d *Dispatcher) keyMemory(memory time.Duration) time.Duration {
	return max(0, memory-d.clock.setBack())
}
