package dispatch

import (
	"time"

	"pointsledger/ledger/gates"
)

// GateReason says why a gate is closed.
type GateReason string

const (
	// GateUnauthorised: the vendor refused our credentials.
	GateUnauthorised GateReason = gates.GateUnauthorised
	// GateThrottled: the vendor asked for a pause.
	GateThrottled GateReason = gates.GateThrottled
	// GateSuspicious: one refusal code for many members, and no success.
	GateSuspicious GateReason = gates.GateSuspicious
	// GateFailing: many calls in a row had no clear answer (circuit breaker).
	GateFailing GateReason = gates.GateFailing
	// GatePaused: a person paused the account; only a person resumes it.
	GatePaused GateReason = gates.GatePaused
)

// GateStatus is a gate as an operator sees it.
type GateStatus struct {
	Open bool
	// Reason, Since, Until and Words are set when it is closed. At Until one
	// call probes; Words is what the vendor said.
	Reason GateReason
	Since  time.Time
	Until  time.Time
	Words  string
}
