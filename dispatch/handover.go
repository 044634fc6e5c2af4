package dispatch

import (
	"context"
	"sync"
	"time"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
)

// RecordStore is what a Handover needs of the ledger.
type RecordStore interface {
	RecordLeased(ctx context.Context, entries []ledger.Entry, leases []ledger.RecordLease) ([]ledger.Verdict, []ledger.Claimed, error)
}

// Handover records events and hands their operations to the dispatchers: where
// one has caught up with its outbox and has room, they are recorded as claimed
// and handed over in memory, which saves the claim; elsewhere they wait in the
// outbox, and the dispatcher is woken. It is safe for concurrent use.
type Handover struct {
	store RecordStore

	mu          sync.RWMutex
	dispatchers map[string]*Dispatcher
}

// NewHandover makes a Handover to the given dispatchers.
func NewHandover(store RecordStore, to []*Dispatcher) *Handover {
	h := &Handover{store: store, dispatchers: make(map[string]*Dispatcher, len(to))}
	for _, d := range to {
		h.dispatchers[d.Name()] = d
	}
	return h
}

// Replace hands over to another dispatcher of its account from now on.
func (h *Handover) Replace(d *Dispatcher) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.dispatchers[d.Name()] = d
}

// to is the dispatcher of an account, nil when it is not served here.
func (h *Handover) to(account string) *Dispatcher {
	h.mu.RLock()
	defer h.mu.RUnlock()
	return h.dispatchers[account]
}

// Record is the ledger's Record.
func (h *Handover) Record(ctx context.Context, entries []ledger.Entry) ([]ledger.Verdict, error) {
	var leases []ledger.RecordLease
	waiting, bulky := toSend(entries)
	type promise struct {
		from  *Dispatcher
		rows  int
		slots []time.Time
	}
	reserved := make(map[string]promise, len(waiting))
	for account, n := range waiting {
		d := h.to(account)
		if d == nil {
			continue
		}
		if slots, ok := d.reserve(ctx, n, bulky[account]); ok {
			reserved[account] = promise{d, n, slots} // the one that promised, whoever serves the account by then
			leases = append(leases, ledger.RecordLease{Account: account, Token: newToken(), Lease: d.account.Lease, Shape: d.shape.hash})
			delete(waiting, account)
		} else if d.account.freshShare() > 0 {
			leases = append(leases, ledger.RecordLease{Account: account, Fresh: true})
		}
	}
	before := time.Now()
	verdicts, leased, err := h.store.RecordLeased(ctx, entries, leases)
	if len(leased) > 0 {
		sabotage.Crash(sabotage.AfterClaim)
	}
	for _, l := range leases {
		p, some := reserved[l.Account]
		if !some {
			continue
		}
		p.from.take(p.rows, p.slots, l.Token, leased, before)
	}
	if err != nil {
		return nil, err
	}
	for account := range waiting {
		if d := h.to(account); d != nil {
			d.Wake()
		}
	}
	return verdicts, nil
}

// toSend counts the operations that have something to send, by account, and says
// where some are of the bulk lane.
func toSend(entries []ledger.Entry) (counts map[string]int, bulky map[string]bool) {
	counts = make(map[string]int)
	for i := range entries {
		if entries[i].Event == nil {
			continue
		}
		for _, o := range entries[i].Event.Operations {
			if o.Points > 0 {
				counts[o.Account]++
			}
			if o.Points > 0 && o.Bulk {
				if bulky == nil {
					bulky = make(map[string]bool)
				}
				bulky[o.Account] = true
			}
		}
	}
	return counts, bulky
}

// The intake waits for a dispatcher to make room as long as rows leave its queue,
// but at most two thirds of the time: one account that is slow, or stands still, must
// not hold up the others' events. It is behind then, and its rows wait in the
// outbox.
const (
	standstill = 50 * time.Millisecond
	// waitSaved is how much waiting can be saved up.
	waitSaved = 250 * time.Millisecond
)

