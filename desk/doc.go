// Package desk is what a person may ask of the ledger and do to it. It prints
// nothing and knows no terminal: a command or a page calls it and words what
// came back. The book (package ledger) does not know that there is a desk.
//
// # What a person does
//
// An act is a row of ops_actions: who ([Decision]), what, to what, why, and what
// became of it. Each is written in the transaction that does the thing, with the
// operations that it changed (action_operations); nothing without an actor and a
// reason is done ([ErrNoReason]). There are
//
//   - acts on one parked operation: [Desk.SettleByHand] and [Desk.ResolveByHand];
//   - acts on an account: [Desk.PauseAccount], [Desk.ResumeAccount] and
//     [Desk.ForgetKnowledge];
//   - acts on a set, by a plan: put back, give up, map rejects again, add what the
//     stream has; and [Desk.DismissRejects], which is one transaction.
//
// # A plan
//
// A plan is a set that a person has looked at and may act on: stored before
// anything is done, under a name that can be said over the telephone
// ([Desk.CreatePlan]). What fits its filter later is not in it. A set is stored
// only when it has the size that is expected, or none above [MaxUnexpected] was
// named ([SetSizeError]).
//
//	       CreatePlan         BeginPlan            a batch            the end
//	(set) ───────────▶ stored ─────────▶ being run ───────▶ … ───────▶ nothing left
//	                     │ ▲                 │
//	                     │ └── Close, a kill ┘
//	                     └── CancelPlan (also while it runs) ─▶ cancelled, for ever
//
// Each operation of a plan is left, and then once and for ever done, skipped (it
// was not parked any more) or refused (it may not be sent or voided: in doubt, work for
// a person, or refunded since).
//
// # Invariants this package holds
//
//   - A batch locks its rows of the plan, changes the outbox, and writes the
//     outcomes and the operations that it changed in one transaction: nothing is
//     done twice, also by two runners without the lock
//     (TestPlanTwoRunnersWithoutTheLock).
//   - Whoever cancels a plan waits for the batch in hand; after that nothing more
//     is done under it, of any kind (TestCancelWaitsForARebuiltBatch).
//   - Only a row that is parked when its batch comes is touched: never one that is
//     being sent (TestReopenLooksAgainAtEachRow). What the vendor may have seen is
//     not changed by a decision: doubt, first send and member stay.
//   - What is in doubt beyond the key's memory is not put back, and is given up
//     only when the person accepts that.
//   - What no call can be made for is never put back, nor is that of which nothing is
//     kept, unless the plan is of nothing else (TestRunLeavesOutWhatIsForAPerson,
//     TestRefundedIsNotPutBack).
//   - What is settled by hand is posted with evidence manual, which accounts for no
//     record of the vendor.
//   - A retried reject is open and has left nothing, or is resolved and recorded;
//     one that may have been granted in a ledger that is lost is parked in doubt.
//   - What only shows (list, find, preview, sample, tally) locks and changes
//     nothing.
//
// # When an operator is killed
//
// A run holds one connection, and on it the lock that keeps a second operator out
// ([PlanBusyError]); both end with the process, however it dies. The batch in hand
// is done and known to be done, or neither; what is left stays in the plan, and the
// next run goes on there. The act that says that the run began then has no end
// beside it. A run that meets an error keeps what was done, and says what is left.
//
// Memory does not grow with a plan of operations: they go from table to table in
// batches (TestPlanOfManyOperations). A list of rejects costs eight bytes for each.
package desk
