package dispatch

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"pointsledger/internal/sabotage"
	"pointsledger/ledger"
	"pointsledger/vendorapi"
)

// Verifier is a Vendor whose records of a member can be read, so that a row in
// doubt can be looked up instead of sent again blindly.
type Verifier interface {
	// Scan reads all of a member's records, in one consistent view. They count
	// only when the reply's outcome is Applied.
	Scan(ctx context.Context, memberID string) ([]Record, vendorapi.Reply)
}

// ErrRecordsMove is in the reply of a scan whose view was not consistent: rows
// arrived while it read. The vendor is well; the scan is made again later.
var ErrRecordsMove = errors.New("the member's records change while they are read")

// Record is one award in a member's history at the vendor.
type Record struct {
	Points int64
	// Text is the only free text of a record; it holds our reason where the
	// vendor echoes it.
	Text string
	// At is when the vendor says it was made; zero when that cannot be read.
	At time.Time
}

// Causes of rows that a verification parked.
const (
	CausePointsDiffer = "verification_points_differ"
	CauseCandidates   = "verification_candidates"
)

const (
	// scanTimeout bounds one scan over all its pages.
	scanTimeout = time.Minute
	// clockSkew is how far the vendor's clock may be behind ours.
	clockSkew = 2 * time.Minute
	// shownCandidates bounds the records that are named for an operator.
	shownCandidates = 5
)

// finding is what a member's records say of one row.
type finding int

const (
	// found: a record shows our reference and our points.
	found finding = iota + 1
	// foundOtherPoints: a record shows our reference and other points.
	foundOtherPoints
	// absent: this account shows our references, and ours is not there.
	absent
	// unproven: it is not known to show references, but no record could be ours.
	unproven
	// candidates: a record may be ours; only a person can tell.
	candidates
)

// judgement is a finding with the records it rests on.
type judgement struct {
	finding finding
	// echo: some record shows one of our references.
	echo bool
	// like are the records without a reference that could be ours.
	like []Record
}

// judge is a pure function. echo says that the account is known to show our
// references; accounted is how many of the records that look like ours surely
// belong to posted operations.
func judge(row *ledger.Claimed, records []Record, echo bool, accounted int) judgement {
	j := judgement{echo: echo}
	var cut []Record // shows the beginning of our reason only
	for _, r := range records {
		reference := ledger.ReferenceIn(r.Text)
		j.echo = j.echo || reference != ""
		switch {
		case reference == row.Reference && r.Points == int64(row.Points):
			j.finding = found
			return j
		case reference == row.Reference:
			j.finding = foundOtherPoints
			j.like = append(j.like, r)
			return j
		case reference != "" || r.Points != int64(row.Points) || tooEarly(r, row.FirstSentAt):
			continue
		}
		j.like = append(j.like, r)
		if r.Text != "" && strings.HasPrefix(row.Reason, r.Text) {
			cut = append(cut, r)
		}
	}
	switch {
	case j.echo && len(cut) > 0:
		j.finding, j.like = candidates, cut
	case j.echo:
		j.finding = absent
	case len(j.like) > accounted:
		j.finding = candidates
	default:
		j.finding = unproven
	}
	return j
}

// Proof is what a member's records prove of an operation.
type Proof int

const (
	// ProvesNothing: only a person or the vendor's memory of the key can tell.
	ProvesNothing Proof = iota
	// ProvesApplied: a record shows its reference and its points.
	ProvesApplied
	// ProvesNotApplied: the account shows our references, and not this one.
	ProvesNotApplied
)

// ProofOf judges an operation by its member's records as the worker does before
// it sends a row in doubt again, so that a preview and the worker say the same.
// echo is as in judge; how many records are accounted for only tells apart what
// proves nothing.
func ProofOf(row *ledger.Claimed, records []Record, echo bool) Proof {
	switch judge(row, records, echo, 0).finding {
	case found:
		return ProvesApplied
	case absent:
		return ProvesNotApplied
	}
	return ProvesNothing
}

// tooEarly tells that a record was made before the row can have been sent.
func tooEarly(r Record, firstSent time.Time) bool {
	return !r.At.IsZero() && r.At.Before(firstSent.Add(-clockSkew))
}

// mustVerify tells whether the row is looked up before it is sent again. A row
// whose member is still to be resolved was never sent, whatever its lease says.
func (d *Dispatcher) mustVerify(row *held) bool {
	return d.account.Verify && row.InDoubt && row.MemberID != ""
}

