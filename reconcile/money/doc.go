// Package money turns the points of the books into vouchers in money: what of each sale's
// price is deferred for its points, and what of it is revenue as points are redeemed, as
// IFRS 15 (illustrative example 52) and CAS 14 (合同负债) have it; points that no sale paid
// for are an expense and owed. What a point is worth and how many are redeemed is data of
// finance's, dated and kept ([Values]). The finance role runs all of it.
//
// # States
//
// A journal ([Journals.Make]) is reckoned anew from the first grant on, day by day. What was
// handed out is kept: the values file that it used, the vouchers, and the redemptions of
// each day that were told. Kept rows are never changed.
//
// # Invariants
//
//   - A voucher's debit is its credit, in whole fen. Amounts are exact rationals until they
//     are rounded, half away from zero, at one place ([rounded]); what the rounded days of a
//     month differ from the month's exact sum rounded once is a line of its own
//     (TestJournalAgreesWithAnotherReckoning).
//   - The price of a shop's sales of a business date is allocated as one: sales of a day
//     are alike, and a day's sum is what a voucher shows. What is allocated is not
//     allocated again when an estimate changes.
//   - Points are used up in the order of their dates. Recognised to date of a day's points is
//     allocated × redeemed ÷ expected; of days before all, of days after nothing. A change of
//     the expected share moves what is recognised to date, on the day it begins.
//   - Whichever days are asked for, a day's voucher is the same; its number is a function of
//     what it books (TestVoucherNumberIsItsContent).
//   - An estimate that a handed-out journal used stays as it was ([ErrValuesUsed]).
//   - Redemptions that nobody told are not guessed: the voucher says accrual only.
//
// On failure nothing was kept, as keeping is one transaction after the file was written.
package money
