package dispatch

import (
	"context"
	"fmt"
	"sync"
	"time"

	"go.uber.org/zap"
)

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

// watchClock looks at the database's clock and says when it was set.
func (d *Dispatcher) watchClock(ctx context.Context) {
	asked := time.Now()
	now, err := d.store.Clock(ctx)
	d.note(err)
	if err != nil {
		return
	}
	if step := d.clock.look(asked, time.Now(), now); step != 0 {
		d.log.Warn("the database's clock was set: leases are kept by this process's clock, due times and keys' ages move with it",
			zap.Float64("seconds", step.Seconds()))
	}
}

// keyMemory is a memory of keys less what the database's clock was set back by:
// a key may be that much older than the database says.
func (d *Dispatcher) keyMemory(memory time.Duration) time.Duration {
	return max(0, memory-d.clock.setBack())
}