// reservations are the places in a dispatcher's queue that are promised to the
// intake.
type reservations struct {
	mu sync.Mutex
	// caughtUp: the last claim took all that was due. Until then new rows would
	// overtake those that wait.
	caughtUp bool
	rows     int
	closed   bool
	// mayWait is how long the intake may wait, as of the time countedAt.
	mayWait   time.Duration
	countedAt time.Time
	// open are the promises that are not kept yet.
	open sync.WaitGroup
	// freed is signalled when a sender takes a row, or a result is settled.
	freed chan struct{}
}

// patience is how long the intake may wait now: two thirds of the time that has
// gone by, less what it has waited.
func (r *reservations) patience(now time.Time) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mayWait = min(r.mayWait+now.Sub(r.countedAt)/3*2, waitSaved)
	r.countedAt = now
	return r.mayWait
}

func (r *reservations) waited(d time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.mayWait -= d
}

// setCaughtUp says whether rows wait in the outbox that are due.
func (r *reservations) setCaughtUp(yes bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.caughtUp = yes
}

func (r *reservations) count() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.rows
}

// kept ends a promise of n rows.
func (r *reservations) kept(n int) {
	r.mu.Lock()
	r.rows -= n
	r.mu.Unlock()
	r.open.Done()
}

// close refuses further reservations and waits for those that were made.
func (r *reservations) close() {
	r.mu.Lock()
	r.closed = true
	r.mu.Unlock()
	r.open.Wait()
}

// reserve promises room in the queue for n rows, and waits a little for it; with a
// rate, it takes their slots. A promise must be kept by take. Without one the rows
// wait in the outbox, as always where some are of the bulk lane: in the queue they
// would stand before live ones that are not there yet.
func (d *Dispatcher) reserve(ctx context.Context, n int, bulky bool) (slots []time.Time, ok bool) {
	if ok = !bulky && d.reserveSoon(ctx, n); ok && d.pace.claim != nil {
		var err error
		slots, ok, err = d.pace.claim.takeNow(ctx, n)
		d.note(err)
		if !ok {
			d.reserved.kept(n)
		}
	}
	if !ok {
		d.reserved.setCaughtUp(false)
	}
	return slots, ok
}

func (d *Dispatcher) reserveSoon(ctx context.Context, n int) bool {
	ok, soon := d.tryReserve(n)
	if ok || !soon {
		return ok
	}
	began := time.Now()
	ctx, cancel := context.WithTimeout(ctx, d.reserved.patience(began))
	defer cancel()
	defer func() { d.reserved.waited(time.Since(began)) }()
	idle := time.NewTimer(standstill)
	defer idle.Stop()
	for {
		select {
		case <-d.reserved.freed:
			if ok, soon := d.tryReserve(n); ok || !soon {
				signal(d.reserved.freed) // there may be room for another batch as well
				return ok
			}
			idle.Reset(standstill)
		case <-idle.C:
			return false
		case <-ctx.Done():
			return false
		}
	}
}

// tryReserve promises room if it is there; soon says that it is worth to wait.
func (d *Dispatcher) tryReserve(n int) (ok, soon bool) {
	if calls, _ := d.gate.allowance(time.Now()); calls < unlimited || n > 2*d.claimStep() {
		return false, false
	}
	r := &d.reserved
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case r.closed || !r.caughtUp:
		return false, false
	case len(d.queue)+r.rows > d.claimStep() || d.leases.count()+r.rows+n > maxHeld:
		return false, true
	}
	r.rows += n
	r.open.Add(1)
	return true, false
}

// take queues those of the leased rows that have the token, and so keeps the
// promise of room for n. before is a moment before they were leased.
func (d *Dispatcher) take(n int, slots []time.Time, token ledger.LeaseToken, leased []ledger.Claimed, before time.Time) {
	got := time.Now()
	rows := make([]*held, 0, n)
	for i := range leased {
		if leased[i].Token == token {
			rows = append(rows, &held{Claimed: leased[i], until: before.Add(d.account.Lease), claimedAt: before, gotAt: got})
		}
	}
	d.pace.claim.putBack(withSlots(rows, slots), false)
	d.leases.add(rows)
	for _, r := range rows {
		d.queue <- r
	}
	d.reserved.kept(n)
}
