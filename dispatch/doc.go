// Package dispatch makes the vendor calls: for each vendor account a claim
// loop, senders and a settler of its own, so that one vendor's trouble never
// slows another, nor the intake of events.
//
//	claim (lease) ─▶ queue ─▶ senders ─▶ settle (posting, retry or park)
//	      ▲                     │
//	      └──── gate ◀──────────┘ what the vendor answers
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
package dispatch
