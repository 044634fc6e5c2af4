// Package match sets what the ledger posted for one member of an account beside the
// vendor's records of that member, and says what became of each. It is pure: postings and
// records in ([Member]), pairs and items out ([Outcome]).
//
// # Order
//
//   - A record that ends with our reference is that operation's, by the matching of package
//     evidence; nothing else closes a pair where references are shown.
//   - What is left is proposed by direction, points and time: as many records as postings
//     that can be one another's. Where the account does not show references that is all
//     there is, and the pairs count as proposed. Where it does, each is an item that a person
//     looks at (a text was edited, perhaps), unless a person posted it by hand.
//   - What cannot be told apart is one item of kind ambiguous, with all its postings and
//     records.
//
// # Kinds
//
//	only_in_ledger      posted, due to be shown, and no record can be it
//	only_at_vendor      a record with a reference that the ledger never issued
//	amount_differs      the record of its reference has other points
//	applied_twice       more than one record of its reference
//	wrong_member        the record of its reference is another member's
//	ambiguous           any of these postings may be any of these records
//	voided_but_applied  given up by a person, and a record of its reference
//	balance_differs     the balance has points that neither records nor items explain
//	in_transit          open, in doubt, or posted too lately to be shown: no difference
//
// A record without a reference that can be no posting is of another source, or spent points:
// not ours, counted, and no item. Where nothing but this worker grants points
// ([Known.SoleSource]) a grant of that kind is only_at_vendor.
//
// # Invariants
//
//   - Every record and every posting is claimed at most once.
//   - The sides of all items but balance_differs, and of all pairs, add up to the totals:
//     the difference of the totals is that of the items (TestSidesAddUp).
//   - Absence is said only of what the reading reaches back to ([Posting.Reached]) and of
//     what must be shown by then; all else is counted as beyond reach, or in transit.
//   - Points are what was posted, not what was recorded: what a refund took before its
//     grant was sent is not expected.
package match
