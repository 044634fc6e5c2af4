// Package orders holds what shops say that they sold against what the ledger has of it:
// the days that they declare ([Orders.Days]). It writes nothing of the ledger and prints
// nothing; the finance role may run all of it.
//
// # States
//
// None. What is asked is answered as of one moment.
//
// # Invariants
//
//   - An order of the ledger is an event order.paid that was accepted: one for each fact, by
//     the first of its operations, which it has also when it gives no points. Its amount is counted
//     once, as it was paid: refunds are not taken off. Its day is its business date
//     (TestDaysAreCountedByOrder).
//   - A declared day adds up when number and amount are both what the ledger has. A
//     rejected event explains a difference and does not end it: the order counts as missing
//     until it is accepted.
//   - A source is one in all its spellings, as far as they are those of
//     [spelling.SourceSpellings] of the declared one.
//
// On failure nothing has happened; the error says what was asked of the database.
package orders
