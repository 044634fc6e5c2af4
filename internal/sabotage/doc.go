// Package sabotage lets a test build (tag sabotage) kill the process between
// two steps, or break a promise on purpose, so that the tests of reliability
// can be seen to fail. In every other build both functions are empty and cost
// nothing.
//
// The environment of a sabotage build chooses:
//
//	SABOTAGE_CRASH=after_commit:3   SIGKILL when the point is reached the third time
//	SABOTAGE_BREAK=ack_before_commit
package sabotage

// Crash points, in the order of an event's way.
const (
	AfterFetch    = "after_fetch"    // events are here, nothing is recorded
	BeforeCommit  = "before_commit"  // decoded, the transaction is not sent
	AfterCommit   = "after_commit"   // recorded, nothing is acknowledged
	AmidAcks      = "amid_acks"      // one message of the batch is acknowledged
	AfterAck      = "after_ack"      // all are, the dispatcher is not woken
	AfterClaim    = "after_claim"    // rows are leased, none is sent
	AfterResolve  = "after_resolve"  // a member code is resolved and committed
	BeforeSend    = "before_send"    // the lease is checked, no byte has left
	AfterSend     = "after_send"     // the vendor answered, nothing is settled
	BeforeConfirm = "before_confirm" // a batch of answers is gathered
	AmidSettle    = "amid_settle"    // confirmations are posted, the rest is not given back
	AfterSettle   = "after_settle"   // all is settled
	AfterScan     = "after_scan"     // a verification has read the records
	AfterVerify   = "after_verify"   // what it found is committed
)

// Points lists every crash point, for a test that visits all.
func Points() []string {
	return []string{AfterFetch, BeforeCommit, AfterCommit, AmidAcks, AfterAck, AfterClaim, AfterResolve, BeforeSend,
		AfterSend, BeforeConfirm, AmidSettle, AfterSettle, AfterScan, AfterVerify}
}

// Promises that a sabotage build can break, each named by what it does instead.
const (
	// PostBeforeSend writes the posting before the vendor call is made.
	PostBeforeSend = "post_before_send"
	// AckBeforeCommit acknowledges events before they are recorded.
	AckBeforeCommit = "ack_before_commit"
	// NewKeyOnRetry sends another dedup key with each attempt.
	NewKeyOnRetry = "new_key_on_retry"
	// NoLeaseCheck lets a worker change a row whose lease it has lost.
	NoLeaseCheck = "no_lease_check"
	// BlindResend sends a row in doubt again without verifying it.
	BlindResend = "blind_resend"
	// NoWitness neither reads nor writes the witness outside the database.
	NoWitness = "no_witness"
	// AbsenceWithoutControl takes what is not in the records for not applied,
	// whether or not they would show it.
	AbsenceWithoutControl = "absence_without_control"
	// FirstReferenceWins takes the first reference in a record's text, wherever it
	// stands.
	FirstReferenceWins = "first_reference_wins"
)
