package dispatch

import (
	"context"
	"time"

	"pointsledger/ledger"
	"pointsledger/ledger/waiting"
	"pointsledger/vendorapi"
)

// codeStore knows the codes of what is not to be sent yet.
type codeStore interface {
	TakeCode(ctx context.Context, account string, forTime time.Duration) (waiting.Code, bool, error)
	KeepMember(ctx context.Context, id ledger.OperationID, memberID string) (bool, error)
	PutCodeBack(ctx context.Context, u waiting.Unresolved) (parked bool, err error)
}

// codesLoop asks whose the codes are of what is not to be sent yet, one after the other,
// while nothing is due: a code that was scanned a week ago may be somebody else's. The
// row is not leased for that: whoever loses a member between the answer and the commit
// has sent nothing, and the next one asks again.
func (d *Dispatcher) codesLoop(accept, work context.Context) {
	for ok := true; ok; {
		ok = sleep(accept, d.nextCode(accept, work))
	}
}

// busyPause is how soon it is looked again whether nothing is due.
const busyPause = 100 * time.Millisecond

// nextCode asks for one code, and says for how long there is nothing to ask.
func (d *Dispatcher) nextCode(accept, work context.Context) (pause time.Duration) {
	if !d.idle() {
		return busyPause
	}
	calls, _ := d.gate.allowance(time.Now())
	probe := calls == 0 && d.gate.wantsProbe(time.Now())
	if calls == 0 && !probe {
		return busyPause
	}
	code, some, err := d.book.codes.TakeCode(accept, d.account.Name, d.codeRest())
	d.note(err)
	if err != nil || !some {
		return d.account.PollEvery
	}
	u := waiting.Unresolved{ID: code.ID}
	resolver, able := d.account.Vendor.(vendorapi.Resolver)
	row := &held{Claimed: ledger.Claimed{ID: code.ID, MemberCode: code.MemberCode, EventTime: code.EventTime,
		VendorCall: ledger.VendorCall{BizID: code.BizID}, BusinessKey: code.BusinessKey}}
	switch age := time.Since(code.EventTime); {
	case age > d.account.CodeMaxAge:
		u.Ended, u.Attempt = true, codeTooOld(&row.Claimed, age, d.account.CodeMaxAge).change.Attempt
	case !able:
		u.Ended, u.Attempt = true, attemptOf(ledger.CallIdentity, noResolver())
	default:
		pass, wait, ok := d.beginCode(accept, probe)
		if !ok {
			u.Delay = max(wait, d.account.PollEvery)
			pause = u.Delay // nor is another code asked for before
			break
		}
		member, reply, h := d.whose(work, pass, resolver, code.MemberCode, d.learnAside)
		if pass.probe {
			d.returnProbe(work) // what is left of it is for a points call, and none is due
		}
		signal(d.room)
		if reply.Outcome == vendorapi.Applied {
			// Not kept: the row is gone or being sent, or the next one asks again.
			_, err := d.book.codes.KeepMember(work, code.ID, member)
			d.note(err)
			return 0
		}
		d.logAttempt(row, reply)
		u = unresolved(code, reply, h, d.account.CodeMaxAge-age)
	}
	parked, err := d.book.codes.PutCodeBack(work, u)
	d.note(err)
	if parked {
		d.observer.Settled(d.account.Name, string(ledger.Parked), 1)
	}
	return pause
}

// idle tells that nothing waits to be sent that is due.
func (d *Dispatcher) idle() bool {
	d.reserved.mu.Lock()
	defer d.reserved.mu.Unlock()
	return d.reserved.caughtUp && d.reserved.rows == 0 && len(d.queue) == 0
}

// codeRest is how long a code is left to whoever took it: a turn, a call and a commit.
func (d *Dispatcher) codeRest() time.Duration {
	return readPatience + 2*d.account.Timeout + SettleAllowance
}

// beginCode is begin for a code: without a lease, as no points are sent under it. probe:
// the gate is closed, and the call finds out whether it may open, since nothing is due
// that would.
func (d *Dispatcher) beginCode(accept context.Context, probe bool) (pass ticket, wait time.Duration, ok bool) {
	one := d.pace.of(CallMember)
	if ahead := one.ahead(time.Now()); ahead > readPatience {
		return ticket{}, ahead, false
	}
	if err := one.wait(accept); err != nil {
		d.note(err)
		return ticket{}, 0, false
	}
	if probe && !d.mayProbe(accept) {
		return ticket{}, 0, false
	}
	now := time.Now()
	if pass, ok = d.gate.enter(now); !ok && probe {
		d.returnProbe(accept)
	}
	pass.deadline = now.Add(d.account.Timeout)
	return pass, 0, ok
}

// learnAside is learn for a question that no points call waits for.
func (d *Dispatcher) learnAside(pass ticket, code string, reply vendorapi.Reply) hold {
	held, changed := d.gate.unresolved(time.Now(), pass, code, reply)
	d.tell(changed)
	if held {
		return hold{held: true, delay: d.account.ProbeEvery}
	}
	return hold{}
}

// The waits between two questions for one code: half its age, so that some twenty are
// made in a day.
const (
	codeWaitLeast = 5 * time.Second
	codeWaitMost  = time.Hour
)

// unresolved decides what becomes of a code that was asked for, and is good for so long
// yet. A member that the vendor does not know now it will not know in a week; whatever
// else went wrong may go well later.
func unresolved(code waiting.Code, reply vendorapi.Reply, h hold, good time.Duration) waiting.Unresolved {
	u := waiting.Unresolved{ID: code.ID, Attempt: attemptOf(ledger.CallIdentity, reply)}
	if u.Ended = reply.Outcome == vendorapi.Refused && !h.held; u.Ended {
		return u
	}
	u.Delay = min(max(time.Since(code.EventTime)/2, codeWaitLeast), codeWaitMost, max(good, 0)+time.Second)
	u.Delay = max(u.Delay, h.delay)
	return u
}
