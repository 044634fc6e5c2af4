package dispatch

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	mathrand "math/rand/v2"
	"time"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
)

// claimStore is what the claim loop needs of the ledger, and leaseStore what
// keeps the leases of claimed rows alive.
type (
	claimStore interface {
		Claim(ctx context.Context, c ledger.Claim) ([]ledger.Claimed, error)
		NextDue(ctx context.Context, account string, keyMemory time.Duration) (time.Duration, bool, error)
	}
	leaseStore interface {
		Renew(ctx context.Context, ids []ledger.OperationID, tokens []ledger.LeaseToken, lease time.Duration) ([]ledger.OperationID, error)
	}
)

// claimLoop leases due rows into the queue until ctx ends.
func (d *Dispatcher) claimLoop(ctx context.Context) {
	for ctx.Err() == nil {
		if d.gate.wantsProbe(time.Now()) && !d.mayProbe(ctx) {
			d.waitForRoom(ctx, gateEvery)
			continue
		}
		limit, pause := d.claimLimit(time.Now())
		if limit <= 0 {
			d.reserved.setCaughtUp(false)
			d.waitForRoom(ctx, pause)
			continue
		}
		caughtUp, err := d.claimPaced(ctx, limit)
		d.note(err)
		if err != nil {
			sleep(ctx, storePause)
			continue
		}
		if caughtUp {
			d.returnProbe(ctx)
			d.reserved.setCaughtUp(true)
			d.waitForWork(ctx)
		}
	}
}

// claimLimit is how many rows to claim now. When it is 0, pause is how long
// that surely lasts; 0 means until a sender makes room.
func (d *Dispatcher) claimLimit(now time.Time) (limit int, pause time.Duration) {
	calls, pause := d.gate.allowance(now)
	if calls == 0 {
		return 0, pause
	}
	if calls < unlimited {
		// One call at a time, or a probe: nothing may wait in the queue.
		return calls - d.leases.count(), 0
	}
	// Claim in large steps, but before the senders run dry: a claim of a thousand
	// rows takes as long as quick calls of some hundred.
	queued := len(d.queue)
	if queued > d.claimStep()/2 {
		return 0, 0
	}
	return min(d.claimStep()-queued, maxHeld-d.reserved.count()-d.leases.count()), 0
}

// claimStep is the size the queue is filled up to: enough that a claim is rare
// compared with a send, within the bound on held rows.
func (d *Dispatcher) claimStep() int {
	return min(max(8*d.account.Concurrency, 256), maxHeld/3)
}

// claimPaced claims up to limit rows, and with a rate no more than it has slots
// for. caughtUp says that no more was due.
func (d *Dispatcher) claimPaced(ctx context.Context, limit int) (caughtUp bool, err error) {
	pacer := d.pace.claim
	if pacer == nil {
		claimed, err := d.claimDrawn(ctx, limit, nil)
		return claimed < limit, err
	}
	// A slot that is reserved while nothing is due would be lost to other workers.
	in, some, err := d.book.claims.NextDue(ctx, d.account.Name, d.keyMemory(d.account.claimKeyMemory()))
	if err != nil || !some || in > 0 {
		return true, err
	}
	slots, err := pacer.take(ctx, limit, false)
	if err != nil {
		return false, err
	}
	if err := sleepUntil(ctx, slots[0]); err != nil {
		return false, err
	}
	claimed, err := d.claimDrawn(ctx, len(slots), slots)
	return claimed < len(slots), err
}

// claimTimeout bounds one claim.
const claimTimeout = 10 * time.Second

// claimDrawn claims up to limit rows, as lanes and age are drawn. The probe of a gate
// may take the newest row of any lane, and its trial one that is not in doubt before
// any other.
func (d *Dispatcher) claimDrawn(ctx context.Context, limit int, slots []time.Time) (claimed int, err error) {
	defer func() { d.pace.claim.putBack(slots[min(claimed, len(slots)):], false) }()
	claim := ledger.Claim{Account: d.account.Name, Lease: d.account.Lease, KeyMemory: d.keyMemory(d.account.claimKeyMemory()),
		Newest: d.gate.probeNewest(), Undoubted: d.gate.onTrial(), Shape: d.shape.hash}
	take := func(lane int, fresh bool, most int) (int, error) {
		claim.Bulk, claim.Fresh, claim.Limit = lane == bulk, fresh, most
		got, err := d.claimOnce(ctx, claim, slots[min(claimed, len(slots)):])
		claimed += got
		return got, err
	}
	if claim.Newest {
		_, err = take(live, false, limit)
	} else {
		_, err = d.lanes.claim(limit, time.Now(), take)
	}
	if claim.Undoubted && err == nil && claimed == 0 {
		claim.Undoubted = false
		_, err = d.lanes.claim(limit, time.Now(), take)
	}
	return claimed, err
}

