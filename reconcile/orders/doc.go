// Package orders holds what shops say that they sold against what the ledger has of it:
// the days that they declare ([Orders.Days]), and their own lists of orders
// ([Orders.Compare]). It writes nothing of the ledger and prints
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
//
//   - A declared day adds up when number and amount are both what the ledger has. A
//     rejected event explains a difference and does not end it: the order counts as missing
//     until it is accepted.
//
//   - A source is one in all its spellings, as far as they are those of
//     [spelling.SourceSpellings] of the declared one.
//
//   - Every order of a list is looked for by the key that its event would have, so in each
//     spelling that is one order. It agrees, or is one item of one [Kind]; and what the
//     list and the ledger come to differ by exactly what the items do, where every
//     row has an amount (TestComparedListsAddUp).
//
//   - A list is read twice and never held: an order takes some 60 bytes.
//
// On failure nothing has happened; the error says what was asked of the database.
package orders
