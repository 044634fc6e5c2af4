package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"go.uber.org/zap"

	"pointsledger/evidence"
	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
	"pointsledger/ledger/knowledge"
	"pointsledger/vendorapi"
)

// doubtStore is what a verification needs of the ledger.
type doubtStore interface {
	Knowledge(ctx context.Context, account, endpoint string) (knowledge.EndpointKnowledge, error)
	IssuedTo(ctx context.Context, account, memberID string) ([]ledger.IssuedOperation, error)
	ClearDoubt(ctx context.Context, id ledger.OperationID, token ledger.LeaseToken) (bool, error)
	KeepExtent(ctx context.Context, account, endpoint string, records int, depth time.Duration) error
}

const (
	// scanTimeout bounds one scan over all its pages.
	scanTimeout = time.Minute
	// shownCandidates bounds the records that are named for an operator.
	shownCandidates = 5
)

// outcomeNotKnown is what an attempt is called that looked and proved nothing.
var outcomeNotKnown = vendorapi.Unknown.String()

// looksUp tells whether an operation in doubt is looked for in records. Records tell of
// what was granted; of other calls only the vendor's word on keys tells.
func (d *Dispatcher) looksUp(row *held) bool { return d.account.Verify && row.Kind == ledger.PointsAdd }

// mustVerify tells whether the row is looked up before it is sent again. A row
// whose member is still to be resolved was never sent, whatever its lease says.
func (d *Dispatcher) mustVerify(row *held) bool {
	return d.looksUp(row) && row.InDoubt && row.MemberID != ""
}

// verify settles a chain of one member's doubtful rows with one scan: posted,
// parked, sent again, or left for a later reading. Time is the database's.
func (d *Dispatcher) verify(accept, work context.Context, head *held) {
	asked := time.Now()
	k, err := d.book.doubts.Knowledge(work, d.account.Name, d.account.Endpoint())
	d.note(err)
	if err == nil && !k.Now.IsZero() {
		d.heedClock(work, asked, time.Now(), k.Now)
	}
	if err != nil || d.clock.outdated(head.claimedAt) {
		d.each(head, func(row *held) decision { return returnUnsent(&row.Claimed) })
		return
	}
	known := d.knowledge(k)
	if head = d.wait(head, known, k); head == nil {
		return
	}
	reading, reply, wait, made := d.scan(accept, work, head)
	if made {
		sabotage.Crash(sabotage.AfterScan)
	}
	var issued []evidence.Issued
	if made && reply.Outcome == vendorapi.Applied {
		operations, err := d.book.doubts.IssuedTo(work, d.account.Name, head.MemberID)
		d.note(err)
		made, issued = err == nil, evidence.IssuedOf(operations)
		d.keepExtent(work, reading, k)
	}
	askedBalance := false
	d.each(head, func(row *held) decision {
		switch {
		case !made:
			return later(returnUnsent(&row.Claimed), wait)
		case reply.Outcome != vendorapi.Applied:
			return decideUnread(&row.Claimed, reply, d.gate.Status().Open, d.policy, rand.Float64())
		}
		read := reading
		if read.BeganAt = k.Now; k.Now.IsZero() {
			read.BeganAt = row.FirstSentAt.Add(row.SentFor) // when it was claimed
		}
		sought := soughtOf(d.account.Name, &row.Claimed)
		j := evidence.Judge(sought, read, issued, known)
		if j.Lack == evidence.LackBalance && !askedBalance && !d.mayGoAgain(k, row) {
			askedBalance = true
			reading.Balance = d.readBalance(accept, work, row)
			read.Balance = reading.Balance
			j = evidence.Judge(sought, read, issued, known)
		}
		return d.judged(accept, work, row, read, j, k)
	})
}

// each settles every row of a chain as f says.
func (d *Dispatcher) each(head *held, f func(row *held) decision) {
	for row := head; row != nil; {
		next := row.next // the settler owns the row once it is handed over
		d.results <- result{row, f(row)}
		row = next
	}
}

// wait gives back the rows of a chain that nothing could be proven of yet, and
// returns the others. What may go again under its key needs no proof.
func (d *Dispatcher) wait(head *held, known evidence.Knowledge, k knowledge.EndpointKnowledge) (left *held) {
	for row := head; row != nil; {
		next := row.next
		if mustWait(&row.Claimed, known, k.Now) && !d.mayGoAgain(k, row) {
			d.sampler.want(row.QuietSince)
			d.results <- result{row, awaitControl(&row.Claimed)}
		} else {
			row.next, left = left, row
		}
		row = next
	}
	return left
}

// scan reads the member's records. made is false when no call could be made now,
// and then not before wait is over.
func (d *Dispatcher) scan(accept, work context.Context, row *held) (_ evidence.Reading, _ vendorapi.Reply, wait time.Duration, made bool) {
	pass, wait, ok := d.begin(accept, row, CallRecords)
	if !ok {
		return evidence.Reading{}, vendorapi.Reply{}, wait, false
	}
	ctx, cancel := context.WithTimeout(work, scanTimeout)
	defer cancel()
	reading, reply := d.account.Vendor.(vendorapi.RecordReader).ReadRecords(d.pace.turns(ctx, CallRecords, true), row.MemberID)
	d.wasRead(pass, row, reply)
	if reply.Outcome != vendorapi.Applied {
		reading = evidence.Reading{}
	}
	return reading, reply, 0, true
}

