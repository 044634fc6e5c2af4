package carry

import (
	"context"
	"time"
)

// pace spreads what is put back. The zero value does not.
type pace struct {
	perSecond int
	// next is when the next batch may go.
	next time.Time
}

// batchesPerSecond makes a paced run even: a vendor sees no bursts.
const batchesPerSecond = 4

// batch is how many go at once; 0 is as many as the ledger takes.
func (p *pace) batch() int {
	if p.perSecond == 0 {
		return 0
	}
	return max(p.perSecond/batchesPerSecond, 1)
}

// wait waits until the next batch may go.
func (p *pace) wait(ctx context.Context) error {
	in := time.Until(p.next)
	if p.perSecond == 0 || in <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(in)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// did counts operations that were put back now. Time that was lost is not made
// up for.
func (p *pace) did(n int64) {
	if p.perSecond == 0 {
		return
	}
	now := time.Now()
	if p.next.Before(now) {
		p.next = now
	}
	p.next = p.next.Add(time.Duration(n) * time.Second / time.Duration(p.perSecond))
}
