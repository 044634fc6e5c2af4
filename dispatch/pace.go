package dispatch

import (
	"context"
	"sync"
	"time"
)

// slotStore is the rate that all workers of an account share.
type slotStore interface {
	ReserveSlots(ctx context.Context, account string, take time.Duration) (in time.Duration, err error)
}

// pacer spreads calls so that all workers of an account together start at most
// so many in a second. Workers reserve a tenth of a second's calls at a time in
// the ledger; what is reserved and not used in its time is lost, so the rate is
// never exceeded to catch up. Safe for concurrent use.
type pacer struct {
	// every is the time one call takes at the rate; 0 means no limit.
	every   time.Duration
	account string
	slots   slotStore

	mu   sync.Mutex
	next time.Time // the next reserved call
	left int       // reserved calls that remain
}

// chunk is how many calls one reservation takes.
func (p *pacer) chunk() int {
	return max(1, int(100*time.Millisecond/p.every))
}

// wait returns when the next call may start, or with ctx's error.
func (p *pacer) wait(ctx context.Context) error {
	if p.every <= 0 {
		return nil
	}
	at, err := p.slot(ctx)
	if err != nil {
		return err
	}
	if pause := time.Until(at); pause > 0 && !sleep(ctx, pause) {
		return ctx.Err()
	}
	return nil
}

// slot takes the next reserved time, reserving more when none is left.
func (p *pacer) slot(ctx context.Context) (time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	for p.left > 0 && p.next.Add(p.every).Before(now) {
		p.next, p.left = p.next.Add(p.every), p.left-1 // its time has passed
	}
	if p.left == 0 {
		n := p.chunk()
		in, err := p.slots.ReserveSlots(ctx, p.account, time.Duration(n)*p.every)
		if err != nil {
			return now, err
		}
		p.next, p.left = time.Now().Add(in), n
	}
	at := p.next
	p.next, p.left = p.next.Add(p.every), p.left-1
	return at, nil
}