// readBalance asks for the member's points, by which a reading that was made just now
// is judged; nil when nothing is known. It is asked for late, because it is a call for
// each member that the judge most often does not need.
func (d *Dispatcher) readBalance(accept, work context.Context, row *held) *int64 {
	vendor, able := d.account.Vendor.(vendorapi.BalanceReader)
	if !able {
		return nil
	}
	pass, _, ok := d.begin(accept, row, CallMember)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithDeadline(work, pass.deadline)
	defer cancel()
	balance, reply := vendor.ReadBalance(ctx, row.MemberID)
	d.wasRead(pass, row, reply)
	return balance
}

// wasRead ends a call that reads. Where the vendor answers, a refusal to show
// something says nothing about points calls.
func (d *Dispatcher) wasRead(pass ticket, row *held, reply vendorapi.Reply) {
	if reply.Outcome == vendorapi.Applied {
		d.gate.answered(pass)
		return
	}
	d.logAttempt(row, reply)
	if reply.Outcome == vendorapi.Refused || errors.Is(reply.Err, vendorapi.ErrRecordsMove) {
		d.gate.answered(pass)
	} else {
		d.tell(d.gate.unread(time.Now(), pass, row.MemberID, reply))
	}
}

// judged turns a judgement into what becomes of the row. Only a proven absence
// makes it a new send; where nothing is known, the vendor's word on keys may
// allow the same one again, and nothing else.
func (d *Dispatcher) judged(accept, work context.Context, row *held, read evidence.Reading, j evidence.Judgement, k knowledge.EndpointKnowledge) decision {
	switch j.Verdict {
	case evidence.Shown:
		return confirm(&row.Claimed, vendorapi.Reply{Message: "seen in the member's records"}, ledger.Verified)
	case evidence.ShownOtherPoints:
		return parkVerified(&row.Claimed, ledger.CausePointsDiffer, "a record shows our reference with other points", j.Records)
	case evidence.PerhapsShown:
		return parkVerified(&row.Claimed, ledger.CauseCandidates, "records that may be this operation", j.Records)
	case evidence.Absent:
		cleared, err := d.book.doubts.ClearDoubt(work, row.ID, row.Token)
		d.note(err)
		if err != nil || !cleared {
			return returnUnsent(&row.Claimed)
		}
		sabotage.Crash(sabotage.AfterVerify)
		d.log.Info("not applied, as the member's records prove: it is sent again", zap.String("biz_id", string(row.BizID)),
			zap.Int64("operation_id", int64(row.ID)), zap.Duration("quiet_for", read.BeganAt.Sub(row.QuietSince)), zap.Int("records", len(read.Records)),
			zap.Duration("longest_lag", k.MaxLag), zap.Int("samples", len(k.Samples)))
		row.InDoubt, row.NeverSent, row.Lack = false, true, ""
		return d.send(accept, work, row)
	}
	if d.mayGoAgain(k, row) {
		return d.send(accept, work, row)
	}
	if j.Lack.Passes() {
		d.sampler.want(row.QuietSince)
	}
	return withoutControl(&row.Claimed, j.Lack, k.References == knowledge.ReferencesHidden, d.policy, rand.Float64())
}

// decideUnread is decide for records that could not be read: the row stays in
// doubt and is looked up again. Credentials that are refused altogether cost no
// attempt; where points calls go on, it is the records that are forbidden, and a
// person must look in the end (TestForbiddenRecordsEndWithAPerson).
func decideUnread(row *ledger.Claimed, reply vendorapi.Reply, open bool, p policy, random float64) decision {
	c := giveBack(row)
	c.Attempt = attemptOf(ledger.CallRecords, reply)
	c.Attempt.Error = "verification: the records could not be read"
	if reply.Err != nil {
		c.Attempt.Error += ": " + reply.Err.Error()
	}
	switch reply.Outcome {
	case vendorapi.Unauthorised:
		c.Cause = ledger.CauseUnauthorised
		if open {
			again(c, row, p, random)
		}
	case vendorapi.Throttled:
		c.Cause = ledger.CauseThrottled
	default:
		c.Cause = ledger.CauseUnknown
		again(c, row, p, random)
	}
	return decision{change: c}
}

// parkVerified parks a row in doubt for a person, with what was seen.
func parkVerified(row *ledger.Claimed, cause ledger.Cause, why string, seen []evidence.Record) decision {
	c := giveBack(row)
	c.State, c.Cause, c.UseAttempt = ledger.Parked, cause, true
	text := "verification: " + why
	for i, r := range seen {
		if i == shownCandidates {
			text += fmt.Sprintf("; and %d more", len(seen)-i)
			break
		}
		text += fmt.Sprintf("; %d points at %s %q", r.Points, r.At.Format(time.RFC3339), r.Text)
	}
	c.Attempt = &ledger.Attempt{Call: ledger.CallRecords, Outcome: vendorapi.Unknown.String(), Error: text}
	return decision{change: c}
}
