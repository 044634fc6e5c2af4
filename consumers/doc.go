// Package consumers takes events from JetStream to the ledger: fetch, decode,
// map by the rules, record in one transaction, and only then acknowledge.
//
//	fetch ─▶ decode ─▶ rules ─▶ one transaction ─▶ commit ─▶ ack
//	            │                      │
//	            └── not acceptable ────┴─▶ rejects ─▶ commit ─▶ terminate, with the reason
//
// [Runner] is the only place that acknowledges, and it does so after the
// commit (TestRunnerAcksAfterCommit). Decoding is [pointsledger/rules], which is
// pure. While one batch is recorded, the next is fetched and decoded.
// While Postgres is away nothing more than that is fetched; what was fetched is
// kept, and the broker is told that it is being worked on
// (TestRunnerDatabaseAway).
package consumers
