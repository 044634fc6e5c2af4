// Package feed reads a file of a vendor or a shop: an export of points records, a list of
// orders. A map ([ReadMap]) says which column is what; the file is CSV or an XLSX
// workbook, as its content says, and is read row by row ([File.Rows]). The package knows
// neither the ledger nor who asks.
//
// # States
//
// None. A file is opened, its headings are found, its rows are yielded in their order, and it
// is closed. What a spreadsheet, an accountant or an exporting program does to such files
// is read as it was meant: byte order marks, line ends, full-width digits, thousands
// separators, signs before or behind, dates as numbers, guards before ids, sums below.
//
// # Invariants
//
//   - Nothing is guessed where money is: a cell that can mean two things, an id that lost its
//     digits, points with a fraction are errors that name file, row, column, value
//     and what is wanted ([CellError]; TestCellsThatAreRefused).
//   - Yuan become fen by moving the decimal point of the text, never through a float. A number
//     cell of a workbook is taken as the 15 digits that a spreadsheet shows of it.
//   - Every row is yielded, an error, or counted as left out ([File.LeftOut]): a file that
//     ends in the middle is an error and not a short file (TestWorkbookThatEndsInTheMiddle).
//   - Memory does not grow with the rows: one row is held, and of a workbook the places of
//     its texts, which stand in a temporary file when they are many
//     (TestMemoryDoesNotGrowWithTheRows).
//
// On failure nothing has happened but reading. A [CellError] leaves the rows after it
// readable; any other error is the last thing that is yielded.
package feed
