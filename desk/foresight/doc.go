// Package foresight says what would become of an event if it was recorded now: whether
// it is new, a duplicate, a conflict or too much, and what a refund, a cancellation or a
// completion would take from which operation ([Look]). The ledger's own arithmetic
// decides ([ledger.Store.ForeseeTx]); here stands how the operations that are taken from
// stand, and what follows from that ([Take.Fate]).
//
// # Invariants
//
//   - A look writes and locks nothing, and waits for nobody: one transaction of one
//     snapshot that cannot write (TestForesight, TestForesightOfWhatIsKnown).
//   - What is foreseen is what becomes of the event, unless something else comes first
//     (TestForesight).
//
// # What happens on failure
//
// A look that fails says nothing. What is recorded between a look and the event makes
// the foresight old, not the ledger wrong: whoever records decides anew.
package foresight
