package dispatch

import (
	"context"
	"time"

	"go.uber.org/zap"

	"pointsledger/ledger"
)

// deadStore is what the sweep needs of the ledger to take back what nobody
// serves any more.
type deadStore interface {
	Leases(ctx context.Context, account string) (map[ledger.LeaseSeen]bool, error)
	Rescue(ctx context.Context, account string, dead []ledger.LeaseSeen, maxAttempts int, rest time.Duration) (int, error)
	ParkForgotten(ctx context.Context, account string, keyMemory time.Duration, lookedUp bool) (int, error)
}

// deadLeases is an observer's memory of the leases in the outbox. A lease is
// dead when its token and end were seen unchanged for one lease of this
// process's monotonic clock, and is over by the database's: a database whose
// clock is set forward, or one that took over with another, makes no worker dead.
// A renewal changes the end. For use by one goroutine; bounded by what one look
// returns.
type deadLeases struct {
	since map[ledger.LeaseSeen]time.Time
}

// look keeps what was seen at a time, and returns what is dead.
func (d *deadLeases) look(now time.Time, seen map[ledger.LeaseSeen]bool, lease time.Duration) (dead []ledger.LeaseSeen) {
	since := make(map[ledger.LeaseSeen]time.Time, len(seen))
	for l, over := range seen {
		first, known := d.since[l]
		if !known {
			first = now
		}
		since[l] = first
		if over && now.Sub(first) >= lease {
			dead = append(dead, l)
		}
	}
	d.since = since
	return dead
}

// looksPerLease is how often leases are looked at within one.
const looksPerLease = 8

// sweepLoop takes back rows of workers that are gone and parks rows whose key
// the vendor may have forgotten. Leases are watched from their birth, so that the
// rows of a killed worker come back about one lease after its last renewal.
func (d *Dispatcher) sweepLoop(ctx context.Context) {
	var watched deadLeases
	var looked time.Time
	for ok := true; ok; ok = sleep(ctx, d.account.PollEvery) {
		if now := time.Now(); looked.IsZero() || now.Sub(looked) >= d.account.Lease/looksPerLease {
			looked = now
			d.watchClock(ctx)
			d.note(d.registerShape(ctx))
			d.rescue(ctx, &watched)
		}
		d.releaseTakeBacks(ctx)
		if d.account.Verify {
			d.note(d.hastenDoubt(ctx))
		}
		parked, err := d.book.dead.ParkForgotten(ctx, d.account.Name, d.keyMemory(d.account.KeyMemory-d.account.Lease), d.account.Verify)
		d.note(err)
		if err == nil && parked > 0 {
			d.observer.Settled(d.account.Name, string(ledger.Parked), parked)
			d.log.Warn("parked in doubt: the vendor may have forgotten the keys", zap.Int("rows", parked))
		}
	}
}

// rescue looks at the leases and takes back what is dead.
func (d *Dispatcher) rescue(ctx context.Context, watched *deadLeases) {
	// Before the look: what it shows was so at this time or later.
	now := time.Now()
	seen, err := d.book.dead.Leases(ctx, d.account.Name)
	d.note(err)
	if err != nil {
		return
	}
	dead := watched.look(now, seen, d.account.Lease)
	for len(dead) > 0 {
		expired, err := d.book.dead.Rescue(ctx, d.account.Name, dead, d.policy.maxAttempts, d.account.restAfterLease())
		d.note(err)
		if err != nil || expired == 0 {
			return
		}
		d.observer.LeasesExpired(d.account.Name, expired)
		d.log.Warn("expired leases taken back, in doubt", zap.Int("rows", expired))
		d.Wake()
	}
}
