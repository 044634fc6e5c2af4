package sabotage

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
	// TakeBackDoesNotWait sends what takes points back without waiting for the end of
	// what gave them.
	TakeBackDoesNotWait = "take_back_does_not_wait"
)
