// Package seal keeps the ledger from being edited unseen. A [Sealer] lists in the
// background what was recorded, with a digest of each row, in batches that are hashed
// together with the one before; the hash of the newest batch, the head, is kept outside
// the database as well ([Outside]). A [Verifier] works all of that out again and names
// what was edited, removed or inserted. It also holds each operation against its own
// event, its times, its postings and the stream, so that what was edited before it was
// sealed is seen too. It repairs nothing.
//
//	operations, postings, corrections, acts ──sealer, every minute──▶ batch n ──hash──▶ batch n+1
//	                                                                     └──▶ head outside (and in the log)
//
// # What is hashed
//
// Of a row: the table's name, a line feed, and the row as COPY … (FORMAT binary) writes
// its columns in the order of tables.go: the number of columns in two bytes, and each
// column's length in four (−1: NULL) with its bytes. Texts are UTF-8, numbers
// big-endian, instants microseconds since 2000-01-01 00:00 UTC: no setting of a session
// or a server changes them. A row's digest is the first 16 bytes of its SHA-256. Of a
// batch: see batch.sum. testdata/recompute.sql does the same with Postgres alone, for
// an auditor with a dump (TestSQLComesToTheSameSeal).
//
// Covered is what never changes: all columns of operations (with what a refund takes,
// which is a row of reversals written with it), postings, corrections and ops_actions.
// Not covered are outbox, which moves and is compared with its operation instead; rejects
// and waiting, of which parts change; attempts, action_operations and budget_excesses;
// and the rule files, whose version is the hash of their text. A column that a later
// migration adds is in no digest of this form.
//
// # States
//
//	row: recorded ──next batch──▶ listed
//	     inserted with a time before the window ──▶ never listed: named, until a person covers it
//
// A batch lists every row that is committed, not listed, and recorded no earlier than ten
// minutes before the last complete batch ([Window]). Ids alone do not tell: they are given
// out before the commit, and a recovery leaves some out. A batch is bounded; what is over
// goes into the next one, and the last of them is complete.
//
// # Invariants
//
//   - The chain has no branches: one sealer at a time holds the lock, and a number and a
//     previous hash come once (TestSealersBesideWriters).
//   - A transaction that began before a batch and commits after it, within the bound of a
//     minute, is listed by the next one (TestLateCommitsAreSealed).
//   - The database is written first, then the head outside, upwards only. A verifier reads
//     the head outside first. So a head that the database does not hold means that commits
//     were lost or removed, and never a sealer that was faster.
//   - A head that was found lost is noted in the next batch, whose number goes on above it:
//     going on does not cover it up (TestRolledBackDatabase,
//     TestForgedSealDiffersFromTheHeadOutside).
//   - What is covered by an act stays shown, and holds for the row as it is
//     (TestCoverHoldsForTheRowAsItIs).
//   - Sealing takes no lock that a writer waits for.
//
// # What happens on failure
//
// A crash between a batch and the head outside leaves the head behind; the next batch
// raises it. No head outside (no broker, no right): sealing goes on, the log and verify
// say so, and who writes the chain anew in the meantime is not caught. Verify says of each
// check what it could not look at and why; it never passes in silence.
package seal
