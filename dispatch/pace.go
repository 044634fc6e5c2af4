package dispatch

import (
	"context"
	"slices"
	"sync"
	"time"

	"pointsledger/vendorapi"
)

// The calls beside those of operations that can have a rate of their own.
const (
	// CallRecords reads a page of a member's records.
	CallRecords = "records"
	// CallMember asks whose a scanned code is, and for a member's balance.
	CallMember = "member"
)

// slotStore is the rates that all workers of an account share.
type slotStore interface {
	ReserveSlots(ctx context.Context, account, call string, take time.Duration) (in time.Duration, err error)
}

// pace is the rates of an account's calls. With one rate over all of them every
// call has the same pacer; a call without a rate has none.
type pace struct {
	calls map[string]*pacer
	// claim paces the claims: of the calls of operations the one that may be made
	// most often. A row is claimed for a slot of it. nil: claims are not paced.
	claim *pacer
}

// newPace makes the rates of an account.
func newPace(a *Account, slots slotStore) *pace {
	p := &pace{calls: map[string]*pacer{}}
	if a.RatePerSecond > 0 {
		p.claim = newPacer(a.Name, "", a.RatePerSecond, slots)
	}
	for call, rate := range a.Rates {
		if rate == 0 {
			continue
		}
		one := newPacer(a.Name, call, rate, slots)
		p.calls[call] = one
		if call != CallRecords && call != CallMember && (p.claim == nil || one.every < p.claim.every) {
			p.claim = one
		}
	}
	if a.RatePerSecond > 0 {
		p.calls = nil
	}
	return p
}

// of is the pacer of a call, nil when it has no rate.
func (p *pace) of(call string) *pacer {
	if p.calls == nil {
		return p.claim // one for all
	}
	return p.calls[call]
}

// readPatience is the longest wait of a sender for its turn to read. A row whose
// turn is further away goes back, so that rows which are to be looked up do not
// hold all senders while others could be sent.
const readPatience = time.Second

// wait returns when the call may start for the row. When ok is false it is not to
// be made now; later is when it is worth to come back, 0 when nobody knows.
func (p *pace) wait(ctx context.Context, call string, row *held) (later time.Duration, ok bool, err error) {
	one := p.of(call)
	switch {
	case call == CallRecords, call == CallMember:
		p.spare(row) // by the time it is sent, its slot would be over
		if ahead := one.ahead(time.Now()); ahead > readPatience {
			return ahead, false, nil
		}
	case one != nil && one == p.claim && !row.slot.IsZero():
		at := row.slot
		row.slot = time.Time{}
		if one.inTime(at, time.Now()) {
			return 0, true, sleepUntil(ctx, at)
		}
	default:
		p.spare(row) // it has a rate of its own, or none
	}
	return 0, true, one.wait(ctx)
}

// spare gives the slot that a row was claimed for to whoever needs one.
func (p *pace) spare(row *held) {
	if p.claim == nil || row.slot.IsZero() {
		return
	}
	p.claim.putBack([]time.Time{row.slot}, true)
	row.slot = time.Time{}
}

// turns has each HTTP call under the context wait for a slot of the call, one after
// the other. had says that the first one has its slot.
func (p *pace) turns(ctx context.Context, call string, had bool) context.Context {
	one := p.of(call)
	if one == nil {
		return ctx
	}
	return vendorapi.WithTurns(ctx, func(ctx context.Context) error {
		if had {
			had = false
			return nil
		}
		return one.wait(ctx)
	})
}

// pacer spreads the calls of one rate so that all workers of an account together
// start at most so many in a second. Workers reserve a tenth of a second's calls
// at a time in the ledger; what is reserved and not used in its time is lost, so
// the rate is never exceeded to catch up. nil paces nothing. Safe for concurrent
// use.
type pacer struct {
	// every is the time one call takes at the rate.
	every         time.Duration
	account, call string
	slots         slotStore

	mu sync.Mutex
	// free are reserved slots in order of time; spared are those of them that are
	// for calls, not for further claims.
	free, spared []time.Time
	// last is the latest slot that was taken.
	last time.Time
}

