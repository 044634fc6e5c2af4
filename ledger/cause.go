package ledger

import "time"

// Causes of waiting and parked rows that the dispatcher writes. Those that the
// store writes itself stand beside their statements.
const (
	CauseRefused          = "refused"
	CauseMemberUnresolved = "member_unresolved"
	CauseUnauthorised     = "unauthorised"
	CauseThrottled        = "throttled"
	CauseSuspicious       = "suspicious_refusal"
	CauseNotSent          = "not_sent"
	CauseRetryable        = "retryable"
	CauseUnsendable       = "unsendable"
	CauseUnknown          = "unknown"
	CauseReturned         = "returned_unsent"
	// CausePointsDiffer and CauseCandidates are those of a verification.
	CausePointsDiffer = "verification_points_differ"
	CauseCandidates   = "verification_candidates"
)

// Reasons of closed gates that workers write; see [GatePaused] for a person's.
const (
	GateUnauthorised = "unauthorised"
	GateThrottled    = "throttled"
	GateSuspicious   = "suspicious_refusals"
	GateFailing      = "failing"
)

// DefaultCodeMaxAge is how old a scanned member code may be; codes rotate.
const DefaultCodeMaxAge = 24 * time.Hour
