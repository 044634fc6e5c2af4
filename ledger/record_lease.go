package ledger

import (
	"context"
	"time"

	"github.com/jackc/pgx/v5"
)

// RecordLease asks for an account's new operations to be recorded as claimed,
// so that whoever records them can send them without a claim.
type RecordLease struct {
	Account string
	// Token is new for each RecordLeased, like a claim's.
	Token LeaseToken
	// Lease is how long the rows are this worker's without a renewal.
	Lease time.Duration
	// Shape names the request shape that the rows get; empty is none.
	Shape string
	// Fresh leases nothing: the account draws places for events younger than a
	// minute, and the rows of such events are found by that.
	Fresh bool
}

// RecordLeased is Record that claims the new operations of some accounts in the
// statement that writes them. The rows it returns are leased and committed,
// also beside an error: a batch that was split may have been recorded in part.
// A row that was leased by a commit whose answer was lost is in nobody's hand
// until its lease ends.
func (s *Store) RecordLeased(ctx context.Context, entries []Entry, leases []RecordLease) ([]Verdict, []Claimed, error) {
	var how queueing
	for _, l := range leases {
		if l.Fresh {
			how.fresh = append(how.fresh, l.Account)
		} else {
			how.leases = append(how.leases, l)
		}
	}
	verdicts, err := s.recordParts(ctx, entries, &how)
	return verdicts, how.leased, rulesEnded(err)
}

// queueing is how operations enter the outbox: waiting for a claim, with a lease
// from the beginning, or as rebuilt from the stream.
type queueing struct {
	// rebuilt is nil for messages that are new to the ledger.
	rebuilt *Rebuilt
	leases  []RecordLease
	// fresh are the accounts that draw places for fresh events.
	fresh []string
	// leased gathers what was committed with a lease.
	leased []Claimed
}

// queueingArgs is the number of parameters that say how operations are queued.
const queueingArgs = 8

// outbox are state, cause, in_doubt and rest of new outbox rows.
func (q *queueing) outbox() []any {
	state, cause, doubt, rest := Pending, Cause(""), false, time.Duration(0)
	if q.rebuilt != nil {
		cause, doubt, rest = CauseRebuilt, true, q.rebuilt.Rest
		if q.rebuilt.Parked {
			state = Parked
		}
	}
	return []any{string(state), string(cause), doubt, rest}
}

// leaseArrays are the leases of all accounts.
func (q *queueing) leaseArrays() []any {
	n := len(q.leases)
	accounts, shapes, tokens, seconds := make([]string, n), make([]string, n), make([]int64, n), make([]float64, n)
	for i, l := range q.leases {
		accounts[i], shapes[i], tokens[i], seconds[i] = l.Account, l.Shape, int64(l.Token), l.Lease.Seconds()
	}
	return []any{accounts, tokens, seconds, shapes}
}

// leaseValues are one account's lease; all are NULL when none was asked for.
func (q *queueing) leaseValues(account string) []any {
	l := q.lease(account)
	if l == nil {
		return []any{nil, nil, nil, nil}
	}
	return []any{l.Account, int64(l.Token), l.Lease.Seconds(), l.Shape}
}

// lease is what was asked for the account, nil for none.
func (q *queueing) lease(account string) *RecordLease {
	for i := range q.leases {
		if q.leases[i].Account == account {
			return &q.leases[i]
		}
	}
	return nil
}

// readRecorded reads which operations were inserted, and makes of those that
// were leased what a claim would have read back.
func (w *recordWrite) readRecorded(rows pgx.Rows, err error) (inserted map[key]bool, leased []Claimed, _ error) {
	if err != nil {
		return nil, nil, err
	}
	defer rows.Close()
	byKey := make(map[key]newOperation, len(w.operations))
	for _, o := range w.operations {
		byKey[key{o.Account, o.BizID}] = o
	}
	inserted = make(map[key]bool, len(w.operations))
	for rows.Next() {
		var id OperationID
		var k key
		var now time.Time
		if err := rows.Scan(&id, &k.Account, &k.BizID, &now); err != nil {
			return nil, nil, err
		}
		inserted[k] = true
		w.behind.Took(int64(id), w.above)
		if o, l := byKey[k], w.how.lease(k.Account); l != nil && o.Points > 0 {
			leased = append(leased, firstClaim(o, id, l, now))
		}
	}
	return inserted, leased, rows.Err()
}

// firstClaim is the operation as its first claim would read it.
func firstClaim(o newOperation, id OperationID, lease *RecordLease, now time.Time) Claimed {
	return Claimed{ID: id, Token: lease.Token, VendorCall: o.VendorCall(), MemberCode: o.MemberCode, BusinessKey: o.BusinessKey,
		Reference: o.Reference, EventTime: o.entry.Event.Time, BrokerTime: o.entry.Message.BrokerTime, FirstSentAt: now, NeverSent: true, Shape: lease.Shape}
}