func newPacer(account, call string, perSecond float64, slots slotStore) *pacer {
	return &pacer{every: time.Duration(float64(time.Second) / perSecond), account: account, call: call, slots: slots}
}

// chunkTime is how long the calls of one reservation take.
const chunkTime = 100 * time.Millisecond

// chunk is how many calls one reservation takes.
func (p *pacer) chunk() int {
	return max(1, int(chunkTime/p.every))
}

// late is how long after its time a slot may be used: the time of a claim or of a
// switch between processes.
const late = 50 * time.Millisecond

// inTime tells whether a slot may still be used.
func (p *pacer) inTime(slot, now time.Time) bool {
	return !slot.Add(max(p.every, late)).Before(now)
}

// ahead is how far away the next slot surely is.
func (p *pacer) ahead(now time.Time) time.Duration {
	if p == nil {
		return 0
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return max(0, p.last.Sub(now))
}

// wait returns when the next call may start, or with ctx's error.
func (p *pacer) wait(ctx context.Context) error {
	if p == nil {
		return nil
	}
	slots, err := p.take(ctx, 1, true)
	if err != nil {
		return err
	}
	return sleepUntil(ctx, slots[0])
}

// take takes 1 to most slots, reserving more when none is left. forCalls: also
// those that were spared.
func (p *pacer) take(ctx context.Context, most int, forCalls bool) ([]time.Time, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.drop(time.Now())
	from := &p.free
	if forCalls && len(p.spared) > 0 {
		from = &p.spared
	}
	if len(*from) == 0 {
		if err := p.reserve(ctx); err != nil {
			return nil, err
		}
	}
	n := min(most, len(*from))
	taken := slices.Clone((*from)[:n])
	*from = (*from)[n:]
	if end := taken[n-1]; end.After(p.last) {
		p.last = end
	}
	return taken, nil
}

// takeNow takes n slots of the next tenth of a second, or none.
func (p *pacer) takeNow(ctx context.Context, n int) ([]time.Time, bool, error) {
	if n > p.chunk() {
		return nil, false, nil
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	now := time.Now()
	p.drop(now)
	if len(p.free) < n {
		if err := p.reserve(ctx); err != nil {
			return nil, false, err
		}
	}
	if p.free[n-1].After(now.Add(chunkTime)) {
		return nil, false, nil
	}
	taken := slices.Clone(p.free[:n])
	p.free = p.free[n:]
	return taken, true, nil
}

// reserve reserves a chunk. It is called with the lock held.
func (p *pacer) reserve(ctx context.Context) error {
	n := p.chunk()
	in, err := p.slots.ReserveSlots(ctx, p.account, p.call, time.Duration(n)*p.every)
	if err != nil {
		return err
	}
	at := time.Now().Add(in)
	for i := range n {
		p.free = append(p.free, at.Add(time.Duration(i)*p.every))
	}
	return nil
}

// drop forgets slots whose time has passed. It is called with the lock held.
func (p *pacer) drop(now time.Time) {
	for _, slots := range []*[]time.Time{&p.free, &p.spared} {
		for len(*slots) > 0 && !p.inTime((*slots)[0], now) {
			*slots = (*slots)[1:]
		}
	}
}

// putBack gives back slots that were not used. spared: a row was claimed for them,
// and will call later.
func (p *pacer) putBack(slots []time.Time, spared bool) {
	if p == nil || len(slots) == 0 {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	to := &p.free
	if spared {
		to = &p.spared
	}
	*to = append(*to, slots...)
	slices.SortFunc(*to, time.Time.Compare)
}

// sleepUntil waits for a time, or ends with ctx's error.
func sleepUntil(ctx context.Context, at time.Time) error {
	if pause := time.Until(at); pause > 0 && !sleep(ctx, pause) {
		return ctx.Err()
	}
	return nil
}
