// Package report shows a comparison with a vendor's records to people: as blocks for a
// terminal ([Report.Blocks]), as a workbook whose totals are formulas ([Report.Workbook]), as
// a page that needs nothing beside it ([Report.Page]) and as files of comma-separated values
// ([Report.CSV]), in English or Chinese. It writes nothing to the database and prints nothing.
//
// # States
//
// None. A report is read in one read-only transaction, so that all of its parts are of one
// moment, and what of it may be long is streamed from there: memory does not grow with the
// rows (docs/performance.md has figures).
//
// # Invariants
//
//   - The number that must be zero stands first, and is the sum over all items that nobody
//     has explained of the points by which their sides differ.
//   - Each total of the workbook is a formula over the rows that it sums, and has the value
//     that a recalculation gives (TestWorkbookAddsUp). Pairs, items and what is in transit
//     add up to the sides of the comparison; the summary shows by how much they do not.
//   - No text from outside is ever a formula, or a part of the page (TestNoTextIsAFormula,
//     TestReportInEveryForm); ids are texts, dates are dates, points are numbers.
//   - Mobile numbers are masked, unless the report is asked to leave them and the database's
//     session may see them.
//   - Every word of a report is in both languages (TestWordsAreWhole). What the comparison has
//     written down of an item is translated by its sentences (TestSeenInChinese).
//
// On failure the error says what was asked of the database or which part could not be
// written; half a file is the caller's to remove.
package report
