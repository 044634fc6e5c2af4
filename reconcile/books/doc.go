// Package books reads the books as an accountant asks for them: the balance of each
// account ([Books.Balance]), what one member was given and lost ([Books.Statement]), and
// the trial balance by what the orders were ([Books.Trial]), as of an instant or a
// business date. It writes nothing and prints nothing; the finance role may run all of
// it, and the same views (book_entries, open_points) with any client.
//
// # States
//
// None. A question is asked in one read-only transaction, so that its parts are of one
// moment, and what it returns is told by the view entries: accepted, posted, voided,
// corrected, each at its instant.
//
// # Invariants
//
//   - As of an instant are the entries that are not after it; as of a business date
//     those whose operation has that date or an earlier one, whenever they were booked,
//     as the books stand now.
//   - Every sum is what a person would reckon from a list of what happened
//     (TestBooksAgreeWithAListOfWhatHappened): what a refund took before its grant was
//     sent is counted once; what is open by age is the balance of the pending accounts.
//   - A group of the trial balance is 0 by itself, by construction. It shows that no entry
//     has one side only, and not that no row was edited.
//   - Mobile numbers in member ids are masked, unless the question is asked to leave them
//     and the database's session may see them ([ErrMayNotSeeMembers]).
//
// An instant of the last minute may still get entries: a transaction that is under way
// books at the time when it began.
//
// On failure nothing has happened; the error says what was asked of the database.
package books
