// Package waiting brings together what belongs together and came apart: an event that
// came before what it is about, as a refund before its sale ([Waiting.Join]), and an
// operation that takes back what another gave, which must have ended before it is sent
// ([Waiting.ReleaseTakeBacks]). And whose the scanned code is of an operation that is held,
// or above a budget, is asked while it waits ([Waiting.TakeCode]).
//
// Neither a sale nor a posting looks for what waits for it, so that they cost nothing
// where nothing is taken back: a look now and then finds it.
//
// # Invariants this package holds
//
//   - An event leaves the table in the transaction that records it, under the lock of
//     its sale (TestOrdersKeepWhatTheFormulaSays).
//   - Or it becomes a reject, when the rules by which it waits are not in force for it
//     any more (TestWaitingByWithdrawnRules).
//   - A take-back is let go when its origin has ended, never before (the same test, and
//     docs/model/life.pml: take_back_does_not_wait).
//   - A code is asked for without a lease, and its member is kept only while nothing was
//     sent (TestHeldCodeOfADeadWorker, TestCodesOfWhatWaits).
//   - Where the account offers no call, what takes back becomes a person's work.
//
// # When something fails
//
// A look that fails changes nothing; the next one finds the same. An event that the
// database refuses waits on, alone, and costs no other (TestRefusedEventHoldsUpNoOther).
package waiting
