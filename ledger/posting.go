package ledger

// PostingKind says how an operation ended (postings_kind_known).
type PostingKind string

const (
	// Posted: the vendor applied it.
	Posted PostingKind = "posted"
	// Voided: a person gave it up.
	Voided PostingKind = "voided"
)

// Evidence is how we know that an operation was applied
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
)
