package dispatch

import (
	"errors"
	"time"

	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// decision is what becomes of a claimed row: exactly one of the two is set.
type decision struct {
	confirmation *ledger.Confirmation
	change       *ledger.Change
}

// policy is what decide needs of an account.
type policy struct {
	schedule    Schedule
	maxAttempts int
	// timeout is the most a call may take.
	timeout time.Duration
	// visible is how long after the start of a call its effect shows in the
	// vendor's records; 0 when rows in doubt are not verified.
	visible time.Duration
	// emptyAgain is the least time between two readings that show an empty list.
	emptyAgain time.Duration
}

// hold is the gate's word on a refusal: taken for our own mistake, it goes
// back instead of being parked, due again after the delay.
type hold struct {
	held  bool
	delay time.Duration
	// atFault: the vendor turns this row away for its credentials again and
	// again while it accepts others: the row is bad, not the credentials.
	atFault bool
}

// decide turns the reply to a send into what becomes of its row. It is a pure
// function; random in [0, 1) spreads the waits.
func decide(row *ledger.Claimed, reply vendorapi.Reply, h hold, p policy, random float64) decision {
	switch reply.Outcome {
	case vendorapi.Applied:
		return confirm(row, reply, ledger.Answered)
	case vendorapi.AlreadyApplied:
		return confirm(row, reply, ledger.AlreadyApplied)
	}
	c := giveBack(row)
	c.Attempt = attemptOf(ledger.CallPoints, reply)
	switch reply.Outcome {
	case vendorapi.Refused:
		if h.held {
			c.Cause, c.Delay = ledger.CauseSuspicious, h.delay
			break
		}
		// A refusal does not undo an earlier send: doubt stays (invariant 6).
		c.State, c.Cause, c.UseAttempt, c.Unsent = ledger.Parked, ledger.CauseRefused, true, false
	case vendorapi.Unauthorised:
		if h.atFault {
			c.State, c.Cause, c.UseAttempt, c.Unsent = ledger.Parked, ledger.CauseUnauthorised, true, false
			break
		}
		c.Cause, c.Delay = ledger.CauseUnauthorised, h.delay
	case vendorapi.Throttled:
		c.Cause = ledger.CauseThrottled
	case vendorapi.NotSent:
		c.Cause = ledger.CauseNotSent
		if errors.Is(reply.Err, vendorapi.ErrUnsendable) {
			// The request itself is bad: no further attempt can be better.
			c.State, c.Cause, c.UseAttempt = ledger.Parked, ledger.CauseUnsendable, true
			break
		}
		again(c, row, p, random)
	case vendorapi.Retryable:
		c.Cause = ledger.CauseRetryable
		again(c, row, p, random)
	default: // Unknown, and whatever a later version adds
		c.Cause, c.Doubt, c.Unsent, c.Lack = ledger.CauseUnknown, true, false, ""
		c.QuietIn = max(0, p.timeout-reply.Duration)
		again(c, row, p, random)
		c.Delay = max(c.Delay, p.visible-reply.Duration)
	}
	return decision{change: c}
}

// decideUnresolved is decide for a member code that could not be resolved:
// nothing was sent, so nothing is in doubt.
func decideUnresolved(row *ledger.Claimed, reply vendorapi.Reply, h hold, p policy, random float64) decision {
	c := giveBack(row)
	c.Attempt = attemptOf(ledger.CallIdentity, reply)
	c.Cause = ledger.CauseMemberUnresolved
	switch reply.Outcome {
	case vendorapi.Refused:
		if h.held {
			c.Cause, c.Delay = ledger.CauseSuspicious, h.delay
			break
		}
		c.State, c.UseAttempt = ledger.Parked, true
	case vendorapi.Unauthorised:
		c.Cause = ledger.CauseUnauthorised
	case vendorapi.Throttled:
		c.Cause = ledger.CauseThrottled
	default:
		again(c, row, p, random)
		if c.State == ledger.Parked {
			c.Cause = ledger.CauseMemberUnresolved
		}
	}
	return decision{change: c}
}

// codeTooOld parks a row whose scanned code may by now be somebody else's.
func codeTooOld(row *ledger.Claimed, age, most time.Duration) decision {
	c := giveBack(row)
	c.State, c.Cause, c.UseAttempt = ledger.Parked, ledger.CauseMemberUnresolved, true
	c.Attempt = &ledger.Attempt{Call: ledger.CallIdentity, Outcome: vendorapi.NotSent.String(),
		Error: "the scanned member code is " + age.Round(time.Minute).String() + " old, the limit is " + most.String()}
	return decision{change: c}
}

// returnUnsent gives a row back that this claim did not send.
func returnUnsent(row *ledger.Claimed) decision {
	c := giveBack(row)
	c.Cause = ledger.CauseReturned
	return decision{change: c}
}

// toAPerson parks a row that no call can be made for. Doubt stays: a person may have
// done it, or the account had a call before.
func toAPerson(row *ledger.Claimed) decision {
	c := giveBack(row)
	c.State, c.Cause = ledger.Parked, ledger.CauseNoVendorCall
	return decision{change: c}
}

// later is a decision to give a row back that is due again only after a wait:
// what keeps it from being sent does not end at once.
func later(d decision, wait time.Duration) decision {
	d.change.Delay = wait
	return d
}

// holdBack gives a put-back row back unsent, due again after the wait: rows like
// it are refused one after another, see putBackSuspicion.
func holdBack(row *ledger.Claimed, wait time.Duration) decision {
	c := giveBack(row)
	c.Cause, c.Delay = ledger.CauseSuspicious, wait
	return decision{change: c}
}

// giveBack is a change that leaves the row as the claim found it.
func giveBack(row *ledger.Claimed) *ledger.Change {
	return &ledger.Change{ID: row.ID, Token: row.Token, State: ledger.Pending, Unsent: row.NeverSent, Lack: row.Lack}
}

// again uses an attempt and sets the wait for the next, or parks the row when
// it has had all its attempts.
func again(c *ledger.Change, row *ledger.Claimed, p policy, random float64) {
	c.UseAttempt = true
	if row.Attempts+1 >= p.maxAttempts {
		c.State, c.Cause = ledger.Parked, ledger.CauseAttemptsExhausted
		return
	}
	c.Delay = p.schedule.Wait(row.Attempts+1, random)
}

func confirm(row *ledger.Claimed, reply vendorapi.Reply, evidence ledger.Evidence) decision {
	return decision{confirmation: &ledger.Confirmation{ID: row.ID, Evidence: evidence, MemberID: row.MemberID,
		HTTPStatus: reply.HTTPStatus, VendorCode: reply.Code, VendorWords: reply.Message, Duration: reply.Duration}}
}

func attemptOf(call ledger.Call, reply vendorapi.Reply) *ledger.Attempt {
	a := &ledger.Attempt{Call: call, Outcome: reply.Outcome.String(), HTTPStatus: reply.HTTPStatus, VendorCode: reply.Code,
		VendorWords: reply.Message, Duration: reply.Duration}
	if reply.Err != nil {
		a.Error = reply.Err.Error()
	}
	return a
}
