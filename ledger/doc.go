// Package ledger is the domain and its Postgres store: what was accepted
// ([Operation]), what is still to be sent (the outbox), how it ended (a
// posting), and what could not be accepted (a reject).
//
// # States of an outbox row
//
//	            Claim                      Confirm
//	pending ───────────────▶ sending ───────────────▶ (row gone, posting written)
//	   ▲   ◀─────────────────   │
//	   │     Settle, Rescue     │ Settle
//	   │                        ▼
//	   └──────────────────── parked      waits for a person
//	          PutBack (desk)
//
// Doubt (in_doubt) lies across these states: the vendor may have applied the
// operation and there is no proof. It is set by an unclear answer (Settle) and
// by an expired lease (Rescue), and nothing here ends it but a posting, or a
// completed verification that found nothing (ClearDoubt).
//
// # Invariants this package holds
//
//   - One operation per account and dedup key, for ever: constraint
//     operations_one_per_key (TestRecordCountsAnEventOnce).
//   - The same key with other content is a conflict and inserts nothing of its
//     event (TestRecordConflict).
//   - A posting is written once, by the statement that deletes the outbox row
//     (TestConfirmOnce).
//   - Apart from a confirmation, which settles an open row whoever heard it,
//     only the holder of a live lease changes a row (TestSettleNeedsLiveLease).
//   - A row in doubt is claimed only while the vendor remembers its key
//     (TestClaimKeyMemory).
//   - What is read from the stream again is in doubt from the broker's time on
//     (TestRecordRebuilt).
//
// # When something fails
//
//   - A batch that the database refuses for its content is split until the bad
//     event is alone; that one becomes a reject, after one that nothing is
//     wrong with was accepted (TestSystemFaultsRejectNothing).
//   - A database at fault rejects nothing and loses nothing: the error is a
//     [database.FaultError] that says what to do, and the caller keeps what it has.
//   - An answer that was lost changes nothing: recorded again, the keys decide;
//     confirmed again, the posting is there.
//   - A row of a settling batch that cannot be written is set aside, parked, and
//     costs no other ([SetAsideError]).
//
// What a person may see and do stands in package desk, whether this is the ledger
// that it was in continuity. What lies beside the book is in folders below: the
// connections and their faults, budgets, what waits for something else, rejects that
// were published again, the gates of accounts, what is known of their endpoints, and
// the rule files.
//
// Time is the database's: leases and due times are compared with now() in SQL.
package ledger
