// Package dispatch makes the vendor calls: for each vendor account a claim
// loop, senders and a settler of its own, so that one vendor's trouble never
// slows another, nor the intake of events.
//
// It names no vendor: it asks the ports of vendorapi, and what a vendor does not
// offer (records, member codes) is not asked of it. Of the ledger each loop names
// what it needs beside its code.
//
//	claim (lease) ─▶ queue ─▶ senders ─▶ settle (posting, retry or park)
//	      ▲                     │
//	      └──── gate ◀──────────┘ what the vendor answers
//
// Rows also come from the intake, already leased, where the account has caught up
// ([Handover]).
//
// Whose the scanned codes are of what is not to be sent yet is asked beside all that,
// while nothing is due ([Dispatcher.codesLoop]).
//
// With a rate, a claim takes no more rows than it has slots for, and each call
// waits for its slot ([pace]).
//
// # What always holds
//
//   - A call is made only under a lease that covers the call's deadline and the
//     time to settle; every other change of a row needs that lease, too.
//   - Every attempt carries the same call, in the shape of the first
//     (TestRowKeepsItsShape).
//   - What was heard is kept until it is written, also when the database is away
//     or the process is told to stop.
//   - Doubt ends by a posting, by records that prove absence, or by a person. What
//     the records prove is evidence's to say.
//
// # What an answer leads to
//
//	applied, already applied   posting
//	refused                    parked with the vendor's words
//	unauthorised, throttled    gate closes; the row goes back, no attempt used
//	not sent, retryable        another attempt by the schedule
//	unknown                    in doubt; looked up in the records (verify), or the
//	                           same key again by the schedule (resend)
//
// The whole of it is the pure function decide (TestDecide). A row in doubt is
// re-sent with the same key while the vendor remembers it; the ledger's claim
// holds that limit.
//
// # Suspicious refusals
//
// Ten refusals in a row with one code for different members, and no success
// between them, are more likely our mistake (a wrong key, a wrong URL) than
// ten bad members: the gate closes, the rows go back untouched, and one call a
// minute probes. Until an account has confirmed its first call ever, it makes
// one call at a time (TestWrongKeyParksAtMostTen).
//
// # When something fails
//
//	the vendor       the gate closes for all workers; one call probes
//	the database     each loop tries again; nothing is claimed meanwhile
//	a result that    its row is parked, the others are written
//	cannot be kept   (TestSettlingOfOneRowRefused)
//	this process     its leases end; what was leased is in doubt, and another
//	                 worker takes it up
//	its clock, or    leases are kept by this process's own clock; what waits for
//	the database's   records waits anew
//	a stop           no more claims, unsent rows go back, calls end and are settled;
//	                 those cut off are in doubt
package dispatch
