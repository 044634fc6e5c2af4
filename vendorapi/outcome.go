package vendorapi

import "time"

// Outcome answers one question about a call: may the vendor have applied it?
// It is decided from status, code and error type, never from error text, and
// what is not listed is Unknown.
type Outcome int

const (
	// Unknown: the vendor may or may not have applied the call (5xx, 408, 3xx,
	// status false, a timeout or reset after the first byte, an unreadable or
	// oversized reply). It is the zero value on purpose.
	Unknown Outcome = iota
	// Applied: the vendor says that it applied the call.
	Applied
	// AlreadyApplied: the vendor says that it applied this key before.
	AlreadyApplied
	// Refused: the vendor says that it will not apply the call.
	Refused
	// Unauthorised: our credentials were refused; nothing was applied.
	Unauthorised
	// Throttled: the vendor asks for fewer calls; nothing was applied.
	Throttled
	// NotSent: no byte of the request left this machine.
	NotSent
	// Retryable: the vendor says that it did not apply the call, with a code
	// that the configuration lists as worth trying again.
	Retryable
)

var outcomeNames = [...]string{"unknown", "applied", "already_applied", "refused", "unauthorised", "throttled", "not_sent", "retryable"}

// String returns the name used in logs, metrics and the attempts table.
func (o Outcome) String() string {
	if o < 0 || int(o) >= len(outcomeNames) {
		return "unknown"
	}
	return outcomeNames[o]
}

// Reply is what became of one call.
type Reply struct {
	Outcome Outcome
	// HTTPStatus is 0 when no reply was read.
	HTTPStatus int
	// Code and Message are the vendor's own words, each capped (wire.MaxWords
	// bytes), valid UTF-8 without NUL, and free of our secrets.
	Code    string
	Message string
	// RetryAfter is what a throttled reply asked for, 0 when it named nothing.
	RetryAfter time.Duration
	// Err is the transport or decoding error behind the outcome, if any; it
	// never holds a secret or a whole URL with one.
	Err error
	// Duration is the time from the call to its outcome.
	Duration time.Duration
}
