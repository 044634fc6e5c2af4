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

// JetStreamOffError is returned when the broker has no JetStream for us: trying
// again helps only once somebody has changed that, or another server is named.
type JetStreamOffError struct {
	// Server is the broker's URL without its secrets.
	Server string
	// OfAccount: the server has it, and the account of our NATS user has not.
	OfAccount bool
	// Err is the broker's, or that nobody answers.
	Err error
}

func (e *JetStreamOffError) Error() string { return e.What() + ": " + e.Err.Error() }
func (e *JetStreamOffError) Unwrap() error { return e.Err }

// What is the error without the broker's words.
func (e *JetStreamOffError) What() string {
	if e.OfAccount {
		return "JetStream is off for the account of this NATS user at " + e.Server
	}
	return "JetStream is off at " + e.Server
}

func (e *DeniedError) verb() string {
	if e.Publish {
		return "publish to"
	}
	return "subscribe to"
}
