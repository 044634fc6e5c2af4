// Package continuity answers one question: is this the database that the ledger
// was in, with all that it held, and is this its stream? A standby that took
// over, a restored backup and a disk that was rolled back look like the ledger,
// and lack its newest commits: what they show as waiting may have been sent.
//
//	          ┌────────────────── look, every few seconds ──────────────────┐
//	          ▼                                                             │
//	  connection ─▶ position of the stream ─▶ witness ─▶ the ledger's row ──┤
//	                                                                        │
//	as it was ────────────▶ beat: the row, then the witness ────▶ guard open
//	lacks commits ────────▶ open rows in doubt, stream read again ─▶ guard open
//	not the ledger's ─────▶ guard shut, until a person acts (errors.go)
//	cannot be told ───────▶ guard shut or doubted, looked at again
//
// [Keeper] looks. [Guard] stands at the door of the worker's pool: while it is
// shut, nothing is recorded, claimed or sent. The row is ledger_identity
// ([Identity]), read and written on one connection ([Session]). The witness is an
// entry beside the stream, outside the database, so that it is not rolled back
// with it. [Rebuilder] is for a person: it reads the stream again and adds what
// the ledger lacks, parked and in doubt.
//
// # States of the guard
//
//	       Admit                      Doubt, or 45 s without a look
//	shut ─────────▶ open and fresh ─────────────────────────────────▶ doubted
//	 ▲                 │     ▲                 Admit                     │
//	 │                 │     └───────────────────────────────────────────┤
//	 └──────Shut───────┴─────────────────────Shut────────────────────────┘
//
// Doubted, connections that are open go on, because they lead to the server that
// was seen, and new ones wait for the next look. When it is shut, the keeper has
// the pool give up those that are open, too.
//
// # Invariants this package holds
//
//   - A new connection is used only when it leads to the database that was seen,
//     in no older a state (TestGuard). The counter of the row (beat) only rises,
//     and is no time: a step of a clock means nothing to it
//     (TestIdentityCounterRises).
//   - What was acknowledged is in the ledger before the row says so: the row is
//     written on a connection that was made before the broker was asked.
//   - The database first, then the witness, upwards only; the witness is read
//     before the row. So a row that is lower has lost commits
//     (TestKeeperQuietSnapshot, TestKeeperThreeAtOnce).
//   - What another ledger or a later timeline wrote into the witness is never
//     overwritten by a worker (TestKeeperOtherLedger, TestKeeperLowerTimeline).
//   - After a loss every open row is in doubt, no older than the loss, and what is
//     read again is in doubt from the broker's time on; both rest until no worker
//     can hold a lease that the database does not know of (TestDoubtOpen,
//     TestKeeperDatabaseSwappedForBackup). Ids begin above all that lost commits
//     can have given out (TestNoIDComesTwiceAfterRollBacks).
//   - One worker at a time decides (TestIdentityLock); the others find it decided.
//   - An empty ledger is not filled from a stream with a history unless a person
//     names that stream (TestKeeperFirstStart).
//   - While a ledger is being rebuilt, workers refuse it, from before the first
//     event is added until all that was acknowledged is there
//     (TestMarkRebuilding).
//
// # What happens on failure
//
// The database is away: nothing is decided, the guard is doubted, and the next
// look tries again. The broker is away: a guard that is open stays so, and the
// row alone is raised; one that is shut waits for the broker
// (TestKeeperBrokerAway). No witness can be kept (rights, an old broker): the
// ledger is used without, with a warning (TestRightsMissing). Mending that breaks
// off is begun again by whoever looks next: what is there already is left alone.
// A refusal ends by itself once the thing is put right.
package continuity
