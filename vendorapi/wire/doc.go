// Package wire makes the HTTP calls of every vendor client, by one set of rules:
// a call writes its request in one write, reads the reply in the same goroutine,
// and so knows whether a byte left this machine
// (docs/decisions/0019-http-connections.md).
//
// # What always holds
//
//   - One Do is one request: nothing is sent twice, followed or retried
//     (TestPostNeverSendsTwice).
//   - NotSent is true (TestNotSentIsTrue), and after a call's deadline nothing of
//     it is sent (TestExchangeSendsNothingAfterTheDeadline).
//   - A connection that the vendor has closed while it was idle is not used
//     (TestPostLeavesConnectionsThatTheVendorClosed).
//   - No answer, error or word of a vendor shows a secret of the call ([Secrets]).
//
// # What happens on failure
//
// An [Answer] without a status says NotSent or Unknown, and why. With a status it
// is the client that decides what it means; a body that is too large, encoded or
// cut off is in Err. Nothing is logged, and nothing is tried again.
package wire
