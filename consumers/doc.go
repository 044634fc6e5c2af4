// Package consumers takes events from JetStream to the ledger: fetch, decode,
// map by the rules, record in one transaction, and only then acknowledge.
//
//	fetch ─▶ decode ─▶ rules ─▶ one transaction ─▶ commit ─▶ ack
//	            │                      │
//	            └── not acceptable ────┴─▶ rejects ─▶ commit ─▶ terminate, with the reason
//
// [Runner] does it. Decoding is [pointsledger/rules], which is pure. While one batch
// is recorded, the next is fetched and decoded. Beside the runner stand the settings
// of stream and durable (stream.go), looks at them that change nothing ([Inspect],
// [AskPosition], [ReadLag]), and what the broker's user may not do ([Denied]).
//
// # A message
//
// Until it is acknowledged it is the broker's: delivered, held (the broker is told
// that it is worked on), and then acked, terminated or given back. A message that is
// given back comes again, here or at another worker.
//
// # Invariants this package holds
//
//   - Nothing else acknowledges, and nothing is acknowledged before the commit that
//     records it (TestRunnerAcksAfterCommit).
//   - One recorder takes the batches as they were fetched, so with one batch in
//     flight the order of the stream is kept (TestRunnerKeepsStreamOrder).
//   - An event is mapped only by rules that may be used for its time; else it is
//     left to workers that have others (TestRunnerWithEndedRules).
//   - A stream or durable that is there is left as it is; what is weaker than ours
//     is a warning (TestRunnerLeavesExistingStreamAlone).
//
// # What happens on failure
//
//   - The database is away: at most one more batch is fetched; what was fetched is
//     kept, and the broker is told that it is being worked on
//     (TestRunnerDatabaseAway).
//   - The broker is away, or refuses: it is asked again with growing pauses, and
//     [Runner.Trouble] says what is in the way, a missing right by its name.
//   - An answer or an ack is lost: the message comes again, and is a duplicate
//     (TestRunnerCommitWithoutAnswer).
//   - The durable cannot be used: [ErrUnusableConsumer], which trying again cannot
//     mend, ends the runner (TestRunnerRefusesUnusableConsumer).
//   - The worker stops: batches in hand are recorded and acked in their order, the
//     rest is given back (TestRunnerStopsWithABatchWaiting).
package consumers
