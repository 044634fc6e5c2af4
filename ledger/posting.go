package ledger

// PostingKind says how an operation ended (postings_kind_known).
type PostingKind string

const (
	// Posted: the vendor applied it.
	Posted PostingKind = "posted"
	// Voided: a person gave it up, or nothing is left of it to be sent.
	Voided PostingKind = "voided"
)

// Evidence is how we know that an operation was applied, or ended without a call
// (postings_evidence_known).
type Evidence string

const (
	// Answered: the vendor's reply to this attempt said so.
	Answered Evidence = "answered"
	// AlreadyApplied: the vendor said that it had applied the key before.
	AlreadyApplied Evidence = "already_applied"
	// Verified: the operation was seen in the vendor's records.
	Verified Evidence = "verified"
	// Manual: a person says so.
	Manual Evidence = "manual"
	// Netted: its points were taken from the origin before that was sent, so that no
	// call was made.
	Netted Evidence = "netted"
	// Reversed: voided because all of it was taken back before it was sent.
	Reversed Evidence = "reversed"
	// NothingToTakeBack: voided because its origin had been given up.
	NothingToTakeBack Evidence = "nothing_to_take_back"
	// NoCallNeeded: voided because the vendor offers no call for it, and needs none.
	NoCallNeeded Evidence = "no_call_needed"
)
