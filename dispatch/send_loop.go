package dispatch

import (
	"context"
	"errors"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// memberStore is what a sender needs of the ledger: a resolved member is kept
// before the first send.
type memberStore interface {
	Resolve(ctx context.Context, id ledger.OperationID, token ledger.LeaseToken, memberID string) (bool, error)
}

// sendLoop makes the calls of one sender until the queue is closed. After
// accept has ended it hands the rest of the queue back.
func (d *Dispatcher) sendLoop(accept, work context.Context) {
	for row := range d.queue {
		signal(d.reserved.freed)
		d.inFlight.Add(1)
		if d.mustVerify(row) {
			d.verify(accept, work, row)
		} else {
			d.results <- result{row, d.attempt(accept, work, row)}
		}
		d.inFlight.Add(-1)
		signal(d.room)
	}
}

// attempt makes the row's call, if it may, and decides what becomes of it.
func (d *Dispatcher) attempt(accept, work context.Context, row *held) decision {
	if d.isByHand(row.Kind) {
		return toAPerson(&row.Claimed)
	}
	if row.MemberID == "" {
		if decided, ok := d.resolve(accept, work, row); !ok {
			return decided
		}
	}
	return d.send(accept, work, row)
}

// begin asks for leave to make a call for the row now: the worker is not
// stopping, the gate is open, the call's rate allows it, and the lease covers it.
// When it is not to be made, wait is how long that surely lasts; 0 is not known.
func (d *Dispatcher) begin(accept context.Context, row *held, call string) (pass ticket, wait time.Duration, ok bool) {
	if calls, _ := d.gate.allowance(time.Now()); calls == 0 || accept.Err() != nil {
		return ticket{}, 0, false
	}
	wait, ok, err := d.pace.wait(accept, call, row)
	d.note(err)
	now := time.Now()
	if err != nil || !ok || !d.leases.covers(row, d.account.Timeout, now) {
		return ticket{}, wait, false
	}
	pass, ok = d.gate.enter(now)
	pass.putBack = row.PutBack
	// From the moment of the look at the lease: a process that is stopped from
	// here on finds its deadline over.
	pass.deadline = now.Add(d.account.Timeout)
	return pass, 0, ok
}

// heldBack says for how long a row is held back as one of many that a replay put
// back and that are refused alike; 0: not at all.
func (d *Dispatcher) heldBack(row *held) time.Duration {
	if !row.PutBack {
		return 0
	}
	return d.gate.holdsBack(time.Now())
}

// send makes the points call.
func (d *Dispatcher) send(accept, work context.Context, row *held) decision {
	if wait := d.heldBack(row); wait > 0 {
		return holdBack(&row.Claimed, wait)
	}
	pass, wait, ok := d.begin(accept, row, string(row.Kind))
	if !ok {
		return later(returnUnsent(&row.Claimed), wait)
	}
	if decided, ok := d.mayRepeat(work, row); !ok {
		d.gate.unused(pass)
		return decided
	}
	if d.forgotten(row) {
		// It waited here too long; the sweep parks it, or a scan looks it up.
		d.gate.unused(pass)
		return returnUnsent(&row.Claimed)
	}
	vendor, err := d.vendorFor(work, row)
	if err != nil {
		d.gate.unused(pass)
		d.log.Error("a row cannot be sent as it was sent before: it waits", zap.String("biz_id", string(row.BizID)), zap.Error(err))
		return later(returnUnsent(&row.Claimed), unknownShapeWait)
	}
	ctx, cancel := context.WithDeadline(work, pass.deadline)
	defer cancel()
	started := time.Now()
	row.calledAt = started
	sabotage.Crash(sabotage.BeforeSend)
	reply := vendor.Send(ctx, &row.VendorCall)
	sabotage.Crash(sabotage.AfterSend)
	d.observer.Attempted(d.account.Name, reply.Outcome, time.Since(started))
	h := d.learn(pass, row.MemberID, reply)
	switch reply.Outcome {
	case vendorapi.Applied, vendorapi.AlreadyApplied:
		d.strikes.success()
	case vendorapi.Unauthorised:
		h.atFault = d.strikes.unauthorised(row.ID)
	}
	d.logAttempt(row, reply)
	return decide(&row.Claimed, reply, h, d.policy, rand.Float64())
}

// forgotten tells whether the vendor may have forgotten the row's key by the
// end of a call that starts now. Only a row in doubt rests on that memory. The
// claim has looked before; since then the row may have waited in the queue for
// many renewals of its lease.
func (d *Dispatcher) forgotten(row *held) bool {
	if !row.InDoubt {
		return false
	}
	now := time.Now()
	waited := max(now.Sub(row.claimedAt), now.Round(0).Sub(row.claimedAt.Round(0)))
	return row.SentFor+waited+d.account.Timeout > d.keyMemory(d.account.KeyMemory)
}

// resolve finds the member behind the row's scanned code and commits it, so
// that every later attempt names the same member. When ok is false the row is
// not to be sent now, and the decision says what becomes of it.
func (d *Dispatcher) resolve(accept, work context.Context, row *held) (_ decision, ok bool) {
	if age := time.Since(row.EventTime); age > d.account.CodeMaxAge {
		return codeTooOld(&row.Claimed, age, d.account.CodeMaxAge), false
	}
	resolver, able := d.account.Vendor.(vendorapi.Resolver)
	if !able {
		return decideUnresolved(&row.Claimed, noResolver(), hold{}, d.policy, 0), false
	}
	if wait := d.heldBack(row); wait > 0 {
		return holdBack(&row.Claimed, wait), false
	}
	pass, wait, entered := d.begin(accept, row, CallMember)
	if !entered {
		return later(returnUnsent(&row.Claimed), wait), false
	}
	member, reply, h := d.whose(work, pass, resolver, row.MemberCode, d.learn)
	if reply.Outcome != vendorapi.Applied {
		d.logAttempt(row, reply)
		return decideUnresolved(&row.Claimed, reply, h, d.policy, rand.Float64()), false
	}
	kept, err := d.book.members.Resolve(work, row.ID, row.Token, member)
	d.note(err)
	if err != nil || !kept {
		// Not committed, or the lease is lost: either way nothing may be sent.
		return returnUnsent(&row.Claimed), false
	}
	row.MemberID, row.NeverSent = member, true
	sabotage.Crash(sabotage.AfterResolve)
	return decision{}, true
}

// whose asks for the member behind a code, and tells the gate; of what is no answer,
// by learn.
func (d *Dispatcher) whose(work context.Context, pass ticket, resolver vendorapi.Resolver, code string,
	learn func(ticket, string, vendorapi.Reply) hold) (member string, reply vendorapi.Reply, h hold) {
	ctx, cancel := context.WithDeadline(work, pass.deadline)
	defer cancel()
	member, reply = resolver.Resolve(ctx, code)
	if reply.Outcome == vendorapi.Applied || errors.Is(reply.Err, vendorapi.ErrNoMember) {
		d.gate.answered(pass) // also when it names nobody: nothing about us is suspicious
		return member, reply, hold{}
	}
	return member, reply, learn(pass, code, reply)
}

// noResolver is the answer of a vendor without a call that resolves codes.
func noResolver() vendorapi.Reply {
	return vendorapi.Reply{Outcome: vendorapi.Refused, Message: "this vendor offers no call that resolves a scanned member code"}
}

// learn tells the gate of a reply and everybody of the gate's change.
func (d *Dispatcher) learn(pass ticket, member string, reply vendorapi.Reply) hold {
	held, changed := d.gate.leave(time.Now(), pass, member, reply)
	d.tell(changed)
	// The next probe takes a row that was not tried: this one may be bad by itself.
	switch {
	case held:
		return hold{held: true, delay: d.account.ProbeEvery}
	case pass.probe && reply.Outcome == vendorapi.Unauthorised:
		return hold{delay: 2 * time.Until(d.gate.Status().Until)}
	}
	return hold{}
}

// tell passes on what the gate learned.
func (d *Dispatcher) tell(changed bool) {
	if changed {
		d.announce(d.gate.Status())
	}
	if _, news := d.gate.unpublished(); news {
		signal(d.gateNews)
	}
}

// announce logs that the gate opened or closed.
func (d *Dispatcher) announce(status GateStatus) {
	if status.Open {
		d.log.Info("gate opened")
		return
	}
	if status.Reason == GatePaused {
		d.log.Warn("gate closed by a person: no calls are made", zap.String("reason", string(status.Reason)), zap.String("paused", status.Words))
		return
	}
	d.log.Warn("gate closed: no calls are made, no attempts used",
		zap.String("reason", string(status.Reason)), zap.String("vendor_says", status.Words),
		zap.Time("probe_at", status.Until))
}

// logAttempt writes one line for an attempt that did not post.
func (d *Dispatcher) logAttempt(row *held, reply vendorapi.Reply) {
	if reply.Outcome == vendorapi.Applied || reply.Outcome == vendorapi.AlreadyApplied {
		return
	}
	d.log.Info("attempt did not post",
		zap.String("biz_id", string(row.BizID)), zap.String("business_key", row.BusinessKey),
		zap.String("outcome", reply.Outcome.String()), zap.Int("attempt", row.Attempts+1),
		zap.Int("http_status", reply.HTTPStatus), zap.String("vendor_code", reply.Code),
		zap.String("vendor_message", reply.Message), zap.Error(reply.Err),
		zap.Int64("duration_ms", reply.Duration.Milliseconds()))
}
