package ledger

// Cause says why an outbox row is parked, or why it waits again. The empty cause
// is that of a row that was not tried yet.
type Cause string

// Causes that follow a call.
const (
	// CauseRefused: the vendor will not do it.
	CauseRefused Cause = "refused"
	// CauseMemberUnresolved: the vendor knows nobody by this scanned code.
	CauseMemberUnresolved Cause = "member_unresolved"
	// CauseUnauthorised: the vendor does not accept our credentials.
	CauseUnauthorised Cause = "unauthorised"
	// CauseThrottled: the vendor wants fewer calls.
	CauseThrottled Cause = "throttled"
	// CauseSuspicious: too many refusals in a row had this one's code.
	CauseSuspicious Cause = "suspicious_refusal"
	// CauseNotSent: nothing left this machine.
	CauseNotSent Cause = "not_sent"
	// CauseRetryable: the vendor asks to try again.
	CauseRetryable Cause = "retryable"
	// CauseUnsendable: no request can be made of the operation.
	CauseUnsendable Cause = "unsendable"
	// CauseUnknown: the vendor may have applied it.
	CauseUnknown Cause = "unknown"
	// CauseReturned: a worker gave the row back without sending it.
	CauseReturned Cause = "returned_unsent"
)

// Causes that follow a reading of the member's records.
const (
	// CausePointsDiffer: the records show the reference with other points.
	CausePointsDiffer Cause = "verification_points_differ"
	// CauseCandidates: some records may be this operation.
	CauseCandidates Cause = "verification_candidates"
	// CauseNoControl: the reading proved nothing; the row waits for another
	// reading, or, parked, for a person.
	CauseNoControl Cause = "no_control"
)

// Causes that the store finds by itself.
const (
	// CauseLeaseExpired: a worker did not say how its call ended.
	CauseLeaseExpired Cause = "lease_expired"
	// CauseAttemptsExhausted: it was tried as often as allowed.
	CauseAttemptsExhausted Cause = "attempts_exhausted"
	// CauseKeyMemoryOver: in doubt for longer than the vendor remembers the key.
	CauseKeyMemoryOver Cause = "key_memory_over"
	// CauseSettlingRefused: the database refuses to write the result; a person
	// must look at both.
	CauseSettlingRefused Cause = "settling_refused"
	// CauseRebuilt: read from the stream again, because the database that first
	// recorded it is gone.
	CauseRebuilt Cause = "rebuilt"
	// CauseDatabaseChanged: open in a database that lost its newest commits; its
	// send may be among them.
	CauseDatabaseChanged Cause = "database_changed"
)

// CauseOverBudget: above what a day may grant to its member or from its source,
// parked when it was recorded (TestBudgets).
const CauseOverBudget Cause = "over_budget"

// CauseNoVendorCall: the vendor offers no call for it, so that a person does it in
// the vendor's back office.
const CauseNoVendorCall Cause = "no_vendor_call"

// CauseReplayed: a person put the row back; until its next attempt.
const CauseReplayed Cause = "replayed"
