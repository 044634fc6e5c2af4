// Package rulefiles knows which rule files were used with a ledger, which are in
// force for events of which time, and which were taken back.
//
// A file is kept as it is, under the first 12 hex digits of its SHA-256, before
// anything is recorded by it, and never changed. Which file ends for events from
// which time on is worked out by whoever registers one, under a lock that keeps
// recordings and registrations apart, and written down; the database then refuses
// operations of a file that has ended, whoever sends them (ledger.ErrRulesEnded).
//
//   - Registrations and recordings follow each other
//     (TestRegistrationAndRecordingFollowEachOther); a worker that is stale records
//     nothing.
//   - What was used is not withdrawn: a withdrawal looks, while nothing can be
//     recorded, whether something was recorded by what only this file says
//     (TestWithdrawRules).
//
// After a kill a file is registered, with the ends that follow, or is not.
package rulefiles
