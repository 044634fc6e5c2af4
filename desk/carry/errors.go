package carry

import (
	"time"

	"pointsledger/desk"
)

// CanaryError is returned by [PutBack] when too few of its canary have posted: it
// stops there.
type CanaryError struct {
	Canary
	// Waited is how long it was watched. Gates are those that were closed then; they
	// are read when no worker has taken any of it.
	Waited time.Duration
	Gates  []desk.ClosedGate
}

func (e *CanaryError) Error() string { return "too few of the canary have posted" }
