// Package budgets bounds what a day may grant: to one member of an account, and by one
// source. What is above a budget is recorded all the same, and parked for a person.
//
// # Invariants this package holds
//
//   - A budget is exceeded by what other transactions admit in the same moment, a batch
//     for each worker, and by no more (TestBudgetOverWorkers).
//   - What is parked uses none of it, and what is smaller still fits (TestBudgets).
//   - No transaction waits for another's counters: each counts in rows of its own
//     ([Writers]); a day is their sum.
//
// # When something fails
//
// The counters move in the transaction that records what they count: either both are
// there, or neither. Counters of days long past are deleted as new ones are written.
package budgets
