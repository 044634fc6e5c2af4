// Package files writes vouchers as the programs read them that import them: a plain text
// accounting journal (hledger), CSV, the text of 用友 U8 and the sheet of 金蝶 KIS. It reckons
// nothing and keeps nothing.
//
// # Invariants
//
//   - Each file has the same lines, amounts and numbers, to the fen ([Writer]; TestFilesSayTheSame).
//   - A text from outside ends no field and no line, and is no formula.
//   - Vouchers are written as they come: memory does not grow with them.
//
// On failure the file is not whole, and whoever opened it removes it.
package files
