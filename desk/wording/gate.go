package wording

import (
	"pointsledger/ledger/gates"
)

// Gate says what a closed gate's reason means.
func Gate(reason string) string {
	switch reason {
	case gates.GateUnauthorised:
		return "the vendor does not accept our credentials"
	case gates.GateThrottled:
		return "the vendor asked for fewer calls"
	case gates.GateSuspicious:
		return "the vendor refused many members in a row with one code and accepted nobody, so the worker suspects our own keys or signing"
	case gates.GateFailing:
		return "many calls in a row had no clear answer"
	case gates.GatePaused:
		return "a person paused the account"
	}
	return reason
}

// GateAdvice says what is worth doing about it.
func GateAdvice(reason string) string {
	switch reason {
	case gates.GateUnauthorised:
		return "correct the account's keys where the worker runs, and start it again. What waits then goes by itself; nothing of it needs a replay."
	case gates.GateThrottled:
		return "nothing: it opens by itself. If it closes often, lower the account's rate, or ask the vendor for a higher one."
	case gates.GateSuspicious:
		return "check the account's keys, its signing and the worker's clock, and ask the vendor what the code means. If it is about the members after all, the gate opens with the first one that the vendor accepts. If it was us, put back what was parked with this code, too."
	case gates.GateFailing:
		return "see whether the vendor is up and the worker can reach it. It opens by itself when a probe is answered."
	case gates.GatePaused:
		return "ask whoever paused it before you resume it. When it may go on:"
	}
	return "a newer worker wrote this reason: see its /readyz."
}