// verify settles a chain of one member's doubtful rows with one scan: posted,
// parked, or sent again.
func (d *Dispatcher) verify(accept, work context.Context, head *held) {
	records, reply, made := d.scan(accept, work, head)
	if made {
		sabotage.Crash(sabotage.AfterScan)
	}
	for row := head; row != nil; {
		next := row.next // the settler owns the row once it is handed over
		var decided decision
		switch {
		case !made:
			decided = returnUnsent(&row.Claimed)
		case reply.Outcome != vendorapi.Applied:
			decided = decideUnread(&row.Claimed, reply, d.policy, rand.Float64())
		default:
			decided = d.verified(accept, work, row, records)
		}
		d.results <- result{row, decided}
		row = next
	}
}

// scan reads the member's records. made is false when no call could be made now.
func (d *Dispatcher) scan(accept, work context.Context, row *held) (_ []Record, _ vendorapi.Reply, made bool) {
	pass, ok := d.begin(accept, row)
	if !ok {
		return nil, vendorapi.Reply{}, false
	}
	ctx, cancel := context.WithTimeout(work, scanTimeout)
	defer cancel()
	records, reply := d.account.Vendor.(Verifier).Scan(ctx, row.MemberID)
	if reply.Outcome == vendorapi.Applied {
		d.gate.answered(pass)
		return records, reply, true
	}
	d.logAttempt(row, reply)
	if reply.Outcome == vendorapi.Refused || errors.Is(reply.Err, ErrRecordsMove) {
		// The vendor answers; a refusal to show records says nothing about
		// points calls.
		d.gate.answered(pass)
	} else {
		d.learn(pass, row.MemberID, reply)
	}
	return nil, reply, true
}

// verified decides on one row by the member's records.
func (d *Dispatcher) verified(accept, work context.Context, row *held, records []Record) decision {
	echo, accounted, err := d.known(work, row)
	d.note(err)
	if err != nil {
		return returnUnsent(&row.Claimed)
	}
	j := judge(&row.Claimed, records, echo, accounted)
	if j.echo && !echo {
		if err := d.store.MarkEchoSeen(work, d.account.Name); err != nil {
			d.note(err)
			return returnUnsent(&row.Claimed)
		}
	}
	switch j.finding {
	case found:
		return confirm(&row.Claimed, vendorapi.Reply{Message: "seen in the member's records"}, ledger.Verified)
	case foundOtherPoints:
		return parkVerified(&row.Claimed, CausePointsDiffer, "a record shows our reference with other points", j.like)
	case candidates:
		return parkVerified(&row.Claimed, CauseCandidates, "records of equal points that may be this operation", j.like)
	case absent:
		cleared, err := d.store.ClearDoubt(work, row.ID, row.Token)
		d.note(err)
		if err != nil || !cleared {
			return returnUnsent(&row.Claimed)
		}
		sabotage.Crash(sabotage.AfterVerify)
		row.InDoubt, row.NeverSent = false, true
		return d.send(accept, work, row)
	}
	// unproven: only the vendor's memory of the key protects a second send.
	if d.forgotten(row) {
		return parkVerified(&row.Claimed, ledger.CauseKeyMemoryOver, "not seen in the records, which are not known to show our references", nil)
	}
	return d.send(accept, work, row)
}

// known reads what the ledger knows that bears on the judgement.
func (d *Dispatcher) known(ctx context.Context, row *held) (echo bool, accounted int, err error) {
	if echo, err = d.store.EchoSeen(ctx, d.account.Name); err != nil || echo {
		return echo, 0, err
	}
	accounted, err = d.store.AccountedFor(ctx, d.account.Name, row.MemberID, row.Points,
		row.FirstSentAt.Add(-clockSkew), d.account.VerifyAfter)
	return false, accounted, err
}

// decideUnread is decide for a scan that could not be read: the row stays in
// doubt and is looked up again.
func decideUnread(row *ledger.Claimed, reply vendorapi.Reply, p policy, random float64) decision {
	c := giveBack(row)
	c.Attempt = attemptOf(ledger.CallRecords, reply)
	c.Attempt.Error = "verification: the records could not be read"
	if reply.Err != nil {
		c.Attempt.Error += ": " + reply.Err.Error()
	}
	switch reply.Outcome {
	case vendorapi.Unauthorised:
		c.Cause = CauseUnauthorised
	case vendorapi.Throttled:
		c.Cause = CauseThrottled
	default:
		c.Cause = CauseUnknown
		again(c, row, p, random)
	}
	return decision{change: c}
}

// parkVerified parks a row in doubt for a person, with what was seen.
func parkVerified(row *ledger.Claimed, cause, why string, seen []Record) decision {
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
