// Package rebuild is how a person has the stream read again and what the ledger
// lacks added, parked and in doubt: [Room.Preview] reads a part and stores what it
// found as a plan, [Room.ReadPlan] takes the plan up again, and [Room.Add] carries
// it out. Whoever watches is told ([Watch]); nothing is printed.
//
//	          Preview                     Add
//	a part ─────────────▶ plan, stored ─────────▶ added, or stopped ─┐
//	                          │   ▲                                  │
//	                          │   └──────── the same plan again ─────┘
//	                          └── cancelled by anybody, at any time: for good
//
// # Invariants this package holds
//
//   - A preview changes nothing but the list of plans. A plan is stored only when
//     carrying it out would change something, and never when the number of
//     operations is not what the person expects (TestStreamExpectsANumber).
//   - Without a plan that was looked at no more than desk.MaxUnexpected operations
//     are added, unless their number was given (TestStreamAboveHundredNeedsAPlan).
//   - A plan means what it meant: another stream, other rules or other accounts end
//     it (TestStreamPlanMeansTheSame).
//   - What workers will record as usual is not added, for it would only be parked.
//
// # What happens on failure
//
// Reading breaks off: nothing was changed. Adding breaks off: what was added is
// whole, the end is recorded where the database can be reached, and the same plan
// goes on where it is (TestRebuildIsKilled). Once the plan is cancelled nothing
// more is added (TestStreamCancelledBetweenBatches). Until all is added the workers
// refuse the ledger.
package rebuild
