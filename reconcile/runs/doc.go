// Package runs compares the ledger with a vendor's records, keeps each comparison, and
// answers for what it found. The rules are those of package match; here is what they are
// fed with and where it is kept. It changes nothing of the ledger, and prints nothing.
//
// # States of a run
//
//	reading    its members are chosen, and read one after the other; stopped, it is gone
//	           on with (Asked.Resume). The rows of a file are loaded in one transaction
//	comparing  all is read; a comparison that was stopped is begun anew
//	done       its figures and items stand
//	failed     its file could not be read
//
// # Invariants
//
//   - Postings and records are streamed in the order of members, and set side by side one
//     member at a time: memory is that of the member with the most (docs/performance.md has figures).
//   - A record is claimed once: the primary key of reconcile_matches.
//   - A vendor is read at the account's rate, which all workers share, and not while its
//     gate is closed. What moves while it is read is read anew; what still moves is counted as not
//     read.
//   - Only what was read is compared: coverage says how much of the window that is, and
//     what is not compared is listed by its cause.
//   - What a person explained of an item is found again by its key, in every later run
//     (TestKinds). Nothing is corrected.
//
// On failure the run stays where it was; the error says what was asked of database or vendor.
package runs
