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

// CauseReplayed is the cause of a row that a person put back, until its next
// attempt.
const CauseReplayed = "replayed"

// Reasons of closed gates that workers write; see [GatePaused] for a person's.
const (
	GateUnauthorised = "unauthorised"
	GateThrottled    = "throttled"
	GateSuspicious   = "suspicious_refusals"
	GateFailing      = "failing"
)

// GatePaused is the reason of a gate that a person closed. Only a person opens
// it again (sqlCloseGate, sqlOpenGate and sqlTakeProbe leave it alone).
const GatePaused = "paused"

// DefaultCodeMaxAge is how old a scanned member code may be; codes rotate.
const DefaultCodeMaxAge = 24 * time.Hour
