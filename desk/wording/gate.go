package wording

import (
	"pointsledger/ledger"
)

// Gate says what a closed gate's reason means.
func Gate(reason string) string {
	switch reason {
	case ledger.GateUnauthorised:
		return "the vendor does not accept our credentials"
	case ledger.GateThrottled:
		return "the vendor asked for fewer calls"
	case ledger.GateSuspicious:
		return "the vendor refused many members in a row with one code and accepted nobody, so the worker suspects our own keys or signing"
	case ledger.GateFailing:
		return "many calls in a row had no clear answer"
	case ledger.GatePaused:
		return "a person paused the account"
	}
	return reason
}

// GateAdvice says what is worth doing about it.
func GateAdvice(reason string) string {
	switch reason {
	case ledger.GateUnauthorised:
		return "correct the account's keys where the worker runs, and start it again. What waits then goes by itself; nothing of it needs a replay."
	case ledger.GateThrottled:
		return "nothing: it opens by itself. If it closes often, lower the account's rate, or ask the vendor for a higher one."
	case ledger.GateSuspicious:
		return "check the account's keys, its signing and the worker's clock, and ask the vendor what the code means. If it is about the members after all, the gate opens with the first one that the vendor accepts. If it was us, put back what was parked with this code, too."
	case ledger.GateFailing:
		return "see whether the vendor is up and the worker can reach it. It opens by itself when a probe is answered."
	case ledger.GatePaused:
		return "ask whoever paused it before you resume it. When it may go on:"
	}
	return "a newer worker wrote this reason: see its /readyz."
}
