package dispatch

import (
	"sync"
	"time"

	"pointsledger/ledger"
)

// held is a claimed row in this process.
type held struct {
	ledger.Claimed
	// until is when the lease surely still holds by this machine's clock: the
	// time before the claim was asked for, plus the lease.
	until time.Time
	// claimedAt is the time before the claim, gotAt after it.
	claimedAt, gotAt time.Time
	// calledAt is when the points call began; zero while it has not.
	calledAt time.Time
	// slot is the place in time that the row was claimed for; zero for none.
	slot time.Time
	// next is another doubtful row of the same member, served by one scan.
	next *held
}

// sentAt is when the row's call began, or earlier, by the database's clock: the
// claim's time, and what has gone by here since the claim was answered. It holds
// for a row that was not in doubt; of one that was, an earlier call may be the one
// that counted.
func (h *held) sentAt() time.Time {
	if h.calledAt.IsZero() {
		return h.FirstSentAt
	}
	return h.FirstSentAt.Add(max(0, h.calledAt.Sub(h.gotAt)))
}

// leases are the rows this process holds. Safe for concurrent use.
type leases struct {
	mu   sync.Mutex
	rows map[*held]struct{}
}

func newLeases() *leases { return &leases{rows: map[*held]struct{}{}} }

func (l *leases) add(rows []*held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rows {
		l.rows[r] = struct{}{}
	}
}

func (l *leases) remove(r *held) {
	l.mu.Lock()
	defer l.mu.Unlock()
	delete(l.rows, r)
}

func (l *leases) count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.rows)
}

// covers tells whether the row's lease lasts for a call of the given length
// and the time to settle it. Go's monotonic clock stands still while a machine
// is suspended, the wall clock may be set: both must agree.
func (l *leases) covers(r *held, call time.Duration, now time.Time) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	end := now.Add(call + SettleAllowance)
	return end.Before(r.until) && end.Round(0).Before(r.until.Round(0))
}

// snapshot lists what is to be renewed.
func (l *leases) snapshot() (rows []*held, ids []ledger.OperationID, tokens []ledger.LeaseToken) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for r := range l.rows {
		rows, ids, tokens = append(rows, r), append(ids, r.ID), append(tokens, r.Token)
	}
	return rows, ids, tokens
}

// renewed keeps the answer to a renewal that was asked for with a lease until
// the given time. A row that is missing from it is being settled, or is not ours
// any more: it is dropped, that is, no call is begun for it (covers).
func (l *leases) renewed(rows []*held, kept []ledger.OperationID, until time.Time) {
	ours := make(map[ledger.OperationID]struct{}, len(kept))
	for _, id := range kept {
		ours[id] = struct{}{}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, r := range rows {
		if _, still := ours[r.ID]; still {
			r.until = until
		} else {
			r.until = time.Time{}
		}
	}
}
