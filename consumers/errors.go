package consumers

import (
	"errors"
	"fmt"
)

// ErrUnusableConsumer is returned when the durable consumer exists in a form
// that this worker cannot use; trying again does not help.
var ErrUnusableConsumer = errors.New("consumer cannot be used")

// DeniedError is returned for a call to the broker that its user may not make.
// The broker says so beside the call, which by itself only runs out of time.
type DeniedError struct {
	// Publish is false for a subscription.
	Publish bool
	Subject string
}

func (e *DeniedError) Error() string {
	return fmt.Sprintf("the NATS user may not %s %s: allow it (docs/runbook.md lists the rights of the worker's NATS user)", e.verb(), e.Subject)
}

func (e *DeniedError) verb() string {
	if e.Publish {
		return "publish to"
	}
	return "subscribe to"
}
