// Package periods closes the books by business date: what is closed does not change, and
// what comes late is booked on the first open date, under its own date.
//
// # States
//
// A business date is open, locked or closed. Locking takes all dates through one day out
// of the open ones and is over at once; closing is refused until everything that may not
// have seen the lock has ended. Periods are locked and closed in order, and reopened last
// first.
//
// # Invariants
//
//   - The table period_acts holds all of it: it refuses an act out of order, a date that
//     is not over, and a second hand that is no second hand, whoever inserts it
//     (TestTheDatabaseHoldsTheOrder).
//   - Nothing that is recorded fails or waits because of a lock
//     (TestLockingHindersNobody), and nothing is booked on a closed date
//     (TestClosedTotalsStand: recorded, posted and corrected by several at once while
//     days are locked, closed and reopened; the totals of each closing stay what the
//     books say through its date).
//   - What blocks a closing is the ledger's to say ([Policy] of the registered rules), and
//     what was found, blocking or not, is kept with the act.
//
// On failure nothing is closed. A period may then be locked: [Periods.Close] goes on from
// there.
package periods
