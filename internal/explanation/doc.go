// Package explanation shows what an event would do: the operations that the rules make of
// it, with their keys and exact requests ([Of]), and what a ledger would make of it now
// ([Explanation.Foresee]). It sends and changes nothing, and secrets are masked.
package explanation