// claimOnce makes a claim and queues its rows, each with one of the slots where
// there are some.
func (d *Dispatcher) claimOnce(ctx context.Context, claim ledger.Claim, slots []time.Time) (int, error) {
	before := time.Now()
	// A claim that has begun is seen to its end: rows that were leased to nobody
	// would be in doubt for nothing. After a stop, the senders hand them back.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), claimTimeout)
	defer cancel()
	claim.Token = newToken()
	claimed, err := d.book.claims.Claim(ctx, claim)
	if err != nil {
		return 0, err
	}
	got := time.Now()
	rows := make([]*held, len(claimed))
	for i := range claimed {
		rows[i] = &held{Claimed: claimed[i], until: before.Add(d.account.Lease), claimedAt: before, gotAt: got}
	}
	withSlots(rows, slots)
	if len(rows) > 0 {
		sabotage.Crash(sabotage.AfterClaim)
	}
	d.leases.add(rows)
	for _, r := range d.chain(rows) {
		d.queue <- r
	}
	return len(rows), nil
}

// withSlots gives each row a slot, and returns those that are left.
func withSlots(rows []*held, slots []time.Time) (left []time.Time) {
	for i := range min(len(rows), len(slots)) {
		rows[i].slot = slots[i]
	}
	return slots[min(len(rows), len(slots)):]
}

// chain puts the doubtful rows of one member behind each other, where they are
// verified, so that one scan serves them all. It returns what to queue.
func (d *Dispatcher) chain(rows []*held) []*held {
	if !d.account.Verify {
		return rows
	}
	heads := make(map[string]*held)
	queued := rows[:0]
	for _, r := range rows {
		head := heads[r.MemberID]
		switch {
		case !d.mustVerify(r):
			queued = append(queued, r)
		case head == nil:
			heads[r.MemberID] = r
			queued = append(queued, r)
		default:
			d.pace.spare(r)
			r.next, head.next = head.next, r
		}
	}
	return queued
}

// newToken is a lease token that no other claim has: 63 random bits.
func newToken() ledger.LeaseToken {
	var b [8]byte
	rand.Read(b[:]) // never fails
	return ledger.LeaseToken(binary.LittleEndian.Uint64(b[:]) >> 1)
}

// waitForRoom waits until a sender has taken or ended a call, or until the
// pause of a closed gate is over.
func (d *Dispatcher) waitForRoom(ctx context.Context, pause time.Duration) {
	if pause <= 0 {
		pause = d.account.PollEvery
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-d.room:
	case <-timer.C:
	}
}

// waitForWork waits until somebody says that there are due rows, or until the
// ledger says so, which is asked when the next row will be due, and at least
// every PollEvery, spread so that workers do not poll in step.
func (d *Dispatcher) waitForWork(ctx context.Context) {
	for {
		select {
		case <-d.wakeup: // rows came in while we claimed: do not ask when
			return
		default:
		}
		wait := time.Duration(float64(d.account.PollEvery) * (1 - jitterShare + 2*jitterShare*mathrand.Float64()))
		in, some, err := d.book.claims.NextDue(ctx, d.account.Name, d.keyMemory(d.account.claimKeyMemory()))
		d.note(err)
		due := false
		if in = max(in, 0) + time.Millisecond; err == nil && some && in < wait {
			wait, due = in, true
		}
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-d.wakeup:
			timer.Stop()
			return
		case <-timer.C:
			if due {
				return
			}
		}
	}
}

// renewLoop prolongs all leases held, thrice within a lease.
func (d *Dispatcher) renewLoop(ctx context.Context) {
	for sleep(ctx, d.account.Lease/3) {
		rows, ids, tokens := d.leases.snapshot()
		if len(rows) == 0 {
			continue
		}
		before := time.Now()
		kept, err := d.book.leases.Renew(ctx, ids, tokens, d.account.Lease)
		d.note(err)
		if err != nil {
			continue // the leases end by themselves; covers stops the sends
		}
		d.leases.renewed(rows, kept, before.Add(d.account.Lease))
	}
}

// sleep waits and tells whether ctx is still alive.
func sleep(ctx context.Context, pause time.Duration) bool {
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return false
	case <-timer.C:
		return true
	}
}
