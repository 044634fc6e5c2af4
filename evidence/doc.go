// Package evidence judges what a member's records at a vendor prove of an
// operation. It is pure: the worker's verification, the member view, the probe
// of a plan and the reconciliation ask the same [Judge] and hear the same.
//
// # Verdicts, in this order
//
//	Shown             a record ends with its reference, and has its points
//	ShownOtherPoints  a record ends with its reference, and has other points
//	PerhapsShown      a record without a reference of ours may be it
//	Absent            it is not there, and the same reading would have shown it
//	NotKnown          none of these
//
// # Absence needs a control
//
// "It is not there" proves nothing by itself: a backend that fails answers with
// an empty list, a vendor keeps only recent records, records lag, a copy is
// stale, an account shows no reasons. Absent therefore needs all of these:
//
//   - the endpoint is known to show our references;
//   - reach: the reading is complete and goes back to before the call;
//   - current: the records hold what was called after the doubtful call had
//     ended, and the longest lag that was ever seen has gone by since;
//   - nothing that the vendor confirmed for this member, and that must show by
//     now, is missing from the reading;
//   - points: where records tell what the member had before them, there are no more
//     points, at no record and in the balance, than the records since before the call
//     explain.
//
// What is not known never leads to a send: that is up to the vendor's word that
// it honours keys, and so not to this package.
//
// It rests on this, which no reading can check: a vendor does not lag longer
// than it ever did while samples were taken, a record's time is right to two
// minutes once the zone is learned, and a member whose list is empty by a fault
// has not spent all points again.
//
// # References
//
// A reference stands at the end of a text (Zhimai user.points-add page: reason
// is free text; we put ours last). One that stands elsewhere is somebody's
// order number. It counts only for the operation, account and member that the
// ledger issued it for: the check character alone fits one foreign text in 32.
// Where it may be another operation's text, cut off behind a reference that an
// order number carried, it counts for neither.
package evidence
