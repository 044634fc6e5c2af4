// Package workitems is what a person does in a vendor's back office, because no call
// can be made for it: points to be taken back, or a freeze to be released, after what
// they are taken from has arrived. It lists them ([Items.List]), sums them up
// ([Items.Sum]), writes them out for whoever does them ([Items.Write]), and settles them
// by the file that comes back ([Read], [Items.Judge], [Items.Settle]).
//
// # States
//
//	            done: posted, evidence manual
//	work item ─────────────────────────────────▶ ended
//	            not_possible: voided, the member keeps the points
//
// A work item is a parked row of the outbox with cause no_vendor_call whose origin
// has arrived (view work_items). It is never put back: one that was written out may
// be done already, and nobody has said so yet.
//
// # Invariants
//
//   - A row of the file settles the operation that its biz_id names, once, or nothing
//     (TestSettle): one that has ended stays as it ended, one that is no work item is
//     left alone, two rows that say different things of one are both left alone, and so
//     is a row whose points are not the item's: its columns were mixed up.
//   - A batch is one transaction: its postings and the act that names who and why. After
//     a failure what was settled is settled and recorded, and the same file goes on
//     (TestSettleGoesOnAfterAFailure).
//
// What the export writes is not masked: whoever does the work needs the member. Lists
// are.
package workitems
